"""What many players push on together: each contribution is counted once, in one statement."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Row, Select, select, text, update
from sqlalchemy import func as sql
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.exc import IntegrityError, NoResultFound

from loreloom.domain.ids import ArcId, PlayerId
from loreloom.state.arc_steps import OfArc
from loreloom.state.store import Store
from loreloom.state.tables.arcs import ArcContribution, ArcGoal


class Contribution(BaseModel):
    """What a player adds to a goal; without a name, to the one that is open."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arc_id: ArcId
    action_id: str
    player_id: PlayerId
    amount: int
    goal: str | None = None


class Counted(BaseModel):
    """A contribution that was counted, and the goal's total with it.

    ``again`` says that it had been counted before, under the same action id of the same player.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    goal: str
    target: int
    total: int
    again: bool = False


class Tally(BaseModel):
    """Where a goal stands that was opened at the entry ``seq`` of its beat."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arc_id: ArcId
    goal: str
    seq: int
    target: int
    total: int
    open: bool


# The goal's row is taken first: a second run of the same act waits there, fails on the primary key
# of the contribution, and is undone with it. So the total is the sum of what is written, always.
COUNT = text("""
WITH counted AS (
    UPDATE arc_goals AS goal
    SET total = goal.total + :amount, open = goal.total + :amount < goal.target,
        changed_at = now()
    FROM arcs AS arc
    WHERE goal.arc_id = :arc_id AND goal.open AND arc.arc_id = goal.arc_id
        AND arc.state = 'running'
        AND (CAST(:goal AS text) IS NULL OR goal.goal = :goal)
        AND (arc.player_id IS NULL OR arc.player_id = :player_id)
        AND EXISTS (
            SELECT 1 FROM players
            WHERE players.world_id = arc.world_id AND players.player_id = :player_id
        )
        AND NOT EXISTS (
            SELECT 1 FROM arc_contributions AS earlier
            WHERE earlier.arc_id = goal.arc_id AND earlier.player_id = :player_id
                AND earlier.action_id = :action_id
        )
    RETURNING goal.goal, goal.seq, goal.target, goal.total
)
INSERT INTO arc_contributions (arc_id, player_id, action_id, goal, seq, amount, total)
SELECT :arc_id, :player_id, :action_id, goal, seq, :amount, total FROM counted
RETURNING goal, (SELECT target FROM counted), total
""")


async def count(store: Store, contribution: Contribution) -> Counted | None:
    """Count a contribution, once, and return the total with it; a repeat gets the first answer.

    ``None`` if it cannot be counted: no such goal is open, or the player is not the arc's.
    """
    try:
        row = await store.run_alone(COUNT, contribution.model_dump())
    except (IntegrityError, NoResultFound):
        return await _counted_before(store, contribution)
    return Counted(goal=row.goal, target=row.target, total=row.total)


async def _counted_before(store: Store, contribution: Contribution) -> Counted | None:
    query = (
        select(ArcContribution.goal, ArcGoal.target, ArcContribution.total)
        .join(
            ArcGoal,
            (ArcGoal.arc_id == ArcContribution.arc_id)
            & (ArcGoal.goal == ArcContribution.goal)
            & (ArcGoal.seq == ArcContribution.seq),
        )
        .where(
            ArcContribution.arc_id == contribution.arc_id,
            ArcContribution.player_id == contribution.player_id,
            ArcContribution.action_id == contribution.action_id,
        )
    )
    async with store.reading() as connection:
        row = (await connection.execute(query)).first()
    if row is None:
        return None
    return Counted(goal=row.goal, target=row.target, total=row.total, again=True)


async def open_goal(store: Store, step: OfArc, goal: str, target: int) -> Tally:
    """Open a goal, once for each entry of its beat, or give an open one another target.

    Returns where it stands.
    """
    here = _goal_of(step, goal)
    async with store.transaction() as tx:
        opened = await tx.run(
            pg_insert(ArcGoal)
            .values(arc_id=step.arc_id, goal=goal, seq=step.seq, target=target)
            .on_conflict_do_nothing()
            .returning(ArcGoal.goal)
        )
        if opened.first() is not None:
            tx.tell(step.event("arc.goal_opened", goal=goal, target=target))
        await tx.run(
            update(ArcGoal)
            .where(*here, ArcGoal.closed_at.is_(None), ArcGoal.target != target)
            .values(target=target, open=ArcGoal.total < target)
        )
        found = await tx.run(select(ArcGoal.target, ArcGoal.total, ArcGoal.open).where(*here))
        return _tally(step, goal, found.one())


async def close_goal(store: Store, step: OfArc, goal: str) -> Tally:
    """Close a goal and tell how it ended, once; its total does not change after."""
    async with store.transaction() as tx:
        closed = await tx.run(
            update(ArcGoal)
            .where(*_goal_of(step, goal))
            .values(open=False, closed_at=sql.coalesce(ArcGoal.closed_at, sql.now()))
            .returning(ArcGoal.target, ArcGoal.total, ArcGoal.open)
        )
        row = closed.one()
        if await tx.first_time(step.key(f"closed/{goal}")):
            kind = "arc.goal_reached" if row.total >= row.target else "arc.goal_missed"
            tx.tell(step.event(kind, goal=goal, target=row.target, total=row.total))
        return _tally(step, goal, row)


def _goal_of(step: OfArc, goal: str) -> tuple[ColumnElement[bool], ...]:
    """The goal as it was opened at that entry of its beat."""
    return ArcGoal.arc_id == step.arc_id, ArcGoal.goal == goal, ArcGoal.seq == step.seq


def _tally(step: OfArc, goal: str, row: Row[Any]) -> Tally:
    return Tally(
        arc_id=step.arc_id,
        goal=goal,
        seq=step.seq,
        target=row.target,
        total=row.total,
        open=row.open,
    )


async def untold(store: Store, age: timedelta, after: str, limit: int) -> Sequence[Tally]:
    """Goals whose total their workflow has not heard of for that long, by the arcs' ids."""
    query = _untold().where(ArcGoal.changed_at <= sql.now() - age, ArcGoal.arc_id > after)
    return await _tallies(store, query.order_by(ArcGoal.arc_id).limit(limit))


async def untold_of(store: Store, arc_id: ArcId) -> Sequence[Tally]:
    """The goals of an arc whose total its workflow has not heard of."""
    return await _tallies(store, _untold().where(ArcGoal.arc_id == arc_id))


def _untold() -> Select[*tuple[Any, ...]]:
    return select(
        ArcGoal.arc_id, ArcGoal.goal, ArcGoal.seq, ArcGoal.target, ArcGoal.total, ArcGoal.open
    ).where(ArcGoal.total > ArcGoal.told, ArcGoal.closed_at.is_(None))


async def _tallies(store: Store, query: Select[*tuple[Any, ...]]) -> Sequence[Tally]:
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [Tally(**row._mapping) for row in rows]


async def mark_told(store: Store, tally: Tally) -> None:
    """The workflow has heard of that total."""
    async with store.transaction() as tx:
        await tx.run(
            update(ArcGoal)
            .where(ArcGoal.arc_id == tally.arc_id, ArcGoal.goal == tally.goal)
            .where(ArcGoal.seq == tally.seq, ArcGoal.told < tally.total)
            .values(told=tally.total)
        )
