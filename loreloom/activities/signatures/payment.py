"""The activities of purchases, refunds and disputes, as their workflows call them."""

from typing import Protocol

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from loreloom.domain.ids import DisputeId, PaymentId, RefundId
from loreloom.domain.payment import PaymentState, UnfulfillableReason
from loreloom.domain.provider import Seen, SeenDispute
from loreloom.domain.reconciliation import Report

PROVIDER_SAID = "provider_said"
"""The signal that tells a purchase or a dispute that the provider said something about it."""


class PaymentModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PaymentRef(PaymentModel):
    """Which purchase; everything else about it lies in its row."""

    payment_id: PaymentId


class RefundRef(PaymentModel):
    """Which refund."""

    refund_id: RefundId


class DisputeRef(PaymentModel):
    """Which dispute, about which purchase."""

    dispute_id: DisputeId
    payment_id: PaymentId


class Opened(PaymentModel):
    """What opening a checkout came to: ``refused`` is the provider's code if it never will.

    ``free`` says that there is nothing to pay.
    """

    refused: str | None = None
    free: bool = False


class Paid(PaymentModel):
    """A purchase that was paid, as the provider says; ``seen`` is null for a free one."""

    payment_id: PaymentId
    seen: Seen | None


class Delivery(PaymentModel):
    """What delivering came to: why it can never be delivered, or null if it is."""

    state: PaymentState
    unfulfillable: UnfulfillableReason | None = None


class GivenUp(PaymentModel):
    """A purchase that was paid and cannot be delivered."""

    paid: Paid
    reason: UnfulfillableReason


class BegunUnpaid(PaymentModel):
    """A purchase whose checkout began a subscription, by the provider's id, that nobody paid."""

    payment_id: PaymentId
    subscription: str


class Ended(PaymentModel):
    """A purchase that ends without a payment, and why."""

    payment_id: PaymentId
    state: PaymentState
    reason: str


class Sent(PaymentModel):
    """What paying back came to: ``refused`` is the provider's code if it never will."""

    refused: str | None = None


class RefundFailed(PaymentModel):
    """A refund that the provider refuses."""

    refund_id: RefundId
    failure: str


class DisputeSeen(PaymentModel):
    """A dispute and the purchase that it is about."""

    payment_id: PaymentId
    seen: SeenDispute


class PaymentSteps(Protocol):
    """The steps of a purchase. Each may run twice, and does its work once."""

    @activity.defn(name="payment_open")
    async def open(self, payment: PaymentRef) -> Opened:
        """Open a checkout at the provider, and write down where."""
        raise NotImplementedError

    @activity.defn(name="payment_look")
    async def look(self, payment: PaymentRef) -> Seen:
        """What has become of the checkout."""
        raise NotImplementedError

    @activity.defn(name="payment_expire")
    async def expire(self, payment: PaymentRef) -> Seen:
        """Close the checkout unless it is paid, and say what has become of it."""
        raise NotImplementedError

    @activity.defn(name="payment_call_off")
    async def call_off(self, begun: BegunUnpaid) -> Seen:
        """End the subscription unless it is paid by now, and say what has become of it."""
        raise NotImplementedError

    @activity.defn(name="payment_end_unpaid")
    async def end_unpaid(self, ended: Ended) -> PaymentState:
        """Write down that nothing was paid, and free what was set aside."""
        raise NotImplementedError

    @activity.defn(name="payment_fulfil")
    async def fulfil(self, paid: Paid) -> Delivery:
        """Give what was paid for, with its ledger entries and its chronicle entry."""
        raise NotImplementedError

    @activity.defn(name="payment_give_up")
    async def give_up(self, given_up: GivenUp) -> PaymentState:
        """Write down that it cannot be delivered, and plan to pay it back."""
        raise NotImplementedError


class RefundSteps(Protocol):
    """The steps of a refund. Each may run twice, and does its work once."""

    @activity.defn(name="refund_send")
    async def send(self, refund: RefundRef) -> Sent:
        """Have the provider pay back; or see what has become of a refund that is booked."""
        raise NotImplementedError

    @activity.defn(name="refund_book")
    async def book(self, refund: RefundRef) -> None:
        """Book it, and take back what was given if all of it is paid back."""
        raise NotImplementedError

    @activity.defn(name="refund_fail")
    async def fail(self, failed: RefundFailed) -> None:
        """Write down that the provider refuses, or has failed since it was booked."""
        raise NotImplementedError


class ReconciliationSteps(Protocol):
    """How our books are compared with the provider's list."""

    @activity.defn(name="payments_reconcile")
    async def reconcile(self) -> Report:
        """Each difference, with what either side says."""
        raise NotImplementedError


class DisputeSteps(Protocol):
    """The steps of a dispute. Each may run twice, and does its work once."""

    @activity.defn(name="dispute_look")
    async def look(self, dispute: DisputeRef) -> SeenDispute:
        """What has become of the dispute."""
        raise NotImplementedError

    @activity.defn(name="dispute_note")
    async def note(self, dispute: DisputeSeen) -> None:
        """Write down that the bank asks, or has done with asking, and took no money."""
        raise NotImplementedError

    @activity.defn(name="dispute_hold")
    async def hold(self, dispute: DisputeSeen) -> None:
        """Hold what was bought while the dispute is open."""
        raise NotImplementedError

    @activity.defn(name="dispute_close")
    async def close(self, dispute: DisputeSeen) -> None:
        """Return what was held, or take it, as the dispute was decided."""
        raise NotImplementedError
