"""A receipt: what was sold at which price, less what, and for whom a code counts."""

from pydantic import BaseModel, ConfigDict

from loreloom.domain.payment import Bought
from loreloom.domain.price_book import ItemKind


class ReceiptModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ReceiptLine(ReceiptModel):
    """One thing on it: ``price`` less ``discount`` is ``amount``, in minor units."""

    item: str
    kind: ItemKind
    name: str
    price: int
    discount: int
    amount: int


class Receipt(ReceiptModel):
    """What was paid, in minor units of ``currency``; ``creator`` is whom the coupon credits."""

    lines: tuple[ReceiptLine, ...]
    currency: str
    total: int
    coupon: str | None
    creator: str | None


def receipt_of(bought: Bought, *, whole: bool = True) -> Receipt:
    """The receipt of a purchase that is paid; not ``whole`` is what only makes up a difference."""
    quote = bought.quote
    # Without a coupon nothing is taken off: a provider's proration and credit are its price.
    listed = quote.item.prices[quote.currency] if whole and quote.coupon is not None else 0
    price = max(listed, quote.amount)
    line = ReceiptLine(
        item=quote.item.item,
        kind=quote.item.kind,
        name=quote.item.name,
        price=price,
        discount=price - quote.amount,
        amount=quote.amount,
    )
    return Receipt(
        lines=(line,),
        currency=quote.currency,
        total=quote.amount,
        coupon=quote.coupon,
        creator=quote.creator if quote.coupon is not None else None,
    )
