"""The rules of a purchase: its states, what the ledger says of each step, what may be refunded."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from loreloom.domain import money
from loreloom.domain.ids import PlayerId, WorldId
from loreloom.domain.money import COIN, Posting, balanced, movement
from loreloom.domain.price_book import Quote
from loreloom.domain.refusals import Refusal, RefusalCode


class PaymentState(StrEnum):
    """Where a purchase stands; part of the public API.

    ``unfulfilled``: it was paid, and the buyer has nothing for it: it could not be delivered, or
    was taken with a refund that failed later. It is being paid back, or is to be paid back by ops
    if the provider refused. What cost nothing and could not be delivered is ``failed``.
    """

    CREATED = "created"
    AWAITING_PAYMENT = "awaiting_payment"
    FULFILLED = "fulfilled"
    UNFULFILLED = "unfulfilled"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    DISPUTE_LOST = "dispute_lost"
    EXPIRED = "expired"
    FAILED = "failed"


UNPAID = frozenset({PaymentState.CREATED, PaymentState.AWAITING_PAYMENT})
ENDED_UNPAID = frozenset({PaymentState.EXPIRED, PaymentState.FAILED})
DELIVERED = frozenset({PaymentState.FULFILLED, PaymentState.PARTLY_REFUNDED})
"""The buyer has what was bought."""
REFUNDABLE = DELIVERED | {PaymentState.UNFULFILLED, PaymentState.DISPUTE_LOST}
"""What is left of the price can be paid back; after a lost dispute, what it did not take."""


class RefundState(StrEnum):
    """Where a refund stands; part of the public API."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class UnfulfillableReason(StrEnum):
    """Why what was paid for cannot be delivered."""

    ALREADY_OWNED = "already_owned"
    WRONG_AMOUNT = "wrong_amount"
    REFUSED_BY_DATABASE = "refused_by_database"
    UNSOUND_ARC = "unsound_arc"


class Unfulfillable(Exception):
    """What was paid for can never be delivered; it must be paid back."""

    def __init__(self, reason: UnfulfillableReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Bought(BaseModel):
    """Whose purchase it is, and what was agreed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    world_id: WorldId
    player_id: PlayerId
    quote: Quote


class Reversal(BaseModel):
    """A refund as the books see it. Amounts are in minor units.

    ``before`` was refunded besides, ``lost`` was taken by disputes, ``amount`` is of this one.
    ``coin_left`` is what the player has of the coin that is to be taken. ``given`` says that the
    buyer has what was bought: it was delivered, and was not taken back before.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    before: int = Field(ge=0)
    lost: int = Field(default=0, ge=0)
    amount: int = Field(gt=0)
    coin_left: int = Field(ge=0)
    delivered: bool
    given: bool

    def is_full(self, quote: Quote) -> bool:
        """Whether nothing of the price is left after it."""
        return self.before + self.lost + self.amount >= quote.amount

    def takes(self, quote: Quote) -> bool:
        """Whether what was given is taken back with it."""
        return self.given and self.is_full(quote)


class Loss(BaseModel):
    """A dispute that was lost, as the books see it. Amounts are in minor units.

    ``before`` came back earlier, by refunds and other disputes, ``amount`` is now.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    before: int = Field(ge=0)
    amount: int = Field(ge=0)
    delivered: bool


class Disputed(BaseModel):
    """The disputes about a purchase: how many are open, and what those took that were lost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    open: int = Field(default=0, ge=0)
    lost: int = Field(default=0, ge=0)


def standing_of(amount: int, refunded: int, disputed: Disputed, *, given: bool) -> PaymentState:
    """Where a purchase stands that was paid, whatever came back of it in which order.

    ``given`` says that the buyer has what was bought.
    """
    if disputed.open:
        return PaymentState.DISPUTED
    if disputed.lost:
        return PaymentState.DISPUTE_LOST
    if refunded and refunded >= amount:
        return PaymentState.REFUNDED
    if not given:
        return PaymentState.UNFULFILLED
    return PaymentState.PARTLY_REFUNDED if refunded else PaymentState.FULFILLED


def at_price(bought: Bought, amount: int) -> Bought:
    """The same purchase at what the provider really charged, which rounds as it does."""
    quote = bought.quote
    share = amount * quote.creator_percent // 100
    changed = quote.model_copy(update={"amount": amount, "creator_share": share})
    return bought.model_copy(update={"quote": changed})


def sale(bought: Bought) -> tuple[Posting, ...]:
    """What the ledger says of a purchase that is delivered."""
    quote = bought.quote
    postings = [*movement(money.PROVIDER, money.SALES, quote.amount, quote.currency)]
    if quote.creator is not None:
        account = money.creator_account(quote.creator)
        postings += movement(money.CREATORS, account, quote.creator_share, quote.currency)
    if quote.item.coin:
        account = money.coin_account(bought.world_id)
        postings += movement(account, money.COIN_ISSUED, quote.item.coin, COIN)
    return balanced(postings)


def receipt_undelivered(amount: int, currency: str) -> tuple[Posting, ...]:
    """What the ledger says of money that came in for what cannot be delivered."""
    return balanced(movement(money.PROVIDER, money.OWED, amount, currency))


def reversal(bought: Bought, refund: Reversal) -> tuple[Posting, ...]:
    """What the ledger says of a refund: the sale, or that part of it, the other way round."""
    quote = bought.quote
    before = refund.before + refund.lost
    if not refund.delivered:
        return balanced(_settling(quote, before, refund.amount, money.REFUNDS, money.PROVIDER))
    postings = [*movement(money.REFUNDS, money.PROVIDER, refund.amount, quote.currency)]
    postings += _share_back(quote, before, refund.amount)
    if refund.takes(quote):
        postings += coin_back(bought, refund.coin_left)
    return balanced(postings)


def returned(bought: Bought, refund: Reversal) -> tuple[Posting, ...]:
    """What the ledger says when a refund fails after it was booked: its money, the other way round.

    What was taken with it stays taken.
    """
    booked = reversal(bought, refund.model_copy(update={"given": False}))
    return tuple(posting.model_copy(update={"amount": -posting.amount}) for posting in booked)


def dispute_lost(bought: Bought, loss: Loss) -> list[Posting]:
    """A dispute took an amount for good: the creator has no share of it, as of a refund.

    Of a purchase undelivered it settles what is owed.
    """
    quote = bought.quote
    if loss.delivered:
        lost = movement(money.DISPUTES_LOST, money.DISPUTED, loss.amount, quote.currency)
        return [*lost, *_share_back(quote, loss.before, loss.amount)]
    return _settling(quote, loss.before, loss.amount, money.DISPUTES_LOST, money.DISPUTED)


def coin_taken(bought: Bought, coin_left: int) -> int:
    """How much coin is taken back: what was sold, or what the player has left of it."""
    return min(bought.quote.item.coin, coin_left)


def coin_back(bought: Bought, coin_left: int) -> list[Posting]:
    """The coin that was sold goes back; what the player has spent of it is written off."""
    taken = coin_taken(bought, coin_left)
    account = money.coin_account(bought.world_id)
    spent = bought.quote.item.coin - taken
    return [
        *movement(money.COIN_ISSUED, account, taken, COIN),
        *movement(money.COIN_ISSUED, money.COIN_WRITTEN_OFF, spent, COIN),
    ]


def refund_amount(state: PaymentState, left: int, asked: int | None) -> int:
    """How much to refund: what was asked for, or all that is left. Raises ``Refusal``."""
    if state not in REFUNDABLE:
        raise Refusal(RefusalCode.WRONG_STATE, f"the payment is {state}; nothing to refund")
    amount = left if asked is None else asked
    if amount > left or left == 0:
        raise Refusal(RefusalCode.TOO_MUCH, f"at most {left} can be refunded")
    return amount


def _settling(quote: Quote, before: int, amount: int, more: str, credit: str) -> list[Posting]:
    """An amount that went from ``credit`` settles what is owed; what is more than that is ``more``.

    ``before`` of the price came back earlier.
    """
    settled = min(amount, max(0, quote.amount - before))
    return [
        *movement(money.OWED, credit, settled, quote.currency),
        *movement(more, credit, amount - settled, quote.currency),
    ]


def _share_back(quote: Quote, before: int, amount: int) -> list[Posting]:
    """The creator's share of an amount that comes back, after ``before`` of the price did."""
    if quote.creator is None:
        return []
    share = _share_of(quote, before + amount) - _share_of(quote, before)
    return [*movement(money.creator_account(quote.creator), money.CREATORS, share, quote.currency)]


def _share_of(quote: Quote, back: int) -> int:
    # Refunds and disputes together can take more than was paid.
    return quote.creator_share * min(back, quote.amount) // quote.amount
