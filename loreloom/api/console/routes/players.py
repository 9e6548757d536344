"""Players: found among many, one as the engine knows them, put right, taken out and erased."""

import re
import secrets
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from loreloom.api.console.forms import body_of
from loreloom.api.console.pages import in_address, page
from loreloom.api.console.session import Operator, Reader, SentForm
from loreloom.api.context import context_of
from loreloom.api.http.answers import answer
from loreloom.api.http.cursors import from_cursor, to_cursor
from loreloom.api.http.errors import invalid
from loreloom.api.lookups import the_player, the_world
from loreloom.api.ops.players import CURSOR, erase_player, export_player
from loreloom.api.ops.repairing import repair_player, repairs_view
from loreloom.api.schemas.fields import NAME, After, PlayerIdPath, WorldIdPath
from loreloom.api.schemas.ops_players import EraseBody, RepairBody, RepairView
from loreloom.api.shaping import quest_view
from loreloom.api.shaping_arcs import arc_summary
from loreloom.domain.ids import PlayerId, WorldId
from loreloom.state.arc_search import ArcFilter, list_arcs
from loreloom.state.facts import list_facts
from loreloom.state.keys import Scope
from loreloom.state.payments import PaymentRecord, newest_payments
from loreloom.state.personal import Whose
from loreloom.state.players import list_players
from loreloom.state.quest_search import QuestFilter, newest_quests

PAGE = 50
FIRST = 10
"""How many of a player's stories, facts and purchases the page begins with."""

REPAIR_ID = re.compile(r"repair_[0-9a-f]{24}")

router = APIRouter(prefix="/worlds/{world_id}/players")


@router.get("")
async def find_players(
    request: Request,
    reader: Reader,
    world_id: WorldIdPath,
    named: Annotated[str, Query(max_length=100, pattern=f"{NAME}|^$")] | None = None,
    after: After = None,
) -> Response:
    """A world's players whose id begins so, or whose name has it in it."""
    world = await the_world(request, world_id)
    store = context_of(request).parts.store
    found = await list_players(
        store, world_id, named or None, after=from_cursor("players", after), limit=PAGE
    )
    return page(
        request,
        "players.html",
        world=world,
        players=found.items,
        next=to_cursor("players", found.next),
        asked={"named": named} if named else {},
    )


@router.get("/{player_id}")
async def show_player(
    request: Request, reader: Reader, world_id: WorldIdPath, player_id: PlayerIdPath
) -> Response:
    """One player: what they are and have, their stories, and for ops what they paid."""
    store = context_of(request).parts.store
    world = await the_world(request, world_id)
    player = await the_player(request, world_id, player_id)
    quests = await newest_quests(
        store, world_id, QuestFilter(player_id=player_id), after=None, limit=FIRST
    )
    arcs = await list_arcs(store, world_id, ArcFilter(player_id=player_id), after=None, limit=FIRST)
    is_ops = Scope.OPS in reader.scopes
    return page(
        request,
        "player.html",
        world=world,
        player=player,
        facts=await list_facts(store, world_id, player_id=player_id, limit=PAGE),
        quests=[quest_view(quest) for quest in quests.items],
        more_quests=quests.next is not None,
        arcs=[arc_summary(arc) for arc in arcs.items],
        more_arcs=arcs.next is not None,
        payments=await _payments(request, world_id, player_id) if is_ops else (),
        repairs=await _repairs(request, world_id, player_id) if is_ops else (),
        repair_id=f"repair_{secrets.token_hex(12)}",
    )


@router.get("/{player_id}/export")
async def take_out(
    request: Request,
    reader: Operator,
    world_id: WorldIdPath,
    player_id: PlayerIdPath,
    workflows_after: After = None,
) -> Response:
    """All that is kept of the player as a file."""
    await the_player(request, world_id, player_id)
    context = context_of(request)
    parts, whose = context.parts, Whose(world_id, player_id)
    after = from_cursor(CURSOR, workflows_after)
    made = answer(await export_player(parts.store, parts.temporal, context.stories, whose, after))
    made.headers["Content-Disposition"] = 'attachment; filename="player.json"'
    return made


@router.post("/{player_id}/repair")
async def put_right(
    request: Request,
    reader: Operator,
    form: SentForm,
    world_id: WorldIdPath,
    player_id: PlayerIdPath,
) -> Response:
    """Put right what was filled in, once however often the form is sent."""
    body = body_of(
        RepairBody,
        {
            "reason": str(form.get("reason", "")),
            **{name: str(form[name]) for name in ("name", "experience", "coin") if form.get(name)},
            "items": _amounts(form, "item", "count"),
            "standing": _amounts(form, "faction", "standing"),
        },
    )
    repair_id = str(form.get("repair_id", ""))
    if not REPAIR_ID.fullmatch(repair_id):
        raise invalid("repair_id", "open the player's page again and repeat")
    whose = Whose(world_id, player_id)
    await repair_player(context_of(request).parts.store, whose, body, reader.name, repair_id)
    address = f"/console/worlds/{in_address(world_id)}/players/{in_address(player_id)}"
    return RedirectResponse(f"{address}#repairs", 303)


@router.post("/{player_id}/erase")
async def erase(
    request: Request,
    reader: Operator,
    form: SentForm,
    world_id: WorldIdPath,
    player_id: PlayerIdPath,
) -> Response:
    """Say what would be erased; erase it once the player's id was typed beneath that."""
    world = await the_world(request, world_id)
    await the_player(request, world_id, player_id)
    typed = form.get("typed")
    asked = {"reason": str(form.get("reason", "")), "dry_run": typed != player_id}
    body = body_of(EraseBody, asked)
    seen = await erase_player(
        context_of(request).parts, Whose(world_id, player_id), body, reader.name
    )
    mistyped = typed not in (None, player_id)
    return page(
        request,
        "erasure.html",
        status=422 if mistyped else 200,
        world=world,
        seen=seen,
        reason=body.reason,
        mistyped=mistyped,
    )


async def _payments(
    request: Request, world_id: WorldId, player_id: PlayerId
) -> Sequence[PaymentRecord]:
    return await newest_payments(context_of(request).parts.store, world_id, player_id, FIRST)


async def _repairs(
    request: Request, world_id: WorldId, player_id: PlayerId
) -> Sequence[RepairView]:
    store = context_of(request).parts.store
    return (await repairs_view(store, Whose(world_id, player_id))).items


def _amounts(form: FormData, name: str, amount: str) -> dict[str, str]:
    """What each named thing is to be; one whose amount was left empty stays as it is."""
    named = zip(form.getlist(name), form.getlist(amount), strict=False)
    return {str(thing): str(given) for thing, given in named if given}
