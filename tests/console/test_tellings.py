"""What the list of what happens says of an entry."""

from datetime import UTC, datetime
from typing import Any

import pytest

from loreloom.api.console.tellings import telling_of
from loreloom.domain.calendar import Calendar
from loreloom.state.chronicle import Entry
from tests.docs.told_kinds import told_kinds


def entry(kind: str, subject: str = "about", **data: Any) -> Entry:
    return Entry(
        id=1,
        kind=kind,
        at=datetime.now(UTC),
        game_time=Calendar().read(0),
        player_id=None,
        subject=subject,
        data=data,
    )


@pytest.mark.parametrize("kind", sorted(told_kinds()))
def test_each_kind_has_words_of_its_own(kind: str) -> None:
    # What factions and markets do is told in a sentence that their rules wrote.
    data = {"told": "Flour is dear."} if kind.startswith(("faction.", "market.")) else {}
    said = telling_of(entry(kind, **data)).words
    bare = kind.partition(".")[2].replace("_", " ").capitalize()
    assert said != f"{bare}."


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("payment.fulfilled", {}, "red-cloak was paid and given."),
        (
            "payment.unfulfilled",
            {"reason": "already_owned"},
            "red-cloak was paid and cannot be given: already owned. It is being paid back.",
        ),
        (
            "payment.dispute_closed",
            {"outcome": "dropped"},
            "The bank's question about red-cloak is closed: dropped.",
        ),
        (
            "subscription.changed",
            {"from": "silver"},
            "The subscription is red-cloak now, no longer silver.",
        ),
    ],
)
def test_what_was_bought_is_named(kind: str, data: dict[str, Any], said: str) -> None:
    assert telling_of(entry(kind, item="red-cloak", **data)).words == said


@pytest.mark.parametrize(
    ("subject", "address"),
    [
        ("payment/pay_1", "/console/ops/payments/pay_1"),
        ("subscription/sub_1", "/console/ops/workflows/subscription/sub_1"),
    ],
)
def test_what_was_bought_leads_on(subject: str, address: str) -> None:
    assert telling_of(entry("payment.refunded", subject)).address == address


def test_a_part_of_the_day_is_said_by_its_own_name() -> None:
    assert telling_of(entry("clock.first_bell", name="first_bell")).words == "It is first bell now."
