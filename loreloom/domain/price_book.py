"""What is sold and for how much: items, coupons, and the quote that they make together."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from loreloom.domain.ids import FactId
from loreloom.domain.money import CurrencyCode
from loreloom.domain.refusals import Refusal, RefusalCode

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
ArcName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9_-]{0,39}$")]
Minor = Annotated[int, Field(ge=1, le=99_999_999)]
Percent = Annotated[int, Field(ge=1, le=100)]


class BookModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ItemKind(StrEnum):
    """What kind of thing is sold."""

    COIN_PACK = "coin_pack"
    COSMETIC = "cosmetic"
    CHAPTER = "chapter"
    SEASON_PASS = "season_pass"
    SUBSCRIPTION = "subscription"


class Interval(StrEnum):
    """How often a subscription is charged."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


DAYS = {Interval.DAY: 1, Interval.WEEK: 7, Interval.MONTH: 28, Interval.YEAR: 365}
"""How long a period is at least."""


class CouponDuration(StrEnum):
    """For which charges of a subscription a coupon counts; a single purchase has only one."""

    ONCE = "once"
    REPEATING = "repeating"
    FOREVER = "forever"


class StoreItem(BookModel):
    """A thing for sale. ``prices`` are in minor units by currency.

    A coin pack gives ``coin``; everything else is an entitlement under the item's own name, for
    ``days`` if it is a season pass, as long as it is paid for if it is a subscription, which is
    charged ``every`` so often and has a ``level`` among the others. ``stock`` is how many a world
    has. ``sets_fact`` is known of the buyer from then on, so that an arc can wait for it; a chapter
    starts the arc that it ``opens``.
    """

    item: Slug
    kind: ItemKind
    name: str = Field(min_length=1, max_length=100)
    about: str = Field(max_length=500)
    prices: dict[CurrencyCode, Minor] = Field(min_length=1)
    coin: int = Field(default=0, ge=0, le=10_000_000)
    days: int | None = Field(default=None, ge=1, le=3660)
    stock: int | None = Field(default=None, ge=1)
    sets_fact: FactId | None = None
    opens: ArcName | None = None
    every: Interval | None = None
    level: int | None = Field(default=None, ge=1, le=100)

    @model_validator(mode="after")
    def _gives_what_its_kind_says(self) -> Self:
        if (self.kind is ItemKind.COIN_PACK) != (self.coin > 0):
            raise ValueError("a coin pack gives coin, and nothing else does")
        if (self.kind is ItemKind.SEASON_PASS) != (self.days is not None):
            raise ValueError("a season pass has days, and nothing else does")
        recurs = self.kind is ItemKind.SUBSCRIPTION
        if recurs != (self.every is not None) or recurs != (self.level is not None):
            raise ValueError("a subscription has every and level, and nothing else does")
        if self.opens is not None and self.kind is not ItemKind.CHAPTER:
            raise ValueError("only a chapter opens an arc")
        if recurs and (self.stock is not None or self.sets_fact is not None):
            raise ValueError("a subscription has neither stock nor a fact")
        return self


class Coupon(BookModel):
    """Takes a percentage or an amount off, at most ``limit`` times, until ``expires_at``.

    A ``creator`` is credited with ``creator_percent`` of what is paid. ``items`` names what it is
    for; empty, it is for all. Of a subscription's charges it counts for the first (``once``), for
    those within ``months`` (``repeating``), or for each (``forever``).
    """

    code: Code
    percent: Percent | None = None
    amounts: dict[CurrencyCode, Minor] | None = None
    limit: int | None = Field(default=None, ge=1)
    expires_at: AwareDatetime | None = None
    creator: Slug | None = None
    creator_percent: Percent | None = None
    items: tuple[Slug, ...] = ()
    duration: CouponDuration = CouponDuration.ONCE
    months: int | None = Field(default=None, ge=1, le=120)

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.percent is None) == (self.amounts is None):
            raise ValueError("a coupon has either percent or amounts")
        if (self.creator is None) != (self.creator_percent is None):
            raise ValueError("creator and creator_percent belong together")
        if (self.duration is CouponDuration.REPEATING) != (self.months is not None):
            raise ValueError("a repeating coupon has months, and nothing else does")
        return self


class Discount(BookModel):
    """What the provider takes off a subscription's charges. ``amount_off`` is in minor units."""

    percent: int | None
    amount_off: int | None
    duration: CouponDuration
    months: int | None


class Grace(BookModel):
    """What follows a charge of a subscription that failed.

    It is tried again so many days after it was due; after ``days`` of them the subscription lapses.
    What a price book must not say any more, a subscription that was sold so keeps.
    """

    days: int = Field(default=7, ge=1, le=60)
    retry_days: tuple[Annotated[int, Field(ge=1)], ...] = (1, 3, 5)


class Quote(BookModel):
    """What a purchase costs and gives, fixed when it was asked for.

    ``amount`` is to be paid, ``list_amount`` is the price before the coupon, both in minor units.
    ``discount`` is what a subscription's coupon takes off as long as it counts.
    """

    item: StoreItem
    currency: CurrencyCode
    list_amount: int = Field(ge=1)
    amount: int = Field(ge=0)
    coupon: str | None = None
    coupon_limit: int | None = None
    creator: str | None = None
    creator_share: int = Field(default=0, ge=0)
    creator_percent: int = Field(default=0, ge=0)
    discount: Discount | None = None
    grace: Grace = Grace()


class PriceBook(BookModel):
    """Everything that is for sale."""

    currency: CurrencyCode = "USD"
    items: tuple[StoreItem, ...] = ()
    coupons: tuple[Coupon, ...] = ()
    grace: Grace = Grace()

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [item.item for item in self.items]
        codes = [coupon.code for coupon in self.coupons]
        doubled = {name for name in (*names, *codes) if (*names, *codes).count(name) > 1}
        if doubled:
            raise ValueError(f"named twice: {', '.join(sorted(doubled))}")
        for coupon in self.coupons:
            unknown = set(coupon.items) - set(names)
            if unknown:
                raise ValueError(f"coupon {coupon.code} is for what is not sold: {sorted(unknown)}")
        return self

    @model_validator(mode="after")
    def _grace_is_kept(self) -> Self:
        days = self.grace.days
        late = [day for day in self.grace.retry_days if day >= days]
        if late:
            raise ValueError(f"grace is over after {days} days: retry_days has {late}")
        for item in self.items:
            if item.every is not None and days > DAYS[item.every]:
                problem = f"grace of {days} days is longer than the {item.every} of {item.item}"
                raise ValueError(problem)
        return self

    def item(self, name: str) -> StoreItem:
        """The item of that name. Raises ``Refusal`` if it is not sold."""
        for item in self.items:
            if item.item == name:
                return item
        raise Refusal(RefusalCode.UNKNOWN_ITEM, f"the store has no item {name!r}")

    def quote(self, name: str, currency: str | None, code: str | None, now: datetime) -> Quote:
        """What the item costs now in a currency, with a coupon's code if one is given.

        Raises ``Refusal``. Stock and the coupon's limit are counted elsewhere.
        """
        item = self.item(name)
        currency = currency or self.currency
        if currency not in item.prices:
            problem = f"{name!r} has no price in {currency}; it has {', '.join(item.prices)}"
            raise Refusal(RefusalCode.NO_PRICE, problem)
        price = item.prices[currency]
        if code is None:
            return Quote(
                item=item, currency=currency, list_amount=price, amount=price, grace=self.grace
            )
        coupon = self._coupon(code, item, currency, now)
        amount = price - _off(coupon, price, currency)
        share = amount * coupon.creator_percent // 100 if coupon.creator_percent else 0
        return Quote(
            item=item,
            currency=currency,
            list_amount=price,
            amount=amount,
            coupon=coupon.code,
            coupon_limit=coupon.limit,
            creator=coupon.creator,
            creator_share=share,
            creator_percent=coupon.creator_percent or 0,
            grace=self.grace,
            discount=_discount(coupon, currency) if item.every is not None else None,
        )

    def _coupon(self, code: str, item: StoreItem, currency: str, now: datetime) -> Coupon:
        coupon = next((c for c in self.coupons if c.code == code.upper()), None)
        if coupon is None:
            raise Refusal(RefusalCode.UNKNOWN_COUPON, "there is no such coupon")
        if coupon.expires_at is not None and now >= coupon.expires_at:
            raise Refusal(RefusalCode.COUPON_EXPIRED, "the coupon has expired")
        if coupon.items and item.item not in coupon.items:
            raise Refusal(RefusalCode.COUPON_NOT_FOR_THIS, "the coupon is not for this item")
        if coupon.amounts is not None and currency not in coupon.amounts:
            raise Refusal(RefusalCode.COUPON_NOT_FOR_THIS, f"the coupon is not for {currency}")
        return coupon


def _off(coupon: Coupon, price: int, currency: str) -> int:
    if coupon.percent is not None:
        return price * coupon.percent // 100
    assert coupon.amounts is not None
    return min(price, coupon.amounts[currency])


def _discount(coupon: Coupon, currency: str) -> Discount:
    return Discount(
        percent=coupon.percent,
        amount_off=coupon.amounts[currency] if coupon.amounts is not None else None,
        duration=coupon.duration,
        months=coupon.months,
    )
