"""Reconciliation: our books against the provider's list, each difference with both sides."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from loreloom.domain.ids import DisputeId, PaymentId, WorldId
from loreloom.domain.money import in_units
from loreloom.domain.payment import DELIVERED, ENDED_UNPAID, REFUNDABLE, UNPAID, PaymentState
from loreloom.domain.provider import ProviderDispute, ProviderPayment
from loreloom.domain.subscription import PROVIDER_TIME

GRACE = timedelta(minutes=10)
"""What happened this recently may still be on its way from one side to the other."""
UNBOOKED_GRACE = PROVIDER_TIME + timedelta(hours=1)
"""A subscription's charge that nobody told of is found when its next look is due."""


class BookModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DifferenceKind(StrEnum):
    """In what the two sides differ."""

    UNKNOWN_TO_US = "unknown_to_us"
    UNKNOWN_TO_PROVIDER = "unknown_to_provider"
    PAID_NOT_DELIVERED = "paid_not_delivered"
    PAID_TWICE = "paid_twice"
    AMOUNT = "amount"
    REFUNDED = "refunded"
    LEDGER = "ledger"
    ENTITLEMENT = "entitlement"
    OWED = "owed"
    DISPUTE = "dispute"
    UNBALANCED = "unbalanced"
    COIN = "coin"


class BookedPayment(BookModel):
    """A purchase as our books have it. Amounts are in minor units of its currency.

    ``at_provider`` is what the ledger says that the provider holds for it, ``disputed`` what it
    holds back or has taken; ``given`` says that the buyer has what was bought, and ``entitled`` is
    null for what gives no entitlement.
    """

    payment_id: PaymentId
    state: PaymentState
    intent: str | None = None
    amount: int
    currency: str
    refund_asked: int
    refunded: int
    disputed: int
    at_provider: int
    given: bool
    entitled: bool | None
    updated_at: AwareDatetime


class AccountSum(BookModel):
    """What entries of the ledger sum to, in minor units of the currency."""

    currency: str
    amount: int


class WorldCoin(BookModel):
    """The coin of a world: what its players have, and what the ledger says that they do.

    What an open dispute holds of it is a player's still.
    """

    world_id: WorldId
    held: int
    booked: int


class Books(BookModel):
    """Our side, or a page of it: purchases, and the disputes about them that we know.

    Of the whole books is what does not add up in the ledger: ``unbalanced`` are currencies that do
    not sum to zero, ``coin`` worlds with more or less coin than is booked.
    """

    payments: tuple[BookedPayment, ...] = ()
    disputes: frozenset[DisputeId] = frozenset()
    unbalanced: tuple[AccountSum, ...] = ()
    coin: tuple[WorldCoin, ...] = ()


class Listed(BookModel):
    """The provider's side, or what of it belongs to a page of ours, as listed from ``at`` on."""

    at: AwareDatetime
    payments: tuple[ProviderPayment, ...] = ()
    disputes: tuple[ProviderDispute, ...] = ()


class Difference(BookModel):
    """One difference, and what each side says; it is of a purchase, or else of the whole books."""

    kind: DifferenceKind
    payment_id: PaymentId | None
    ours: str
    theirs: str


class Report(BookModel):
    """What a reconciliation looked at and found; the first ``differences`` of ``found``."""

    ours: int
    theirs: int
    found: int
    differences: tuple[Difference, ...]


def differences(ours: Books, theirs: Listed) -> Iterator[Difference]:
    """Each difference within our books, and between them and what the provider lists.

    A payment without our mark on it is somebody else's business at the same provider. Our books
    were read after the list: what has changed since, or shortly before, is no difference yet.
    """
    taken: dict[PaymentId, list[ProviderPayment]] = defaultdict(list)
    for payment in theirs.payments:
        if payment.payment_id is not None:
            taken[payment.payment_id].append(payment)
    for booked in ours.payments:
        yield from _of_one(booked, taken.pop(booked.payment_id, []), theirs.at)
    for payment_id, strays in taken.items():
        if any(stray.created_at < theirs.at - UNBOOKED_GRACE for stray in strays):
            said = ", ".join(_said(stray) for stray in strays)
            yield _difference(DifferenceKind.UNKNOWN_TO_US, payment_id, "nothing", said)
    yield from _unknown_disputes(ours, theirs)
    for total in ours.unbalanced:
        none, said = (in_units(amount, total.currency) for amount in (0, total.amount))
        yield _difference(DifferenceKind.UNBALANCED, None, none, f"{said} over all accounts")
    for world in ours.coin:
        held = f"{world.held} held by the players of {world.world_id}"
        yield _difference(DifferenceKind.COIN, None, held, f"{world.booked} in the ledger")


def refunds_elsewhere(
    ours: Sequence[BookedPayment], theirs: Iterable[ProviderPayment]
) -> Iterator[tuple[PaymentId, int]]:
    """Purchases of which more was paid back than we asked for, and how much in all.

    Somebody did it in the provider's own pages. One that we are paying back is left for later.
    """
    booked = {payment.payment_id: payment for payment in ours}
    for payment in theirs:
        mine = booked.get(payment.payment_id) if payment.payment_id is not None else None
        if mine is None or mine.state not in REFUNDABLE or mine.intent != payment.intent:
            continue
        if mine.refund_asked == mine.refunded < payment.refunded <= mine.amount:
            yield mine.payment_id, payment.refunded


def refunds_missing(
    ours: Sequence[BookedPayment], theirs: Listed
) -> Iterator[tuple[PaymentId, str]]:
    """Purchases of which less was paid back than we booked, and the provider's payment of each.

    A refund may fail after it was booked.
    """
    paid = {payment.intent: payment for payment in theirs.payments}
    for mine in ours:
        found = paid.get(mine.intent) if mine.intent is not None else None
        if found is not None and found.refunded < mine.refunded and _is_settled(mine, theirs.at):
            yield mine.payment_id, found.intent


def _is_settled(booked: BookedPayment, at: datetime) -> bool:
    return booked.updated_at < at - GRACE


def _of_one(
    booked: BookedPayment, found: Sequence[ProviderPayment], at: datetime
) -> Iterator[Difference]:
    settled = _is_settled(booked, at)
    ours = f"{booked.state} {in_units(booked.amount, booked.currency)}"
    name = booked.payment_id
    paid = booked.state not in UNPAID | ENDED_UNPAID
    if len(found) > 1:
        said = ", ".join(_said(payment) for payment in found)
        yield _difference(DifferenceKind.PAID_TWICE, name, ours, said)
    if paid and booked.amount and not found and settled:
        yield _difference(DifferenceKind.UNKNOWN_TO_PROVIDER, name, ours, "nothing")
    if found and not paid and found[0].created_at < at - GRACE:
        yield _difference(DifferenceKind.PAID_NOT_DELIVERED, name, ours, _said(found[0]))
    if not paid:
        return
    if found:
        yield from _amounts(booked, found[0], settled=settled)
    held = booked.amount - booked.refunded - booked.disputed
    if not booked.given and held > 0 and settled:
        said = f"{in_units(held, booked.currency)} not paid back"
        yield _difference(DifferenceKind.OWED, name, ours, said)
    if booked.at_provider != held:
        said = f"{in_units(booked.at_provider, booked.currency)} in the ledger"
        yield _difference(DifferenceKind.LEDGER, name, in_units(held, booked.currency), said)
    due = booked.state in DELIVERED
    held_back = booked.state is PaymentState.DISPUTED
    if booked.entitled is not None and not held_back and booked.entitled != due:
        has = "has it" if booked.entitled else "has it not"
        yield _difference(DifferenceKind.ENTITLEMENT, name, booked.state, f"the player {has}")


def _amounts(
    booked: BookedPayment, paid: ProviderPayment, *, settled: bool
) -> Iterator[Difference]:
    name = booked.payment_id
    if (paid.amount, paid.currency) != (booked.amount, booked.currency):
        ours = in_units(booked.amount, booked.currency)
        yield _difference(DifferenceKind.AMOUNT, name, ours, _said(paid))
    # A refund is asked for first, then at the provider, then booked.
    missing = paid.refunded < booked.refunded and settled
    if missing or paid.refunded > booked.refund_asked:
        ours, theirs = (
            f"{in_units(amount, booked.currency)} refunded"
            for amount in (booked.refunded, paid.refunded)
        )
        yield _difference(DifferenceKind.REFUNDED, name, ours, theirs)


def _unknown_disputes(ours: Books, theirs: Listed) -> Iterator[Difference]:
    named = {payment.intent: payment for payment in ours.payments}
    for dispute in theirs.disputes:
        of = named.get(dispute.intent) if dispute.intent is not None else None
        young = dispute.created_at >= theirs.at - GRACE
        if of is None or young or dispute.dispute_id in ours.disputes:
            continue
        amount = in_units(dispute.amount, of.currency)
        said = f"{dispute.dispute_id} {dispute.standing} {amount}"
        yield _difference(DifferenceKind.DISPUTE, of.payment_id, "nothing", said)


def _said(payment: ProviderPayment) -> str:
    return f"{payment.intent} {in_units(payment.amount, payment.currency)}"


def _difference(kind: DifferenceKind, name: PaymentId | None, ours: str, theirs: str) -> Difference:
    return Difference(kind=kind, payment_id=name, ours=ours, theirs=theirs)
