"""Prices: what is made and wanted moves stocks, and scarce stocks move prices."""

from collections.abc import Mapping
from random import Random

from loreloom.domain.living.content import GoodContent, LifeContent
from loreloom.domain.living.world import (
    TROUBLED,
    USUAL,
    Happening,
    HappeningKind,
    Market,
    bounded,
    usual_stock,
)

LEAST, MOST = 250, 4000
"""The bounds of a price's level, in thousandths of the usual price."""

DEAR, CHEAP = 1800, 550
"""Levels from which a good is spoken of as dear, and down from which as cheap."""

SWING = 25
"""Percent by which a day's making and wanting may differ from the usual."""

Markets = Mapping[str, Mapping[str, Market]]


def market_day(
    markets: Markets,
    trouble: Mapping[str, int],
    content: LifeContent,
    day: int,
    season: str,
    chance: Random,
) -> tuple[dict[str, dict[str, Market]], list[Happening]]:
    """A day of every market; what became dear or cheap on this day is told once."""
    goods = {good.name: good for good in content.goods}
    made: dict[str, dict[str, Market]] = {}
    told: list[Happening] = []
    for region, stalls in markets.items():
        troubled = trouble.get(region, 0)
        made[region] = {}
        for name, before in stalls.items():
            after = _next(before, goods[name], region, troubled, season, chance)
            made[region][name] = after
            if before.level < DEAR <= after.level:
                told.append(_dear(day, name, region, goods[name], troubled, season))
            elif before.level > CHEAP >= after.level:
                told.append(_cheap(day, name, region))
    return made, told


def price_of(good: GoodContent, market: Market) -> int:
    """What the good costs, in the world's smallest coin; never less than 1."""
    return max(1, good.price * market.level // USUAL)


def _next(
    before: Market, good: GoodContent, region: str, troubled: int, season: str, chance: Random
) -> Market:
    wants = good.wants[region]
    usual = usual_stock(wants)
    # Carriers bring what is wanted and take away what is left over; trouble keeps them off.
    made = good.makes.get(region, 0)
    carried = (wants - made) * (100 - troubled) // 100
    arrives = made + carried
    # Dear goods draw sellers and cheap ones keep them away; buyers do the contrary.
    arrives = arrives * (700 + 3 * before.level // 10) // USUAL
    bought = wants * good.by_season.get(season, 100) // 100
    bought = bought * (1400 - 4 * before.level // 10) // USUAL
    arrives = arrives * chance.randint(100 - SWING, 100 + SWING) // 100
    bought = max(0, bought) * chance.randint(100 - SWING, 100 + SWING) // 100
    stock = bounded(before.stock + arrives - bought, 0, 4 * usual)
    aim = bounded(USUAL * 2 * usual // max(1, usual + stock), LEAST, MOST)
    if stock < usual // 2:
        aim = bounded(aim + USUAL * (usual // 2 - stock) * 3 // max(1, usual // 2), LEAST, MOST)
    level = before.level + (aim - before.level) // 4
    return Market(stock, bounded(level, LEAST, MOST))


def _dear(
    day: int, good: str, region: str, content: GoodContent, troubled: int, season: str
) -> Happening:
    if troubled >= TROUBLED:
        why = f"carriers keep away from the trouble in {region}"
    elif content.by_season.get(season, 100) > 100:
        why = f"in {season} more of it is wanted than comes in"
    else:
        why = "more of it was bought than came in"
    return Happening(
        day, HappeningKind.DEAR, (), region, f"{good} has grown dear in {region}", why, 50, good
    )


def _cheap(day: int, good: str, region: str) -> Happening:
    why = "more of it came in than was bought"
    told = f"{good} is to be had cheaply in {region}"
    return Happening(day, HappeningKind.CHEAP, (), region, told, why, 35, good)
