"""One box that takes any id and goes to its page."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from loreloom.api.console.pages import in_address, page
from loreloom.api.console.session import Reader
from loreloom.api.context import Context, context_of
from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.domain.ids import (
    ArcId,
    DocumentId,
    EntityId,
    PassageId,
    PaymentId,
    PlayerId,
    QuestId,
    WhatIfId,
    WorldId,
)
from loreloom.knowledge.documents import get_document
from loreloom.knowledge.entities import get_entity
from loreloom.knowledge.passages import passages_by_id
from loreloom.knowledge.problems import LoreProblem
from loreloom.state import whatifs
from loreloom.state.arcs import find_arc
from loreloom.state.generations import subject_of
from loreloom.state.keys import KeyIdentity, Scope
from loreloom.state.payments import find_payment
from loreloom.state.players import worlds_of_player
from loreloom.state.quests import find_quest
from loreloom.state.store import Store
from loreloom.state.worlds import find_world

MOST_WORLDS = 20

Find = Callable[[Store, str], Awaitable[object]]

router = APIRouter()


@router.get("/find")
async def find(
    request: Request,
    reader: Reader,
    q: Annotated[str, Query(min_length=1, max_length=200, pattern=r"^[^\x00]*$")],
) -> Response:
    """The page of what has this id: whatever has a page, a generation, a workflow, a player."""
    context = context_of(request)
    store = context.parts.store
    asked = q.strip()
    address = await _address(context, reader, asked)
    if address is not None:
        return RedirectResponse(f"/console/{address}", 303)
    player = PlayerId(asked)
    worlds = await worlds_of_player(store, player, limit=MOST_WORLDS)
    if len(worlds) == 1:
        return RedirectResponse(_of_player(worlds[0], player), 303)
    return page(
        request,
        "found.html",
        status=200 if worlds else 404,
        asked=asked,
        found=[(world, _of_player(world, player)) for world in worlds],
    )


async def _address(context: Context, reader: KeyIdentity, asked: str) -> str | None:
    """The page of a thing by its id, or by the id of its workflow; else the workflow's own."""
    is_ops, store = Scope.OPS in reader.scopes, context.parts.store
    pages = {**PAGES, **PAGES_OF_OPS} if is_ops else PAGES
    _, *names = asked.split("/")
    for name in (asked, *names[:1]):
        for place, found in pages.items():
            if name and await _is_there(found, store, name):
                return f"{place}/{in_address(name)}"
        story = await _made_for(store, name)
        if story is not None:
            return f"{story}#{in_address(name)}"
    if is_ops and names and await _runs(context, asked):
        return f"ops/workflows/{quote(asked)}"
    return None


async def _made_for(store: Store, generation_id: str) -> str | None:
    """The page of the story for which a text was made, where the text stands."""
    subject = await subject_of(store, generation_id)
    sort, _, name = (subject or "").partition("/")
    place = {"quest": "quests", "arc": "arcs"}.get(sort)
    return f"{place}/{in_address(name)}" if place else None


async def _is_there(found: Find, store: Store, name: str) -> bool:
    try:
        return await found(store, name) is not None
    except LoreProblem:
        return False


async def _runs(context: Context, workflow_id: str) -> bool:
    try:
        await context.stories.find(workflow_id)
    except ApiError as error:
        if error.code is ErrorCode.UNKNOWN_WORKFLOW:
            return False
        raise
    return True


async def _passage(store: Store, name: str) -> object:
    return (await passages_by_id(store, [PassageId(name)])).get(PassageId(name))


PAGES: Mapping[str, Find] = {
    "quests": lambda store, name: find_quest(store, QuestId(name)),
    "arcs": lambda store, name: find_arc(store, ArcId(name)),
    "worlds": lambda store, name: find_world(store, WorldId(name)),
    "passages": _passage,
    "documents": lambda store, name: get_document(store, DocumentId(name)),
    "entities": lambda store, name: get_entity(store, EntityId(name)),
    "whatifs": lambda store, name: whatifs.find(store, WhatIfId(name)),
    "whatif-sets": lambda store, name: whatifs.find_set(store, WhatIfId(name)),
}
"""How it is known that something has its page there, by the page's place."""

PAGES_OF_OPS: Mapping[str, Find] = {
    "ops/payments": lambda store, name: find_payment(store, PaymentId(name)),
}


def _of_player(world_id: WorldId, player_id: PlayerId) -> str:
    return f"/console/worlds/{in_address(world_id)}/players/{in_address(player_id)}"
