"""The intent to start a workflow, kept with the row that it serves.

The row and the intent commit together; whoever comes first, the request that made them or the next
sweep, starts the workflow. So a story is not lost when a process dies, or Temporal is away, between
the two.
"""

from collections.abc import Sequence
from datetime import timedelta

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.state.store import Store, Transaction
from loreloom.state.tables.base import Json
from loreloom.state.tables.quests import WorkflowStart


class PlannedStart(BaseModel):
    """A workflow that is to run: its id, its type's name and its input as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workflow_id: str
    workflow: str
    input: Json


async def plan_start(tx: Transaction, start: PlannedStart) -> None:
    """Keep the intent to start a workflow; a second one for the same id changes nothing."""
    await tx.run(
        pg_insert(WorkflowStart)
        .values(workflow_id=start.workflow_id, workflow=start.workflow, input=start.input)
        .on_conflict_do_nothing()
    )


async def mark_started(store: Store, workflow_id: str) -> None:
    """The workflow runs, or has run; nobody needs to start it again."""
    async with store.transaction() as tx:
        await tx.run(
            update(WorkflowStart)
            .where(WorkflowStart.workflow_id == workflow_id)
            .values(started_at=func.now())
        )


async def overdue_starts(store: Store, age: timedelta, limit: int) -> Sequence[PlannedStart]:
    """Intents older than ``age`` that nobody has fulfilled, oldest first."""
    query = (
        select(WorkflowStart.workflow_id, WorkflowStart.workflow, WorkflowStart.input)
        .where(WorkflowStart.started_at.is_(None), WorkflowStart.created_at < func.now() - age)
        .order_by(WorkflowStart.created_at)
        .limit(limit)
    )
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [
        PlannedStart(workflow_id=row.workflow_id, workflow=row.workflow, input=row.input)
        for row in rows
    ]
