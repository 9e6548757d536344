"""An amount as people read it."""

import pytest

from loreloom.domain.money import COIN, in_units


@pytest.mark.parametrize(
    ("amount", "currency", "read"),
    [
        (1199, "USD", "11.99 USD"),
        (-27, "EUR", "-0.27 EUR"),
        (0, "USD", "0.00 USD"),
        (120000, "USD", "1200.00 USD"),
        (1199, "JPY", "1199 JPY"),
        (1190, "KWD", "1.190 KWD"),
        (500, "UGX", "5.00 UGX"),
        (300, COIN, "300 coin"),
    ],
)
def test_minor_units_are_read_by_the_currencys_decimals(
    amount: int, currency: str, read: str
) -> None:
    assert in_units(amount, currency) == read
