"""Story arcs as they are stored: asked for, and read with the way that they took."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Row, Select, func, insert, select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.domain.arc import ArcDefinition
from loreloom.domain.arc_needs import Past
from loreloom.domain.arc_walk import ArcState, Reason
from loreloom.domain.ids import ArcId, PlayerId, QuestId, WorldId, arc_workflow_id
from loreloom.state.paging import Page, page_of
from loreloom.state.starts import PlannedStart, plan_start
from loreloom.state.store import Event, Store, Transaction
from loreloom.state.tables.arcs import Arc, ArcBeat, ArcDefinitionRow, ArcGoal


class ArcRecord(BaseModel):
    """An arc as others read it, with the definition that it runs by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arc_id: ArcId
    world_id: WorldId
    player_id: PlayerId | None
    digest: str
    definition: ArcDefinition
    state: ArcState
    seq: int
    beat: str | None
    outcome: str | None
    reason: str | None
    created_at: datetime
    updated_at: datetime


class BeatRecord(BaseModel):
    """A beat that an arc entered, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seq: int
    beat: str
    kind: str
    digest: str
    reason: Reason
    game_seconds: int
    at: datetime
    choice: str | None
    quest_id: QuestId | None


class ArcTally(BaseModel):
    """Arcs by their state, and the beats that all of them have entered by their kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    states: dict[ArcState, int]
    beats: dict[str, int]


class GoalRecord(BaseModel):
    """A goal that was opened, and where it stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    goal: str
    target: int
    total: int
    open: bool


async def create_arc(
    tx: Transaction,
    arc_id: ArcId,
    world_id: WorldId,
    player_id: PlayerId | None,
    definition: ArcDefinition,
    start: PlannedStart,
) -> None:
    """Keep an arc and its definition, with the intent to start its workflow, and tell of it."""
    await keep_definition(tx, definition)
    await tx.run(
        insert(Arc).values(
            arc_id=arc_id,
            world_id=world_id,
            player_id=player_id,
            arc=definition.arc,
            digest=definition.digest,
            state=ArcState.RUNNING,
        )
    )
    await plan_start(tx, start)
    subject = arc_workflow_id(arc_id)
    tx.tell(
        Event(
            world_id=world_id,
            key=f"{subject}/started",
            kind="arc.started",
            subject=subject,
            player_id=player_id,
            data={"arc_id": arc_id, "arc": definition.arc, "title": definition.title},
        )
    )


async def keep_definition(tx: Transaction, definition: ArcDefinition) -> None:
    """Keep a definition by its hash; keeping it again changes nothing."""
    await tx.run(
        pg_insert(ArcDefinitionRow)
        .values(
            digest=definition.digest,
            arc=definition.arc,
            definition=definition.model_dump(mode="json"),
        )
        .on_conflict_do_nothing()
    )


async def find_definition(store: Store, digest: str) -> ArcDefinition | None:
    """The definition of that hash, or ``None``."""
    query = select(ArcDefinitionRow.definition).where(ArcDefinitionRow.digest == digest)
    async with store.reading() as connection:
        found = (await connection.execute(query)).scalar_one_or_none()
    return None if found is None else ArcDefinition.model_validate(found)


async def find_arc(store: Store, arc_id: ArcId) -> ArcRecord | None:
    """The arc of that id, or ``None``."""
    async with store.reading() as connection:
        row = (await connection.execute(arc_rows().where(Arc.arc_id == arc_id))).first()
    return record_of(row) if row else None


async def tally_arcs(store: Store) -> ArcTally:
    """How many arcs there are by state, and how many beats they have entered by kind."""
    states = select(Arc.state, func.count()).group_by(Arc.state)
    beats = select(ArcBeat.kind, func.count()).group_by(ArcBeat.kind)
    async with store.reading() as connection:
        by_state = {ArcState(row[0]): row[1] for row in await connection.execute(states)}
        by_kind = {row[0]: row[1] for row in await connection.execute(beats)}
    return ArcTally(states=by_state, beats=by_kind)


async def running_arcs(store: Store, arc: str, *, after: str | None, limit: int) -> Page[ArcRecord]:
    """Arcs of a name that run, in all worlds, by their ids."""
    query = (
        arc_rows()
        .where(Arc.arc == arc, Arc.state == ArcState.RUNNING)
        .order_by(Arc.arc_id)
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(Arc.arc_id > after)
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return page_of([record_of(row) for row in rows], limit, lambda found: found.arc_id)


async def way_of(store: Store, arc_id: ArcId) -> Sequence[BeatRecord]:
    """The beats that an arc entered, in order."""
    query = select(ArcBeat.__table__).where(ArcBeat.arc_id == arc_id).order_by(ArcBeat.seq)
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [
        BeatRecord(
            seq=row.seq,
            beat=row.beat,
            kind=row.kind,
            digest=row.digest,
            reason=Reason.model_validate(row.reason),
            game_seconds=row.game_seconds,
            at=row.at,
            choice=row.choice,
            quest_id=row.quest_id,
        )
        for row in rows
    ]


async def goals_of(store: Store, arc_id: ArcId) -> Sequence[GoalRecord]:
    """The goals that an arc opened, in order."""
    query = (
        select(ArcGoal.goal, ArcGoal.target, ArcGoal.total, ArcGoal.open)
        .where(ArcGoal.arc_id == arc_id)
        .order_by(ArcGoal.seq)
    )
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [
        GoalRecord(goal=row.goal, target=row.target, total=row.total, open=row.open) for row in rows
    ]


async def past_of(store: Store, arc_id: ArcId) -> Past:
    """What an arc has done."""
    way, goals = await way_of(store, arc_id), await goals_of(store, arc_id)
    made = {step.beat: step.choice for step in way if step.choice is not None}
    return Past(
        quests=frozenset(step.beat for step in way if step.quest_id is not None),
        choices=frozenset(made.values()),
        goals=frozenset(goal.goal for goal in goals if not goal.open),
        answered=bool(way) and way[-1].choice is not None,
    )


async def choice_of(store: Store, arc_id: ArcId, action_id: str) -> BeatRecord | None:
    """The beat at which an act of that id made a choice, or ``None`` if none did."""
    found = [beat for beat in await way_of(store, arc_id) if beat.choice is not None]
    query = select(ArcBeat.seq).where(ArcBeat.arc_id == arc_id, ArcBeat.action_id == action_id)
    async with store.reading() as connection:
        seq = (await connection.execute(query)).scalar_one_or_none()
    return next((beat for beat in found if beat.seq == seq), None)


def arc_rows() -> Select[Any]:
    """Arcs with their definitions."""
    return select(Arc.__table__, ArcDefinitionRow.definition).join(
        ArcDefinitionRow, ArcDefinitionRow.digest == Arc.digest
    )


def record_of(row: Row[Any]) -> ArcRecord:
    """The arc of such a row."""
    return ArcRecord(
        arc_id=ArcId(row.arc_id),
        world_id=WorldId(row.world_id),
        player_id=PlayerId(row.player_id) if row.player_id is not None else None,
        digest=row.digest,
        definition=ArcDefinition.model_validate(row.definition),
        state=ArcState(row.state),
        seq=row.seq,
        beat=row.beat,
        outcome=row.outcome,
        reason=row.reason,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
