"""What subscriptions do: at the provider, and in the books."""

from collections.abc import Callable, Sequence
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
from loreloom.domain.subscription import LIVE, CancelWhen, Standing, SubscriptionState
from loreloom.payments.gateway import Gateway
from loreloom.payments.refusing import ProviderRefused
from loreloom.state import subscriptions
from loreloom.state.store import Store
from loreloom.state.subscriptions import SubscriptionRecord


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
        if seen.open_invoice is not None:
            root = subscription_workflow_id(record.subscription_id)
            key = f"{root}/{seen.open_invoice}/{retrying.due.isoformat()}"
            await self._provider.pay(seen.open_invoice, key)
        return await self._settle(record)

    @activity.defn(name="subscription_lapse")
    async def lapse(self, subscription: SubscriptionRef) -> Standing:
        record = await self._the(subscription.subscription_id)
        before = await self._settle(record)
        if before.state not in LIVE or before.paid_until > record.paid_until:
            return before
        seen = await self._provider.look(record.provider_id)
        if seen.open_invoice is not None:
            await self._provider.give_up(seen.open_invoice)
            before = await self._settle(record)
            if before.paid_until > record.paid_until:
                return before
        await self._provider.cancel(record.provider_id)
        return await self._settle(record, lapsed=True)

    @activity.defn(name="subscription_change")
    async def change(self, changing: Changing) -> Changed:
        record = await self._the(changing.subscription_id)
        key = f"{subscription_workflow_id(record.subscription_id)}/change/{changing.order}"
        currency = record.quote.currency
        try:
            await self._provider.change(record.provider_id, changing.item, currency, key)
        except ProviderRefused as error:
            return Changed(standing=record.standing, refused=error.code)
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
        return await self._settle(record)

    async def _settle(self, record: SubscriptionRecord, *, lapsed: bool = False) -> Standing:
        name = record.subscription_id
        charges = await self._provider.charges(record.provider_id)
        for charge in await subscriptions.unbooked(self._store, charges):
            await subscriptions.book_charge(self._store, name, charge)
        seen = await self._provider.look(record.provider_id)
        return await subscriptions.settle(
            self._store,
            name,
            SubscriptionState.LAPSED if lapsed else _state(seen, record),
            cancel_at_period_end=seen.cancel_at_period_end,
        )

    async def _the(self, subscription_id: SubscriptionId) -> SubscriptionRecord:
        found = await subscriptions.find_subscription(self._store, subscription_id)
        if found is None:
            raise broken(f"there is no subscription {subscription_id}")
        return found


def _state(seen: SeenSubscription, record: SubscriptionRecord) -> SubscriptionState:
    if seen.standing is SubscriptionStanding.ACTIVE:
        return SubscriptionState.ACTIVE
    if seen.standing is SubscriptionStanding.UNPAID:
        return SubscriptionState.PAST_DUE
    # The provider may give up a charge by itself, after tries of its own.
    unpaid = record.state is SubscriptionState.PAST_DUE
    return SubscriptionState.LAPSED if unpaid else SubscriptionState.CANCELED
