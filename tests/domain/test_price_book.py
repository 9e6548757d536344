"""What a price book must not say, because it could not be kept."""

from typing import Any

import pytest
from pydantic import ValidationError

from loreloom.domain.price_book import PriceBook


def _a_book(every: str, **grace: Any) -> dict[str, Any]:
    level = {
        "item": "bronze",
        "kind": "subscription",
        "name": "Bronze",
        "about": "",
        "prices": {"USD": 500},
        "every": every,
        "level": 1,
    }
    return {"items": [level], "grace": grace}


@pytest.mark.parametrize(
    ("book", "named"),
    [
        (_a_book("month", days=1, retry_days=[5]), r"grace is over after 1 days.*\[5\]"),
        (_a_book("month", days=3), r"grace is over after 3 days.*\[3, 5\]"),
        (_a_book("week", days=8), "grace of 8 days is longer than the week of bronze"),
        (_a_book("day", days=2, retry_days=[]), "grace of 2 days is longer than the day of bronze"),
    ],
)
def test_days_of_grace_that_could_not_be_kept_are_refused(book: Any, named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        PriceBook.model_validate(book)


@pytest.mark.parametrize(
    "book",
    [_a_book("month"), _a_book("week", days=7), _a_book("day", days=1, retry_days=[])],
)
def test_days_of_grace_may_last_until_the_next_charge(book: Any) -> None:
    assert PriceBook.model_validate(book).items
