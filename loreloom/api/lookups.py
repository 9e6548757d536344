"""Finding what an address or a body names, or the error that says it is not there."""

from datetime import UTC, datetime

from fastapi import Request

from loreloom.api.context import Context, context_of
from loreloom.api.http.errors import ApiError, ErrorCode, invalid
from loreloom.api.schemas.worlds import WorldView
from loreloom.api.shaping import world_view
from loreloom.api.shop import Shop
from loreloom.domain.canon import EntityKind, Viewpoint
from loreloom.domain.ids import ArcId, CanonName, DocumentId, PaymentId, PlayerId, QuestId, WorldId
from loreloom.knowledge.documents import get_document
from loreloom.knowledge.entities import list_entities
from loreloom.knowledge.models import DEFAULT_CANON, DocumentView, EntityQuery
from loreloom.knowledge.problems import LoreCode, LoreProblem
from loreloom.state.arcs import ArcRecord, find_arc
from loreloom.state.chronicle import heads
from loreloom.state.facts import facts_of
from loreloom.state.payments import PaymentRecord, find_payment
from loreloom.state.players import PlayerRecord, find_player
from loreloom.state.quests import QuestRecord, find_quest
from loreloom.state.regions import RegionRecord
from loreloom.state.worlds import WorldRecord, find_world

MAX_FACTIONS = 200


async def the_world(request: Request, world_id: WorldId) -> WorldRecord:
    """The world of that id. Raises ``ApiError`` if there is none."""
    world = await find_world(context_of(request).parts.store, world_id)
    if world is None:
        raise ApiError(ErrorCode.UNKNOWN_WORLD, f"there is no world {world_id}")
    return world


async def view_of(request: Request, world_id: WorldId) -> WorldView:
    """A world as it stands now. Raises ``ApiError`` if there is none."""
    store = context_of(request).parts.store
    world = await the_world(request, world_id)
    factions = await list_entities(
        store,
        EntityQuery(
            canon=world.canon,
            kind=EntityKind.FACTION,
            viewpoint=Viewpoint(rating=world.rating),
            limit=MAX_FACTIONS,
        ),
    )
    head = (await heads(store, [world_id])).get(world_id, 0)
    return world_view(world, factions.items, head, datetime.now(UTC))


async def the_player(request: Request, world_id: WorldId, player_id: PlayerId) -> PlayerRecord:
    """The player of that id in the world. Raises ``ApiError`` if there is none."""
    player = await find_player(context_of(request).parts.store, world_id, player_id)
    if player is None:
        raise ApiError(ErrorCode.UNKNOWN_PLAYER, f"the world {world_id} has no player {player_id}")
    return player


async def the_quest(request: Request, quest_id: QuestId) -> QuestRecord:
    """The quest of that id. Raises ``ApiError`` if there is none."""
    quest = await find_quest(context_of(request).parts.store, quest_id)
    if quest is None:
        raise ApiError(ErrorCode.UNKNOWN_QUEST, f"there is no quest {quest_id}")
    return quest


async def the_arc(request: Request, arc_id: ArcId) -> ArcRecord:
    """The arc of that id. Raises ``ApiError`` if there is none."""
    arc = await find_arc(context_of(request).parts.store, arc_id)
    if arc is None:
        raise ApiError(ErrorCode.UNKNOWN_ARC, f"there is no arc {arc_id}")
    return arc


async def the_payment(request: Request, payment_id: PaymentId) -> PaymentRecord:
    """The purchase of that id. Raises ``ApiError`` if there is none."""
    found = await find_payment(context_of(request).parts.store, payment_id)
    if found is None:
        raise ApiError(ErrorCode.UNKNOWN_PAYMENT, f"there is no payment {payment_id}")
    return found


def shop_of(context: Context) -> Shop:
    """The store. Raises ``ApiError`` if there is no provider to pay at."""
    shop = context.parts.shop
    if shop is None:
        raise ApiError(ErrorCode.PAYMENTS_UNAVAILABLE, "no payment provider is set")
    return shop


def the_region(world: WorldRecord, region: str) -> RegionRecord:
    """The region of that name in the world. Raises ``ApiError`` if there is none."""
    for found in world.regions:
        if found.region == region:
            return found
    raise ApiError(ErrorCode.UNKNOWN_REGION, f"the world {world.world_id} has no region {region!r}")


def the_canon(*named: CanonName | None) -> CanonName:
    """The one canon that a request names, in its body or its address; else the default one.

    Raises ``ApiError`` if it names two.
    """
    canons = {canon for canon in named if canon is not None}
    if len(canons) > 1:
        raise invalid("canon", f"the request names two canons: {' and '.join(sorted(canons))}")
    return canons.pop() if canons else DEFAULT_CANON


async def the_document(
    request: Request, document_id: DocumentId, canon: CanonName | None
) -> DocumentView:
    """The document of that id, of that canon if one is named. Raises if there is none."""
    found = await get_document(context_of(request).parts.store, document_id)
    if canon not in (None, found.canon):
        problem = f"the canon {canon!r} has no document {document_id}"
        raise LoreProblem(LoreCode.UNKNOWN_DOCUMENT, problem)
    return found


async def require_person(
    request: Request, world: WorldRecord, player_id: PlayerId, name: str
) -> None:
    """Raise ``ApiError`` unless the player may know of a person of that name in the canon."""
    if not await knows_person(request, world, player_id, name):
        raise invalid("giver", f"the canon {world.canon!r} has no person {name!r} to tell of")


async def knows_person(
    request: Request, world: WorldRecord, player_id: PlayerId, name: str
) -> bool:
    """Whether the player may know of a person of that name in the canon."""
    store = context_of(request).parts.store
    async with store.reading() as connection:
        facts = await facts_of(connection, world.world_id, player_id)
    query = EntityQuery(
        canon=world.canon,
        kind=EntityKind.PERSON,
        name=name,
        viewpoint=Viewpoint(rating=world.rating, facts=facts),
        limit=1,
    )
    return bool((await list_entities(store, query)).items)
