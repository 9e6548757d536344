"""Money and coin as double entry: every movement names both of its sides and sums to zero."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

COIN = "COIN"
"""The currency under which the ledger counts the worlds' coin."""

CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""An ISO 4217 code."""

NO_DECIMALS = frozenset(
    {
        "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF",
        "XOF", "XPF", COIN,
    }
)  # fmt: skip
"""Currencies whose minor unit is the unit.

By docs.stripe.com/currencies, since our amounts are the provider's: there ISK and UGX have two
decimals, which are always zero, and the ariary has none.
"""
THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})

PROVIDER = "provider"
"""What the payment provider holds for us."""
SALES = "sales"
REFUNDS = "refunds"
OWED = "owed"
"""What was paid for and not delivered: it is owed back."""
DISPUTED = "disputed"
"""What the provider took back because of a dispute that is open."""
DISPUTES_LOST = "disputes_lost"
CREATORS = "creators"
"""What the creators of codes cost us."""
COIN_ISSUED = "coin_issued"
"""Coin that was sold."""
COIN_GRANTED = "coin_granted"
"""Coin that quests paid, and ops as a compensation."""
COIN_REPAIRED = "coin_repaired"
"""Coin that ops gave or took when they put a player's row right."""
COIN_ERASED = "coin_erased"
"""Coin that went with an erased player."""
COIN_WRITTEN_OFF = "coin_written_off"
"""Coin that was sold, spent and paid back."""


class MoneyModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Money(MoneyModel):
    """An amount in minor units of its currency: 499 USD are $4.99, 499 JPY are ¥499."""

    amount: int = Field(ge=0)
    currency: CurrencyCode


def units(amount: int, currency: str) -> Decimal:
    """What an amount in minor units is in the currency's own."""
    decimals = 0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2
    return Decimal(amount).scaleb(-decimals)


def in_units(amount: int, currency: str) -> str:
    """An amount in minor units as people read it: ``11.99 USD``, ``300 coin``."""
    return f"{units(amount, currency)} {'coin' if currency == COIN else currency}"


class Posting(MoneyModel):
    """One side of a movement: what an account gains (or loses, below zero), in minor units."""

    account: str
    currency: str
    amount: int


class UnbalancedError(Exception):
    """Postings that do not sum to zero in some currency: a bug, never an input."""


def balanced(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """The postings that move something. Raises ``UnbalancedError`` unless they sum to zero."""
    moving = tuple(posting for posting in postings if posting.amount)
    sums: Counter[str] = Counter()
    for posting in moving:
        sums[posting.currency] += posting.amount
    if any(sums.values()):
        raise UnbalancedError(f"off by {dict(+sums | -sums)}")
    return moving


def movement(debit: str, credit: str, amount: int, currency: str) -> tuple[Posting, Posting]:
    """``amount`` goes from the account ``credit`` to the account ``debit``."""
    return (
        Posting(account=debit, currency=currency, amount=amount),
        Posting(account=credit, currency=currency, amount=-amount),
    )


def coin_granted(world_id: str, amount: int) -> tuple[Posting, Posting]:
    """A player of the world is given coin."""
    return movement(coin_account(world_id), COIN_GRANTED, amount, COIN)


def coin_repaired(world_id: str, amount: int) -> tuple[Posting, Posting]:
    """Ops have a player of the world hold so much more coin, or less, below zero."""
    return movement(coin_account(world_id), COIN_REPAIRED, amount, COIN)


def coin_erased(world_id: str, amount: int) -> tuple[Posting, Posting]:
    """A player of the world is erased, and the coin is gone."""
    return movement(COIN_ERASED, coin_account(world_id), amount, COIN)


def coin_account(world_id: str) -> str:
    """The account of the coin that a world's players have, with what open disputes hold of it.

    It names no player, since entries are never changed and a player may be erased; whose coin a
    movement is, its purchase says, or the story that paid it.
    """
    return f"coin/{world_id}"


def creator_account(creator: str) -> str:
    """The account of what a creator has earned by codes."""
    return f"creator/{creator}"
