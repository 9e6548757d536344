"""Work that happenings made, until a quest takes it."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Row, select, update

from loreloom.domain.ids import PlayerId, QuestId, WorldId
from loreloom.domain.quest import QuestState
from loreloom.state.store import Store, Transaction
from loreloom.state.tables.life import OpeningRow
from loreloom.state.tables.quests import Quest

LOOKED_AT = 20
UNDER_WAY = (QuestState.DESIGNING, QuestState.OFFERED, QuestState.ACTIVE)


class OpeningRecord(BaseModel):
    """Work that a happening made: who gives it, where, what just happened and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    opening_id: str
    kind: str
    giver: str
    region: str
    reason: str
    why: str
    day: int
    until_day: int


async def open_to(
    store: Store, world_id: WorldId, player_id: PlayerId, day: int
) -> Sequence[OpeningRecord]:
    """What stands open on a day to a player, what matters most and is newest first.

    A giver with whom the player has a quest under way gives no second one.
    """
    busy = select(Quest.story["giver"].astext).where(
        Quest.world_id == world_id,
        Quest.player_id == player_id,
        Quest.state.in_(UNDER_WAY),
        Quest.story.is_not(None),
    )
    asked = select(Quest.request["giver"].astext).where(
        Quest.world_id == world_id,
        Quest.player_id == player_id,
        Quest.state.in_(UNDER_WAY),
        Quest.request["giver"].astext.is_not(None),
    )
    query = (
        select(OpeningRow.__table__)
        .where(
            OpeningRow.world_id == world_id,
            OpeningRow.quest_id.is_(None),
            OpeningRow.until_day > day,
            OpeningRow.giver.not_in(busy.union(asked)),
        )
        .order_by(OpeningRow.weight.desc(), OpeningRow.day.desc(), OpeningRow.opening_id)
        .limit(LOOKED_AT)
    )
    async with store.reading() as connection:
        return [_record(row) for row in await connection.execute(query)]


async def claim(tx: Transaction, world_id: WorldId, opening_id: str, quest_id: QuestId) -> bool:
    """Take an opening for a quest. ``False`` if another quest has taken it, or it is gone."""
    taken = await tx.run(
        update(OpeningRow)
        .where(
            OpeningRow.world_id == world_id,
            OpeningRow.opening_id == opening_id,
            OpeningRow.quest_id.is_(None),
        )
        .values(quest_id=quest_id)
        .returning(OpeningRow.opening_id)
    )
    return taken.first() is not None


def _record(row: Row[Any]) -> OpeningRecord:
    return OpeningRecord(
        opening_id=row.opening_id,
        kind=row.kind,
        giver=row.giver,
        region=row.region,
        reason=row.reason,
        why=row.why,
        day=row.day,
        until_day=row.until_day,
    )
