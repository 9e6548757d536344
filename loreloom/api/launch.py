"""Starting the workflows that were planned: at once by the request, or later by a sweep."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError

from loreloom.api.http.errors import ApiError
from loreloom.api.metrics import Metrics
from loreloom.api.parts import ApiConfig
from loreloom.api.temporal import outages
from loreloom.domain.ids import PaymentId
from loreloom.domain.quest import QuestState
from loreloom.state.payments import PaymentRecord, find_payment, find_refund
from loreloom.state.quests import QuestRecord, find_quest
from loreloom.state.starts import PlannedStart, mark_started, overdue_starts
from loreloom.state.store import Store
from loreloom.state.subscriptions import find_subscription
from loreloom.workflows import attributes
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import (
    DISPUTE,
    PAYMENT,
    QUEST,
    REFUND,
    SUBSCRIPTION,
    DisputeInput,
    PaymentInput,
    QuestInput,
    RefundInput,
    SubscriptionInput,
)

log = logging.getLogger(__name__)

OVERDUE = timedelta(seconds=3)
SWEEP_LIMIT = 50


@dataclass(frozen=True, slots=True)
class About:
    """What an inspector finds a workflow by, and reads of it first."""

    attributes: Sequence[SearchAttributePair[str]] = ()
    summary: str | None = None


class Launcher:
    """Starts planned workflows. Starting one twice is harmless: its id is taken once."""

    def __init__(self, store: Store, client: Client, config: ApiConfig, metrics: Metrics) -> None:
        self._store = store
        self._client = client
        self._config = config
        self._metrics = metrics

    async def launch(self, start: PlannedStart, *, by: str = "request") -> bool:
        """Start the workflow and say so in the plan. ``False`` if Temporal is away: a sweep will.

        Every workflow runs on the story queue; a player's is given what an inspector filters by.
        """
        about = await self._about(start)
        try:
            with outages():
                async with asyncio.timeout(self._config.launch_seconds):
                    await self._start(start, about)
        except ApiError as error:
            log.warning("%s waits for a sweep: %s", start.workflow_id, error.detail)
            return False
        self._metrics.started.labels(start.workflow, by).inc()
        await mark_started(self._store, start.workflow_id)
        return True

    async def run_again(self, start: PlannedStart) -> None:
        """Start a workflow that has ended once more. Raises ``ApiError`` if Temporal is away."""
        about = await self._about(start)
        with outages():
            async with asyncio.timeout(self._config.launch_seconds):
                await self._start(start, about, WorkflowIDReusePolicy.ALLOW_DUPLICATE)

    async def sweep(self) -> int:
        """Start what is overdue; returns how many. Stops where Temporal does not take one."""
        started = 0
        for start in await overdue_starts(self._store, OVERDUE, SWEEP_LIMIT):
            try:
                if not await self.launch(start, by="sweep"):
                    break
            except Exception:
                # One start that Temporal refuses must not keep the others from being swept.
                log.exception("%s cannot be started", start.workflow_id)
                continue
            started += 1
        return started

    async def _start(
        self,
        start: PlannedStart,
        about: About,
        ran_before: WorkflowIDReusePolicy = WorkflowIDReusePolicy.REJECT_DUPLICATE,
    ) -> None:
        try:
            await self._client.start_workflow(
                start.workflow,
                start.input,
                id=start.workflow_id,
                task_queue=queue_of(Role.STORY, self._config.queue_prefix),
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=ran_before,
                search_attributes=TypedSearchAttributes(about.attributes),
                static_summary=about.summary,
            )
        except WorkflowAlreadyStartedError:
            log.info("%s has run already", start.workflow_id)

    async def _about(self, start: PlannedStart) -> About:
        if start.workflow == QUEST:
            name = QuestInput.model_validate(start.input).quest.quest_id
            quest = await find_quest(self._store, name)
            return About(_attributes(quest), _summary(quest)) if quest else About()
        payment_id = await self._payment_of(start)
        payment = await find_payment(self._store, payment_id) if payment_id else None
        return About(_of_payment(payment), _bought(start, payment)) if payment else About()

    async def _payment_of(self, start: PlannedStart) -> PaymentId | None:
        """The purchase that a workflow is about, if it is about one."""
        if start.workflow == PAYMENT:
            return PaymentInput.model_validate(start.input).payment.payment_id
        if start.workflow == DISPUTE:
            return DisputeInput.model_validate(start.input).dispute.payment_id
        if start.workflow == REFUND:
            refund_id = RefundInput.model_validate(start.input).refund.refund_id
            refund = await find_refund(self._store, refund_id)
            return refund.payment_id if refund else None
        if start.workflow == SUBSCRIPTION:
            given = SubscriptionInput.model_validate(start.input).subscription
            subscription = await find_subscription(self._store, given.subscription_id)
            return subscription.payment_id if subscription else None
        return None


def _of_payment(payment: PaymentRecord) -> Sequence[SearchAttributePair[str]]:
    return [
        SearchAttributePair(attributes.WORLD, payment.world_id),
        SearchAttributePair(attributes.PLAYER, payment.player_id),
        SearchAttributePair(attributes.KIND, payment.quote.item.kind.value),
    ]


def _bought(start: PlannedStart, payment: PaymentRecord) -> str:
    return f"{start.workflow}: {payment.quote.item.item} of {payment.player_id}"


def _attributes(quest: QuestRecord) -> Sequence[SearchAttributePair[str]]:
    pairs = [
        SearchAttributePair(attributes.WORLD, quest.world_id),
        SearchAttributePair(attributes.PLAYER, quest.player_id),
        SearchAttributePair(attributes.KIND, quest.request.kind.value),
        SearchAttributePair(attributes.STATE, QuestState.DESIGNING.value),
    ]
    if quest.request.region is not None:
        pairs.append(SearchAttributePair(attributes.REGION, quest.request.region))
    return pairs


def _summary(quest: QuestRecord) -> str:
    return f"A {quest.request.kind} quest of {quest.player_id}"
