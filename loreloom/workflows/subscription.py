"""A subscription: charged again and again, tried again when a charge fails, until it ends."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from loreloom.activities.signatures.errors import refused
    from loreloom.activities.signatures.subscription import (
        Canceling,
        Changing,
        Holding,
        Retrying,
        SubscriptionSteps,
    )
    from loreloom.domain.refusals import Refusal, RefusalCode
    from loreloom.domain.subscription import LIVE, Due, Standing, Step, SubscriptionState, next_due
    from loreloom.workflows import attributes
    from loreloom.workflows.listening import Listening
    from loreloom.workflows.signatures import CancelSubscription, ChangeLevel, SubscriptionInput
    from loreloom.workflows.updates import key_of_order

CALL_TIME = timedelta(seconds=60)
WRITE_TIME = timedelta(seconds=10)
RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(minutes=5)
)
LOOKS_AFTER_A_REFUSAL = "looks-after-a-refusal"
"""The patch since which a change that is refused makes the subscription look for itself."""


@workflow.defn(name="Subscription")
class SubscriptionWorkflow(Listening):
    """One subscription, from its first charge until it is canceled or lapses.

    The provider charges; this looks at it when it says something and when something is due, and
    never believes what it is told.
    """

    @workflow.init
    def __init__(self, start: SubscriptionInput) -> None:
        super().__init__()
        self._start = start
        self._name = start.subscription.subscription_id
        self._after = start.after or workflow.now()
        # Two steps at once would read one charge twice, to no harm, and a change in between.
        self._one_at_a_time = asyncio.Lock()

    @workflow.run
    async def run(self, start: SubscriptionInput) -> SubscriptionState:
        """The subscription until it ends; returns the state that it ended in."""
        standing = await self._look()
        while standing.state in LIVE:
            if workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(start.model_copy(update={"after": self._after}))
            self._show(standing)
            due = next_due(standing, start.grace, self._after)
            if await self.heard(due.at - workflow.now()):
                standing = await self._look()
            else:
                self._after = due.at
                standing = await self._do(due, standing)
        self._show(standing)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return standing.state

    @workflow.update
    async def change(self, order: ChangeLevel) -> Standing:
        """Go over to another level now; the provider prorates, and may refuse the charge."""
        changing = Changing(subscription_id=self._name, item=order.item, order=key_of_order())
        async with self._one_at_a_time:
            changed = await workflow.execute_activity_method(
                SubscriptionSteps.change,
                changing,
                start_to_close_timeout=CALL_TIME,
                retry_policy=RETRY,
                summary=f"Change to {order.item.item}",
            )
        if changed.refused is not None:
            # It was settled first, and may be unpaid or over, which nobody told.
            if workflow.patched(LOOKS_AFTER_A_REFUSAL):
                self.provider_said()
            raise refused(Refusal(RefusalCode.PAYMENT_REFUSED, changed.refused))
        self.provider_said()
        return changed.standing

    @workflow.update
    async def cancel(self, order: CancelSubscription) -> Standing:
        """Charge nothing any more; what is paid for is the player's until its end."""
        async with self._one_at_a_time:
            standing = await workflow.execute_activity_method(
                SubscriptionSteps.cancel,
                Canceling(subscription_id=self._name, when=order.when),
                start_to_close_timeout=CALL_TIME,
                retry_policy=RETRY,
                summary=f"Cancel: {order.when}",
            )
        self.provider_said()
        return standing

    async def _do(self, due: Due, standing: Standing) -> Standing:
        match due.step:
            case Step.HOLD:
                await self._hold(standing)
                return standing
            case Step.RETRY:
                return await self._retry(due)
            case Step.LAPSE:
                return await self._lapse()
            case Step.LOOK:
                return await self._look()

    async def _look(self) -> Standing:
        async with self._one_at_a_time:
            return await workflow.execute_activity_method(
                SubscriptionSteps.look,
                self._start.subscription,
                start_to_close_timeout=CALL_TIME,
                retry_policy=RETRY,
                summary="Look at the provider, and book what was charged",
            )

    async def _hold(self, standing: Standing) -> None:
        until = standing.paid_until + timedelta(days=self._start.grace.days)
        async with self._one_at_a_time:
            await workflow.execute_activity_method(
                SubscriptionSteps.hold,
                Holding(subscription_id=self._name, until=until, paid_until=standing.paid_until),
                start_to_close_timeout=WRITE_TIME,
                retry_policy=RETRY,
                summary="Keep open what was paid for, for the days of grace",
            )

    async def _retry(self, due: Due) -> Standing:
        async with self._one_at_a_time:
            return await workflow.execute_activity_method(
                SubscriptionSteps.retry,
                Retrying(subscription_id=self._name, due=due.at),
                start_to_close_timeout=CALL_TIME,
                retry_policy=RETRY,
                summary="Try the charge again",
            )

    async def _lapse(self) -> Standing:
        async with self._one_at_a_time:
            return await workflow.execute_activity_method(
                SubscriptionSteps.lapse,
                self._start.subscription,
                start_to_close_timeout=CALL_TIME,
                retry_policy=RETRY,
                summary="End what was not paid in the days of grace",
            )

    def _show(self, standing: Standing) -> None:
        workflow.upsert_search_attributes([attributes.STATE.value_set(standing.state.value)])
        workflow.set_current_details(f"**{standing.state}**, paid until {standing.paid_until}")
