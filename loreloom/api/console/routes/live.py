"""What happens, as it happens, for pages that are open."""

import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from sse_starlette import ServerSentEvent

from loreloom.api.console.pages import fragment
from loreloom.api.console.session import Reader, reader_of
from loreloom.api.console.tellings import may_see, telling_of
from loreloom.api.context import context_of
from loreloom.api.http.auth import is_designer
from loreloom.api.lookups import the_world
from loreloom.api.schemas.fields import MAX_BIGINT, WorldIdPath
from loreloom.api.stream import CLOSING_SECONDS, SeatedStream, Wanted, with_beats
from loreloom.domain.ids import WorldId
from loreloom.state.keys import KeyIdentity

log = logging.getLogger(__name__)

router = APIRouter()


@router.get("/worlds/{world_id}/live")
async def follow(
    request: Request,
    reader: Reader,
    world_id: WorldIdPath,
    after: Annotated[int, Query(ge=0, le=MAX_BIGINT)] = 0,
    subject: Annotated[str | None, Query(max_length=300)] = None,
    last_event_id: Annotated[
        str | None, Header(alias="Last-Event-ID", pattern=r"^[0-9]{1,18}$")
    ] = None,
) -> Response:
    """Each entry as a row of the page's list; with a ``subject`` only those about it."""
    context = context_of(request)
    await the_world(request, world_id)
    cursor = int(last_event_id) if last_event_id is not None else after
    return SeatedStream(
        context.feed.seat(),
        _rows(request, reader, world_id, cursor, subject),
        ping=context.parts.config.heartbeat_seconds,
        send_timeout=context.parts.config.slow_reader_seconds,
        shutdown_grace_period=CLOSING_SECONDS,
        sep="\n",
    )


async def _reader_now(request: Request, before: KeyIdentity) -> KeyIdentity | None:
    """Who reads: a page may be open for days, and its key be revoked or given less meanwhile.

    While Postgres is away nobody can say so, and nothing new can be read either.
    """
    try:
        return await reader_of(request)
    except SQLAlchemyError:
        return before


async def _rows(
    request: Request, reader: KeyIdentity, world_id: WorldId, after: int, subject: str | None
) -> AsyncIterator[ServerSentEvent]:
    context = context_of(request)
    beat = context.parts.config.heartbeat_seconds
    try:
        async with (
            aclosing(context.feed.entries(world_id, after, Wanted())) as entries,
            aclosing(with_beats(entries, beat)) as beats,
        ):
            async for entry in beats:
                now = await _reader_now(request, reader)
                if now is None or not is_designer(now):
                    return
                reader = now
                if entry and may_see(reader, entry) and subject in (None, entry.subject):
                    row = fragment("_entry.html", telling=telling_of(entry))
                    yield ServerSentEvent(row, id=str(entry.id), sep="\n")
    except SQLAlchemyError as error:
        # The page comes back with the last id that it has, and misses nothing.
        log.warning("a live page ended: %s", type(error).__name__)
