"""The engine at a glance: every part is asked by itself, and one that is away hides no other."""

import asyncio
from collections.abc import Coroutine, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from loreloom.api.ops.queues import queues_of
from loreloom.api.ops.servers import tiers_view
from loreloom.api.parts import AppParts
from loreloom.api.readiness import AWAY
from loreloom.api.schemas.ops_health import (
    BudgetView,
    HealthPart,
    HealthView,
    QueueView,
    SweepsView,
    TextsView,
    TiersView,
    UnansweredView,
    WaitingView,
)
from loreloom.api.sweeper import Sweeps
from loreloom.state import health

SECONDS = 2.0
WINDOW = timedelta(hours=1)
NEAR_SHARE = 0.8
NEAREST = 20
LATE = timedelta(seconds=30)
"""What waits longer than that should have been done by a sweep, or by a worker."""
FAILING_SHARE = 0.5
FEW = 5
"""Of fewer calls, half that failed say little."""

T = TypeVar("T")


async def health_of(parts: AppParts, sweeps: Sweeps) -> HealthView:
    """Ask every part at once; the answer comes within some two seconds, whoever is away."""
    store, config, desk = parts.store, parts.config, _Desk()
    async with asyncio.TaskGroup() as group:

        def ask(part: HealthPart, question: Coroutine[Any, Any, T]) -> asyncio.Task[T | None]:
            return group.create_task(desk.ask(part, question))

        queues = ask(HealthPart.QUEUES, queues_of(parts.temporal, config.queue_prefix))
        tiers = ask(HealthPart.TIERS, tiers_view(store, config.tiers, WINDOW))
        texts = ask(HealthPart.TEXTS, health.made_texts(store, WINDOW))
        budgets = ask(HealthPart.BUDGETS, health.near_their_budget(store, NEAR_SHARE, NEAREST))
        events = ask(HealthPart.WEBHOOKS, health.waiting_events(store))
        starts = ask(HealthPart.STARTS, health.waiting_starts(store))
        templates = ask(HealthPart.TEMPLATES, asyncio.to_thread(config.templates_problem))
    seen = HealthView(
        at=datetime.now(UTC),
        wrong=(),
        unanswered=tuple(desk.unanswered),
        queues=tuple(queues.result() or ()),
        tiers=tiers.result() or TiersView(),
        texts=tuple(TextsView(**each.model_dump()) for each in texts.result() or ()),
        budgets=tuple(BudgetView(**each.model_dump()) for each in budgets.result() or ()),
        webhooks=_waiting(events.result()),
        starts=_waiting(starts.result()),
        templates=templates.result(),
        sweeps=SweepsView(
            every_seconds=config.sweep_seconds,
            done_at=sweeps.done_at,
            failed_at=sweeps.failed_at,
            failure=sweeps.failure,
        ),
    )
    return seen.model_copy(update={"wrong": tuple(_wrong(seen))})


class _Desk:
    """Asks parts, and notes those that do not answer."""

    def __init__(self) -> None:
        self.unanswered: list[UnansweredView] = []

    async def ask(self, part: HealthPart, question: Coroutine[Any, Any, T]) -> T | None:
        """What the part answers; ``None`` if it does not."""
        try:
            async with asyncio.timeout(SECONDS):
                return await question
        except AWAY as error:
            said = f"does not answer ({type(error).__name__})"
            self.unanswered.append(UnansweredView(part=part, detail=said))
            return None


def _waiting(found: health.Waiting | None) -> WaitingView | None:
    return WaitingView(count=found.count, oldest=found.oldest) if found else None


def _wrong(seen: HealthView) -> Iterator[str]:
    for part in seen.unanswered:
        yield f"{part.part}: {part.detail}"
    yield from _queues(seen.queues)
    yield from _servers(seen.tiers)
    for budget in seen.budgets:
        if budget.tokens >= budget.budget:
            of_whom = f"player {budget.player_id} of " if budget.player_id else ""
            yield f"{of_whom}world {budget.world_id} has spent today's tokens"
    yield from _late(seen.webhooks, "webhooks", seen.at)
    yield from _late(seen.starts, "workflows to be started", seen.at)
    if seen.templates is not None:
        yield f"the quest templates stay as they were: {seen.templates}"
    done = seen.sweeps.done_at
    if seen.sweeps.failed_at is not None and (done is None or done < seen.sweeps.failed_at):
        yield f"the last sweep failed ({seen.sweeps.failure})"


def _queues(queues: Iterable[QueueView]) -> Iterator[str]:
    for queue in queues:
        name = f"{queue.queue} ({queue.tasks})"
        if not queue.pollers:
            yield f"{name}: no worker, {queue.backlog} waiting"
        elif queue.backlog and queue.backlog_seconds > LATE.total_seconds():
            yield f"{name}: {queue.backlog} waiting, since {queue.backlog_seconds:.0f} s"


def _servers(tiers: TiersView) -> Iterator[str]:
    for tier in tiers.items:
        for server in tier.servers:
            name, calls = f"{tier.tier} {server.address}", server.calls
            if not server.answers:
                yield f"{name} {server.detail}"
            if calls.made >= FEW and calls.failed >= calls.made * FAILING_SHARE:
                yield f"{name}: {calls.failed} of {calls.made} calls failed in the last hour"


def _late(waiting: WaitingView | None, what: str, now: datetime) -> Iterator[str]:
    if waiting is not None and waiting.oldest is not None and now - waiting.oldest > LATE:
        yield f"{waiting.count} {what} wait, since {waiting.oldest:%Y-%m-%d %H:%M:%S}"
