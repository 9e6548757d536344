"""What of two lists is a difference, and what is only on its way."""

from datetime import UTC, datetime, timedelta

import pytest

from loreloom.domain.ids import PaymentId
from loreloom.domain.payment import PaymentState
from loreloom.domain.provider import ProviderPayment
from loreloom.domain.reconciliation import (
    AccountSum,
    BookedPayment,
    Books,
    DifferenceKind,
    Listed,
    differences,
)

NOW = datetime(2031, 4, 1, 3, tzinfo=UTC)
NAME = PaymentId("payment_1")


def booked(age: timedelta, **fields: object) -> BookedPayment:
    """A purchase that was paid and delivered, and last changed so long ago."""
    sold: dict[str, object] = {
        "payment_id": NAME,
        "state": PaymentState.FULFILLED,
        "intent": "pi_1",
        "amount": 500,
        "currency": "USD",
        "refund_asked": 0,
        "refunded": 0,
        "disputed": 0,
        "at_provider": 500,
        "given": True,
        "entitled": True,
        "updated_at": NOW - age,
    }
    return BookedPayment.model_validate(sold | fields)


def taken(age: timedelta, refunded: int = 0) -> ProviderPayment:
    """The same at the provider."""
    return ProviderPayment(
        intent="pi_1",
        payment_id=NAME,
        amount=500,
        currency="USD",
        refunded=refunded,
        created_at=NOW - age,
    )


def kinds(
    ours: list[BookedPayment], theirs: list[ProviderPayment], **books: object
) -> list[DifferenceKind]:
    side = Books.model_validate({"payments": ours, **books})
    return [each.kind for each in differences(side, Listed(at=NOW, payments=tuple(theirs)))]


@pytest.mark.parametrize(
    ("minutes", "found"), [(-1, []), (9, []), (11, [DifferenceKind.UNKNOWN_TO_PROVIDER])]
)
def test_a_sale_that_was_booked_as_the_list_was_read_is_none(
    minutes: int, found: list[DifferenceKind]
) -> None:
    assert kinds([booked(timedelta(minutes=minutes))], []) == found


@pytest.mark.parametrize(
    ("hours", "found"), [(0, []), (2, []), (4, [DifferenceKind.UNKNOWN_TO_US])]
)
def test_a_renewal_that_nobody_told_of_has_until_the_next_look(
    hours: int, found: list[DifferenceKind]
) -> None:
    assert kinds([], [taken(timedelta(hours=hours))]) == found


def test_a_refund_that_was_booked_as_the_list_was_read_is_none() -> None:
    back = {"refunded": 200, "refund_asked": 200, "at_provider": 300}
    theirs = [taken(timedelta(days=1))]
    assert kinds([booked(timedelta(), **back)], theirs) == []
    assert kinds([booked(timedelta(hours=1), **back)], theirs) == [DifferenceKind.REFUNDED]


def test_more_paid_back_than_was_ever_asked_for_is_one_at_once() -> None:
    theirs = [taken(timedelta(days=1), refunded=200)]
    assert kinds([booked(timedelta())], theirs) == [DifferenceKind.REFUNDED]


def test_a_currency_that_does_not_sum_to_zero_is_one_of_the_whole_books() -> None:
    off = [AccountSum(currency="EUR", amount=-3)]
    side = Books.model_validate({"payments": [], "unbalanced": off})
    (found,) = differences(side, Listed(at=NOW, payments=()))
    assert (found.kind, found.payment_id) == (DifferenceKind.UNBALANCED, None)
    assert (found.ours, found.theirs) == ("0.00 EUR", "-0.03 EUR over all accounts")


@pytest.mark.parametrize("state", [PaymentState.UNFULFILLED, PaymentState.DISPUTE_LOST])
def test_what_was_paid_for_and_is_not_had_is_owed_until_it_came_back(state: PaymentState) -> None:
    nothing = {"state": state, "given": False, "entitled": False}
    theirs = [taken(timedelta(days=1))]
    young = booked(timedelta(), disputed=200, at_provider=300, **nothing)
    assert kinds([young], theirs) == []
    left = booked(timedelta(hours=1), disputed=200, at_provider=300, **nothing)
    assert kinds([left], theirs) == [DifferenceKind.OWED]
    none = booked(timedelta(hours=1), disputed=500, at_provider=0, **nothing)
    assert kinds([none], theirs) == []
