"""What just happened in a world and might be what a quest is about, if the player may know whom."""

from collections.abc import Sequence
from datetime import UTC, datetime

from fastapi import Request

from loreloom.api.context import context_of
from loreloom.api.lookups import knows_person
from loreloom.domain.ids import PlayerId, QuestId
from loreloom.state.openings import OpeningRecord, claim, open_to
from loreloom.state.quests import QuestOccasion, QuestRequest
from loreloom.state.store import Transaction
from loreloom.state.worlds import WorldRecord


async def openings_for(
    request: Request, world: WorldRecord, player_id: PlayerId, wish: QuestRequest
) -> Sequence[OpeningRecord]:
    """The openings that a request may take: none if it says itself what it is to be about."""
    if (wish.giver, wish.region, wish.theme) != (None, None, None):
        return ()
    day = world.clock.game_seconds(datetime.now(UTC)) // world.calendar.seconds_per_day
    found = await open_to(context_of(request).parts.store, world.world_id, player_id, day)
    regions = {region.region for region in world.regions}
    return [
        opening
        for opening in found
        if opening.region in regions
        and await knows_person(request, world, player_id, opening.giver)
    ]


async def with_occasion(
    tx: Transaction,
    world: WorldRecord,
    quest_id: QuestId,
    wish: QuestRequest,
    openings: Sequence[OpeningRecord],
) -> QuestRequest:
    """The request with the first opening that nobody else has taken, which is now this quest's."""
    for opening in openings:
        if await claim(tx, world.world_id, opening.opening_id, quest_id):
            occasion = QuestOccasion(
                opening_id=opening.opening_id,
                kind=opening.kind,
                day=opening.day,
                reason=opening.reason,
                why=opening.why,
            )
            return wish.on(occasion, opening.giver, opening.region)
    return wish
