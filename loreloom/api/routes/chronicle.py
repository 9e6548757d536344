"""The chronicle: pages, or a stream of the same entries as they happen."""

import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from sse_starlette import ServerSentEvent

from loreloom.api.context import context_of
from loreloom.api.http.answers import answer, problems
from loreloom.api.http.auth import AnyCaller, is_still_known, sees_payments
from loreloom.api.lookups import the_world
from loreloom.api.schemas.chronicle import ChroniclePage
from loreloom.api.schemas.fields import ID, MAX_BIGINT, Limit, WorldIdPath
from loreloom.api.stream import CLOSING_SECONDS, SeatedStream, Wanted, with_beats
from loreloom.domain.ids import PlayerId, WorldId
from loreloom.state.chronicle import read
from loreloom.state.paging import page_of

log = logging.getLogger(__name__)

EVENT_STREAM = "text/event-stream"

router = APIRouter(tags=["chronicle"])

EntryId = Annotated[
    int | None, Query(ge=0, le=MAX_BIGINT, description="Entries with a higher id than this.")
]
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern=r"^[0-9]{1,18}$",
        description="The last entry that a stream's reader has; goes before `after`.",
    ),
]
KindFilter = Annotated[
    str | None,
    Query(
        pattern=r"^[a-z_]{1,40}(\.[a-z_]{0,40}){0,3}$",
        description="A kind, or with a dot at its end all kinds below it: `quest.`",
    ),
]


@router.get(
    "/v1/worlds/{world_id}/chronicle",
    operation_id="read_chronicle",
    response_model=ChroniclePage,
    responses={
        200: {
            "description": "A page; with `Accept: text/event-stream` a stream of the same entries:"
            " `id` is the entry's id, `event` its kind, `data` the entry.",
            "content": {EVENT_STREAM: {"schema": {"type": "string"}}},
        },
        **problems(404, 422, 429),
    },
)
async def read_chronicle(
    request: Request,
    caller: AnyCaller,
    world_id: WorldIdPath,
    after: EntryId = None,
    limit: Limit = 100,
    player_id: Annotated[PlayerId | None, Query(pattern=ID)] = None,
    kind: KindFilter = None,
    last_event_id: LastEventId = None,
) -> Response:
    """What happened in a world, in order, from the beginning or after an entry. A designer's key
    reads nothing of what was bought.

    With ``Accept: text/event-stream`` the answer is a stream that goes on with what happens.
    """
    context = context_of(request)
    await the_world(request, world_id)
    wanted = Wanted(player_id=player_id, kind=kind, money=sees_payments(caller))
    if EVENT_STREAM in request.headers.get("accept", "").lower():
        cursor = int(last_event_id) if last_event_id is not None else after or 0
        return SeatedStream(
            context.feed.seat(),
            _events(request, world_id, cursor, wanted),
            ping=context.parts.config.heartbeat_seconds,
            send_timeout=context.parts.config.slow_reader_seconds,
            # A process that stops closes the feed, which ends the stream in order; this bounds it.
            shutdown_grace_period=CLOSING_SECONDS,
            sep="\n",
        )
    found = await read(
        context.parts.store,
        world_id,
        after=after or 0,
        limit=limit + 1,
        player_id=player_id,
        kind=kind,
        money=wanted.money,
    )
    page = page_of(found, limit, lambda entry: str(entry.id))
    return answer(ChroniclePage(items=page.items, next=page.next))


async def _events(
    request: Request, world_id: WorldId, after: int, wanted: Wanted
) -> AsyncIterator[ServerSentEvent]:
    context = context_of(request)
    beat = context.parts.config.heartbeat_seconds
    try:
        async with (
            aclosing(context.feed.entries(world_id, after, wanted)) as entries,
            aclosing(with_beats(entries, beat)) as beats,
        ):
            async for entry in beats:
                if not await is_still_known(request):
                    return
                if entry is not None:
                    yield ServerSentEvent(
                        entry.model_dump_json(), id=str(entry.id), event=entry.kind, sep="\n"
                    )
    except SQLAlchemyError as error:
        # The stream ends; its reader comes back with the last id it has, and misses nothing.
        log.warning("a stream ended: %s", type(error).__name__)
