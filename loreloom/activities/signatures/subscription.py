"""The activities of subscriptions, as their workflow calls them."""

from typing import Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict
from temporalio import activity

from loreloom.domain.ids import SubscriptionId
from loreloom.domain.price_book import StoreItem
from loreloom.domain.subscription import CancelWhen, Standing


class SubscriptionModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SubscriptionRef(SubscriptionModel):
    """Which subscription; everything else about it lies in its row."""

    subscription_id: SubscriptionId


class Holding(SubscriptionModel):
    """What was paid for until ``paid_until`` is to be kept open until a later moment.

    Without it, what is paid for now is meant: so it was asked before it was named.
    """

    subscription_id: SubscriptionId
    until: AwareDatetime
    paid_until: AwareDatetime | None = None


class Retrying(SubscriptionModel):
    """A charge that failed is to be tried again; ``due`` tells one attempt from the next."""

    subscription_id: SubscriptionId
    due: AwareDatetime


class Changing(SubscriptionModel):
    """A change to another item; the same ``order`` counts once."""

    subscription_id: SubscriptionId
    item: StoreItem
    order: str


class Changed(SubscriptionModel):
    """What a change came to: ``refused`` is the provider's code if it refuses the charge.

    If the period that runs is not paid, it is the subscription's state, or ``unpaid``.
    """

    standing: Standing
    refused: str | None = None


class Canceling(SubscriptionModel):
    """The subscription is to end."""

    subscription_id: SubscriptionId
    when: CancelWhen


class SubscriptionSteps(Protocol):
    """The steps of a subscription. Each may run twice, and does its work once.

    Each but ``hold`` ends by looking at the provider: what was charged is booked and delivered.
    """

    @activity.defn(name="subscription_look")
    async def look(self, subscription: SubscriptionRef) -> Standing:
        """Book and deliver what was charged, and write down how the provider has it."""
        raise NotImplementedError

    @activity.defn(name="subscription_hold")
    async def hold(self, holding: Holding) -> None:
        """Keep open what the last charge gave, while the next is waited for."""
        raise NotImplementedError

    @activity.defn(name="subscription_retry")
    async def retry(self, retrying: Retrying) -> Standing:
        """Have the provider try the charge again that failed."""
        raise NotImplementedError

    @activity.defn(name="subscription_lapse")
    async def lapse(self, subscription: SubscriptionRef) -> Standing:
        """End it, unless it was paid in the last moment, or money for it is under way."""
        raise NotImplementedError

    @activity.defn(name="subscription_change")
    async def change(self, changing: Changing) -> Changed:
        """Go over to another item now, prorated by the provider."""
        raise NotImplementedError

    @activity.defn(name="subscription_cancel")
    async def cancel(self, canceling: Canceling) -> Standing:
        """Have the provider charge nothing any more; what is unpaid is given up, and ends it."""
        raise NotImplementedError
