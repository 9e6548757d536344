"""One box that takes any id and goes to its page."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from loreloom.api.console.pages import in_address, page
from loreloom.api.console.session import Reader
from loreloom.api.context import context_of
from loreloom.domain.ids import ArcId, PassageId, PaymentId, PlayerId, QuestId, WorldId
from loreloom.knowledge.passages import passages_by_id
from loreloom.state.arcs import find_arc
from loreloom.state.generations import subject_of
from loreloom.state.payments import find_payment
from loreloom.state.players import worlds_of_player
from loreloom.state.quests import find_quest
from loreloom.state.store import Store
from loreloom.state.worlds import find_world

MOST_WORLDS = 20

router = APIRouter()


@router.get("/find")
async def find(
    request: Request,
    reader: Reader,
    q: Annotated[str, Query(min_length=1, max_length=200, pattern=r"^[^\x00]*$")],
) -> Response:
    """The page of what has this id: a story, a purchase, a generation, a passage, a player."""
    store = context_of(request).parts.store
    asked = q.strip()
    address = await _address(store, asked) or await _address(store, asked.partition("/")[2])
    if address is not None:
        return RedirectResponse(address, 303)
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


async def _address(store: Store, name: str) -> str | None:
    """The page of a thing by its id, or by the id of its workflow behind the first stroke."""
    if not name:
        return None
    if await find_quest(store, QuestId(name)) is not None:
        return f"/console/quests/{in_address(name)}"
    if await find_arc(store, ArcId(name)) is not None:
        return f"/console/arcs/{in_address(name)}"
    if await find_world(store, WorldId(name)) is not None:
        return f"/console/worlds/{in_address(name)}"
    if await passages_by_id(store, [PassageId(name)]):
        return f"/console/passages/{in_address(name)}"
    if await find_payment(store, PaymentId(name)) is not None:
        return f"/console/ops/payments/{in_address(name)}"
    subject = await subject_of(store, name)
    if subject is not None and subject.startswith("quest/"):
        return f"/console/quests/{in_address(subject.partition('/')[2])}#{in_address(name)}"
    return None


def _of_player(world_id: WorldId, player_id: PlayerId) -> str:
    return f"/console/worlds/{in_address(world_id)}/players/{in_address(player_id)}"
