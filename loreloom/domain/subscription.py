"""The rules of a subscription: its states, and what is due when of one that is paid, or is not."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from loreloom.domain.price_book import Grace, ItemKind, Quote, StoreItem
from loreloom.domain.refusals import Refusal, RefusalCode

LEAD = timedelta(hours=1)
"""So long before a paid period ends, what it gives is held open for the days of grace."""
PROVIDER_TIME = timedelta(hours=2)
"""So long after a period's end the provider has charged the next; it takes an hour itself."""
LOOKS = timedelta(hours=6)
"""How often a subscription is looked at that should have ended, and has not."""


class SubscriptionState(StrEnum):
    """Where a subscription stands; part of the public API.

    ``past_due``: its last charge failed, and the days of grace run. ``lapsed``: they are over.
    """

    ACTIVE = "active"
    PAST_DUE = "past_due"
    CANCELED = "canceled"
    LAPSED = "lapsed"


LIVE = frozenset({SubscriptionState.ACTIVE, SubscriptionState.PAST_DUE})


class CancelWhen(StrEnum):
    """When a subscription is to end. Either way nothing is charged any more."""

    NOW = "now"
    PERIOD_END = "period_end"


class Step(StrEnum):
    """What is to be done for a subscription."""

    LOOK = "look"
    HOLD = "hold"
    RETRY = "retry"
    LAPSE = "lapse"


class Standing(BaseModel):
    """Where a subscription stands after a step; it is paid for until ``paid_until``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: SubscriptionState
    item: str
    paid_until: AwareDatetime
    cancel_at_period_end: bool = False


class Due(BaseModel):
    """A step, and the real moment at which it is due."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime
    step: Step


def next_due(standing: Standing, grace: Grace, after: datetime) -> Due:
    """What is due next of a live subscription, of what lies after a moment.

    What should have lapsed and has not is tried again and again.
    """
    for due in _plan(standing, grace):
        if due.at > after:
            return due
    last = Step.LOOK if standing.cancel_at_period_end else Step.LAPSE
    return Due(at=after + LOOKS, step=last)


def _plan(standing: Standing, grace: Grace) -> Iterator[Due]:
    end = standing.paid_until
    if standing.cancel_at_period_end:
        yield Due(at=end + PROVIDER_TIME, step=Step.LOOK)
        return
    yield Due(at=end - LEAD, step=Step.HOLD)
    yield Due(at=end + PROVIDER_TIME, step=Step.LOOK)
    for days in sorted(grace.retry_days):
        if days < grace.days:
            yield Due(at=end + timedelta(days=days), step=Step.RETRY)
    yield Due(at=end + timedelta(days=grace.days), step=Step.LAPSE)


def requote(quote: Quote, amount: int, *, discounted: bool) -> Quote:
    """The quote of a later charge of a subscription, of what the provider really charged.

    A creator is credited as long as the creator's code counts.
    """
    share = amount * quote.creator_percent // 100 if discounted else 0
    return quote.model_copy(
        update={
            "list_amount": max(1, amount),
            "amount": amount,
            "coupon": quote.coupon if discounted else None,
            "creator_share": share,
        }
    )


def require_change(state: SubscriptionState, old: StoreItem, new: StoreItem, currency: str) -> None:
    """Whether a subscription may go over to another item. Raises ``Refusal``."""
    if state is not SubscriptionState.ACTIVE:
        raise Refusal(RefusalCode.WRONG_STATE, f"the subscription is {state}; it takes no change")
    if new.kind is not ItemKind.SUBSCRIPTION or new.every != old.every:
        problem = f"{new.item!r} is no level of this subscription"
        raise Refusal(RefusalCode.UNKNOWN_ITEM, problem)
    if currency not in new.prices:
        raise Refusal(RefusalCode.NO_PRICE, f"{new.item!r} has no price in {currency}")
    if new.item == old.item:
        raise Refusal(RefusalCode.ALREADY_OWNED, f"it is at {new.item!r} already")
