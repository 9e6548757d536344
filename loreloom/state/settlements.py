"""Quests that ops ended: the outcome, the compensation and the entries that tell of both."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Row, Select, select, update
from sqlalchemy import func as sql

from loreloom.domain.ids import ArcId, PlayerId, QuestId, WorldId, quest_workflow_id
from loreloom.domain.quest import QuestState
from loreloom.domain.rewards import Reward
from loreloom.state.players import grant
from loreloom.state.quests import record_of
from loreloom.state.store import Event, Store, Transaction
from loreloom.state.tables.arcs import ArcBeat
from loreloom.state.tables.quests import Quest, WorkflowStart
from loreloom.state.tables.worlds import ChronicleEntry, Effect

SETTLED = "/settled"
SETTLED_KIND, COMPENSATED_KIND = "quest.settled", "reward.compensated"
OVER = (QuestState.COMPLETED, QuestState.FAILED, QuestState.EXPIRED, QuestState.ABANDONED)


class HasEnded(Exception):
    """The quest has ended by itself; there is nothing to settle."""


class Settlement(BaseModel):
    """How a quest is to end, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quest_id: QuestId
    world_id: WorldId
    player_id: PlayerId
    outcome: QuestState
    compensation: Reward
    by: str
    reason: str


class KeptSettlement(BaseModel):
    """How ops ended a quest and what was given for it, by whom, when and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: Literal["completed", "failed"]
    compensation: Reward
    by: str
    reason: str
    at: datetime


class SettledQuest(BaseModel):
    """How it ended, which is how it was ended first, and what follows from it: the way that was
    chosen, and the arc that asked for the quest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: Literal["completed", "failed"]
    compensation: Reward
    chosen: str | None
    arc_id: ArcId | None


async def settle(store: Store, settlement: Settlement) -> SettledQuest:
    """End the quest and give the compensation, once. Raises ``HasEnded``.

    The key of the quest's reward is taken as well: a reward that is still under way finds it taken.
    """
    subject = quest_workflow_id(settlement.quest_id)
    async with store.transaction() as tx:
        # The reward's key comes before the quest's row, as a reward takes them: no deadlock.
        new = await tx.first_time(f"{subject}{SETTLED}")
        unpaid = new and await tx.first_time(f"{subject}/reward")
        found = await tx.run(
            select(Quest.__table__).where(Quest.quest_id == settlement.quest_id).with_for_update()
        )
        quest = record_of(found.one())
        if new:
            if not unpaid or quest.progress.state in OVER:
                raise HasEnded(f"the quest {settlement.quest_id} is {quest.progress.state}")
            await _end(tx, settlement, quest.progress.revision + 1)
            outcome, given = settlement.outcome.value, settlement.compensation
        else:
            kept = _kept((await tx.run(_told(settlement.quest_id))).all())
            outcome, given = kept.outcome, kept.compensation
        arc = await tx.run(
            select(ArcBeat.arc_id).where(ArcBeat.quest_id == settlement.quest_id).limit(1)
        )
        return SettledQuest(
            outcome=outcome,
            compensation=given,
            chosen=quest.progress.chosen,
            arc_id=arc.scalar_one_or_none(),
        )


async def find_settlement(store: Store, quest_id: QuestId) -> KeptSettlement | None:
    """How ops ended the quest; ``None`` if they did not."""
    async with store.reading() as connection:
        rows = (await connection.execute(_told(quest_id))).all()
    return _kept(rows) if rows else None


async def is_settled(store: Store, quest_id: QuestId) -> bool:
    """Whether ops ended the quest."""
    return bool(await settled_among(store, [quest_workflow_id(quest_id)]))


async def settled_among(store: Store, workflow_ids: Collection[str]) -> set[str]:
    """Those of the workflows whose quest ops ended."""
    if not workflow_ids:
        return set()
    keys = [f"{workflow_id}{SETTLED}" for workflow_id in workflow_ids]
    query = select(Effect.key).where(Effect.key.in_(keys))
    async with store.reading() as connection:
        return {row.key.removesuffix(SETTLED) for row in await connection.execute(query)}


def _told(quest_id: QuestId) -> Select[*tuple[Any, ...]]:
    return select(ChronicleEntry.kind, ChronicleEntry.at, ChronicleEntry.data).where(
        ChronicleEntry.subject == quest_workflow_id(quest_id),
        ChronicleEntry.kind.in_((SETTLED_KIND, COMPENSATED_KIND)),
    )


def _kept(rows: Sequence[Row[Any]]) -> KeptSettlement:
    told = {row.kind: row for row in rows}
    ended = told[SETTLED_KIND]
    given = told[COMPENSATED_KIND].data if COMPENSATED_KIND in told else {}
    return KeptSettlement(
        **{name: ended.data[name] for name in ("outcome", "by", "reason")},
        at=ended.at,
        compensation=Reward(**{name: given[name] for name in Reward.model_fields if name in given}),
    )


async def _end(tx: Transaction, settlement: Settlement, revision: int) -> None:
    given = settlement.compensation
    subject = quest_workflow_id(settlement.quest_id)
    completed = settlement.outcome is QuestState.COMPLETED
    progress = {"state": settlement.outcome.value, "revision": revision}
    await tx.run(
        update(Quest)
        .where(Quest.quest_id == settlement.quest_id)
        .values(
            state=settlement.outcome,
            revision=revision,
            progress=sql.coalesce(Quest.progress, sql.jsonb_build_object()).op("||")(
                sql.jsonb_build_object(*(part for pair in progress.items() for part in pair))
            ),
            reward=given.model_dump(mode="json") if completed else None,
            updated_at=sql.now(),
        )
    )
    # A start that was planned and never made must not begin the quest after its end.
    await tx.run(
        update(WorkflowStart)
        .where(WorkflowStart.workflow_id == subject, WorkflowStart.started_at.is_(None))
        .values(started_at=sql.now())
    )
    told = {"outcome": settlement.outcome, "reason": settlement.reason, "by": settlement.by}
    tx.tell(_event(settlement, "settled", SETTLED_KIND, told))
    if given != Reward():
        await grant(tx, f"{subject}/compensation", settlement.world_id, settlement.player_id, given)
        said = given.model_dump(mode="json")
        tx.tell(_event(settlement, "compensated", COMPENSATED_KIND, said))


def _event(settlement: Settlement, key: str, kind: str, data: Mapping[str, object]) -> Event:
    subject = quest_workflow_id(settlement.quest_id)
    return Event(
        world_id=settlement.world_id,
        key=f"{subject}/{key}",
        kind=kind,
        subject=subject,
        player_id=settlement.player_id,
        data={"quest_id": settlement.quest_id, "state": settlement.outcome, **data},
    )
