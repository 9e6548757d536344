"""What a chronicle entry says to a person: a sentence, and where to read on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loreloom.api.console.pages import in_words
from loreloom.api.history import OF_ARCS
from loreloom.api.history import TOLD as OF_QUESTS
from loreloom.state.chronicle import ABOUT_MONEY, Entry
from loreloom.state.keys import KeyIdentity, Scope

OF_MONEY: Mapping[str, str] = {
    "payment.requested": "A purchase of {item} began.",
    "payment.opened": "The checkout of {item} is open.",
    "payment.fulfilled": "{item} was paid and given.",
    "payment.unfulfilled": "{item} was paid and cannot be given: {reason}. It is being paid back.",
    "payment.expired": "Nobody paid for {item} in time.",
    "payment.failed": "{item} could not be sold: {reason}.",
    "payment.refund_requested": "Ops asked to pay {item} back.",
    "payment.refunded": "Money for {item} was paid back.",
    "payment.refund_failed": "{item} could not be paid back: {reason}.",
    "payment.inquiry": "The buyer's bank asks about {item}; nothing is held.",
    "payment.disputed": "The buyer's bank questions {item}, which is held until it decides.",
    "payment.dispute_closed": "The bank's question about {item} is closed: {outcome}.",
    "subscription.started": "The subscription {item} began.",
    "subscription.renewed": "The subscription {item} was paid for another period.",
    "subscription.charged": "The change to {item} was paid.",
    "subscription.changed": "The subscription is {item} now, no longer {from}.",
    "subscription.past_due": "A charge for {item} failed; the days of grace run.",
    "subscription.recovered": "What was due for {item} was paid.",
    "subscription.canceling": "The subscription {item} ends with the period that is paid.",
    "subscription.canceled": "The subscription {item} has ended.",
    "subscription.lapsed": "The subscription {item} lapsed: nothing was paid in the days of grace.",
}

OTHERS: Mapping[str, str] = {
    "world.created": "The world {name} began.",
    "world.changed": "The world's settings were changed.",
    "clock.new_day": "A new day.",
    "clock.new_month": "The month of {name} began.",
    "clock.new_season": "It is {name} now.",
    "clock.new_year": "A new year.",
    "clock.holiday": "Today is {name}.",
    "clock.moon": "The moon: {name}.",
    "clock.changed": "Somebody changed the clock.",
    "clock.caught_up": "The clock caught up with what it had slept through.",
    "weather.changed": "{region}: {state}.",
    "player.created": "A player joined at level {level}.",
    "player.repaired": "Ops put right what a player has.",
    "player.erased": "A player was erased.",
    "rumour.begun": "It is whispered: {text}",
    "life.caught_up": "The world lived the days that it had slept through.",
    "life.failed": "The world cannot live day {day}: {error}.",
    "fact.learned": "It is known now: {fact}.",
}
"""Sentences by kind; a kind without one that carries ``told`` says that, else its own name."""
SENTENCES: Mapping[str, str] = {**OTHERS, **OF_MONEY, **OF_ARCS, **OF_QUESTS}

PART_OF_A_DAY = "It is {name} now."
"""What the clock tells besides: a calendar may name the parts of its day as it likes."""

PLACES: Mapping[str, str] = {
    "quest": "/console/quests/{}",
    "arc": "/console/arcs/{}",
    "payment": "/console/ops/payments/{}",
    "subscription": "/console/ops/workflows/subscription/{}",
}
"""The console's pages by the first part of an entry's subject."""


class _Known(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


@dataclass(frozen=True, slots=True)
class Telling:
    """An entry as it is shown."""

    entry: Entry
    words: str
    address: str | None


def telling_of(entry: Entry) -> Telling:
    """What to say of an entry."""
    sort, _, name = entry.subject.partition("/")
    place = PLACES.get(sort)
    return Telling(
        entry=entry,
        words=_words(entry),
        address=place.format(name) if place and name else None,
    )


def may_see(reader: KeyIdentity, entry: Entry) -> bool:
    """Whether somebody may see an entry: payments are none of a designer's business."""
    return Scope.OPS in reader.scopes or not entry.kind.startswith(ABOUT_MONEY)


def _words(entry: Entry) -> str:
    told = SENTENCES.get(entry.kind)
    if told is None and entry.kind.startswith("clock."):
        told = PART_OF_A_DAY
    if told is not None:
        # Only the engine's own sentences are filled in; what fills them stays as it is.
        return told.format_map(_Known({k: _shown(v) for k, v in entry.data.items()}))
    said = entry.data.get("told")
    if isinstance(said, str):
        return said
    return f"{in_words(entry.kind.partition('.')[2]).capitalize()}."


def _shown(value: object) -> object:
    """A code in words; anything longer as it is."""
    return in_words(value) if isinstance(value, str) and " " not in value else value
