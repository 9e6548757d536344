"""A receipt says what was asked for, what was taken off, and what was paid."""

import pytest

from loreloom.domain.ids import PlayerId, WorldId
from loreloom.domain.payment import Bought
from loreloom.domain.price_book import Interval, ItemKind, Quote, StoreItem
from loreloom.domain.receipt import receipt_of

BRONZE = StoreItem(
    item="bronze",
    kind=ItemKind.SUBSCRIPTION,
    name="Bronze",
    about="More of the town.",
    prices={"USD": 500},
    every=Interval.MONTH,
    level=1,
)


@pytest.mark.parametrize(
    ("coupon", "whole", "paid", "line"),
    [
        ("TWICE", True, 425, (500, 75, 425)),
        (None, True, 480, (480, 0, 480)),
        ("TWICE", False, 120, (120, 0, 120)),
        ("TWICE", True, 620, (620, 0, 620)),
    ],
    ids=["a coupon", "the provider's credit", "the difference of a change", "more than its price"],
)
def test_price_less_discount_is_what_was_paid(
    coupon: str | None, whole: bool, paid: int, line: tuple[int, int, int]
) -> None:
    quote = Quote(
        item=BRONZE, currency="USD", list_amount=500, amount=paid, coupon=coupon, creator="wren"
    )
    bought = Bought(world_id=WorldId("w"), player_id=PlayerId("mara"), quote=quote)
    receipt = receipt_of(bought, whole=whole)
    (only,) = receipt.lines
    assert (only.price, only.discount, only.amount) == line
    assert (receipt.total, receipt.coupon) == (paid, coupon)
    assert receipt.creator == ("wren" if coupon else None)
