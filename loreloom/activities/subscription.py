"""What subscriptions do: at the provider, and in the books."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from temporalio import activity

from loreloom.activities.errors import broken
from loreloom.activities.signatures.subscription import (
    Canceling,
    Changed,
    Changing,
    Holding,
    Retrying,
    SubscriptionRef,
    SubscriptionSteps,
)
from loreloom.domain.ids import SubscriptionId, subscription_workflow_id
from loreloom.domain.provider import SeenSubscription, SubscriptionStanding
from loreloom.domain.subscription import CancelWhen, Standing, SubscriptionState
from loreloom.payments.gateway import Gateway
from loreloom.payments.refusing import ProviderRefused
from loreloom.state import subscriptions
from loreloom.state.store import Store
from loreloom.state.subscriptions import SubscriptionRecord

UNPAID = "unpaid"
"""Why a change is refused: the period that runs is still to be paid, or was paid back."""


class SubscriptionActivities(SubscriptionSteps):
    """The steps of a subscription."""

    def __init__(self, store: Store, gateway: Gateway) -> None:
        self._store = store
        self._provider = gateway.recurring

    def all(self) -> Sequence[Callable[..., Any]]:
        """Every activity of this class."""
        return (self.look, self.hold, self.retry, self.lapse, self.change, self.cancel)

    @activity.defn(name="subscription_look")
    async def look(self, subscription: SubscriptionRef) -> Standing:
        return await self._settle(await self._the(subscription.subscription_id))

    @activity.defn(name="subscription_hold")
    async def hold(self, holding: Holding) -> None:
        await subscriptions.hold_open(
            self._store, holding.subscription_id, holding.paid_until, holding.until
        )

    @activity.defn(name="subscription_retry")
    async def retry(self, retrying: Retrying) -> Standing:
        record = await self._the(retrying.subscription_id)
        seen = await self._provider.look(record.provider_id)
        if seen.open_invoice is not None and not seen.under_way:
            root = subscription_workflow_id(record.subscription_id)
            key = f"{root}/{seen.open_invoice}/{retrying.due.isoformat()}"
            await self._provider.pay(seen.open_invoice, key)
        return await self._settle(record)

    @activity.defn(name="subscription_lapse")
    async def lapse(self, subscription: SubscriptionRef) -> Standing:
        return await self._settle(await self._the(subscription.subscription_id), overdue=True)

    @activity.defn(name="subscription_change")
    async def change(self, changing: Changing) -> Changed:
        record = await self._the(changing.subscription_id)
        # A period that began a moment ago was charged for the old item. If it is unpaid, the new
        # one's proration would credit what nobody has paid. If the provider took this change before
        # and its answer was lost, what it charged for it is of the new item, and is booked then.
        before = await self._settle(record, renewals_only=True)
        if before.state is not SubscriptionState.ACTIVE:
            return Changed(standing=before, refused=before.state)
        back = await subscriptions.paid_back(self._store, record.subscription_id, before.paid_until)
        if back or before.paid_until <= datetime.now(UTC):
            return Changed(standing=before, refused=UNPAID)
        key = f"{subscription_workflow_id(record.subscription_id)}/change/{changing.order}"
        currency = record.quote.currency
        try:
            await self._provider.change(record.provider_id, changing.item, currency, key)
        except ProviderRefused as error:
            return Changed(standing=before, refused=error.code)
        await subscriptions.change_item(
            self._store, record.subscription_id, changing.item, changing.order
        )
        return Changed(standing=await self._settle(record))

    @activity.defn(name="subscription_cancel")
    async def cancel(self, canceling: Canceling) -> Standing:
        record = await self._the(canceling.subscription_id)
        if canceling.when is CancelWhen.NOW:
            await self._provider.cancel(record.provider_id)
        else:
            await self._provider.cancel_at_period_end(record.provider_id)
        return await self._settle(record, canceled=True)

    async def _settle(
        self,
        record: SubscriptionRecord,
        *,
        canceled: bool = False,
        overdue: bool = False,
        renewals_only: bool = False,
    ) -> Standing:
        """Book what was charged and end what is over: unpaid, and ``canceled`` or ``overdue``."""
        await self._book(record, renewals_only=renewals_only)
        seen = await self._provider.look(record.provider_id)
        canceled = canceled or _is_canceled(seen, record)
        if _is_over(seen, canceled=canceled, overdue=overdue):
            # What stays open may be paid when nobody waits for it any more. Ended first, so that
            # whoever has to do this again sees it: what is given up is no longer unpaid.
            await self._provider.cancel(record.provider_id)
            await self._provider.give_up_all(record.provider_id)
            await self._book(record)
            seen = await self._provider.look(record.provider_id)
        unpaid = overdue or record.state is SubscriptionState.PAST_DUE
        if unpaid and seen.standing is SubscriptionStanding.ACTIVE:
            # The period of an older charge is over: whoever paid it now would have nothing for it.
            await self._provider.give_up_older(record.provider_id)
        ended = SubscriptionState.LAPSED if unpaid and not canceled else SubscriptionState.CANCELED
        return await subscriptions.settle(
            self._store,
            record.subscription_id,
            _state(seen, record.state, ended),
            cancel_at_period_end=canceled,
        )

    async def _book(self, record: SubscriptionRecord, *, renewals_only: bool = False) -> None:
        charges = await self._provider.charges(record.provider_id)
        for charge in await subscriptions.unbooked(self._store, charges):
            if charge.renews or not renewals_only:
                await subscriptions.book_charge(self._store, record.subscription_id, charge)

    async def _the(self, subscription_id: SubscriptionId) -> SubscriptionRecord:
        found = await subscriptions.find_subscription(self._store, subscription_id)
        if found is None:
            raise broken(f"there is no subscription {subscription_id}")
        return found


def _is_canceled(seen: SeenSubscription, record: SubscriptionRecord) -> bool:
    # One that has ended does not say any more that it was to end.
    ended = seen.standing is SubscriptionStanding.ENDED
    return seen.cancel_at_period_end or (ended and record.cancel_at_period_end)


def _is_over(seen: SeenSubscription, *, canceled: bool, overdue: bool) -> bool:
    """Whether nobody is to pay what is unpaid; what is under way is waited for."""
    if seen.under_way or seen.standing is SubscriptionStanding.ACTIVE:
        return False
    # The provider may end it by itself, after tries of its own.
    if seen.standing is SubscriptionStanding.ENDED:
        return seen.open_invoice is not None
    return canceled or overdue


def _state(
    seen: SeenSubscription, before: SubscriptionState, ended: SubscriptionState
) -> SubscriptionState:
    if seen.standing is SubscriptionStanding.ACTIVE:
        return SubscriptionState.ACTIVE
    if seen.standing is SubscriptionStanding.UNPAID:
        return SubscriptionState.PAST_DUE
    return before if seen.under_way else ended
