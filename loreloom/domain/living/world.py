"""A living world as it stands at the end of a day, and what happens in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations

from loreloom.domain.living.content import FactionContent, Goal, LifeContent, Temper

USUAL = 1000
"""A price's level at which a good costs what it usually does."""

USUAL_DAYS = 8
"""Days for which a region's usual stock of a good lasts."""

ALLIED, FEUDING = 60, -60
"""Regard from which two factions are allies, and down from which they feud."""

TROUBLED = 50
"""Trouble from which a region is no place to be about in."""


class HappeningKind(StrEnum):
    """What sort of thing happened; also the kind of the chronicle's entry that tells of it."""

    TRADED = "faction.traded"
    ALLIED = "faction.allied"
    FEUDED = "faction.feuded"
    EXPANDED = "faction.expanded"
    REPELLED = "faction.repelled"
    RECOVERED = "faction.recovered"
    DEAR = "market.dear"
    CHEAP = "market.cheap"


@dataclass(frozen=True, slots=True)
class Faction:
    """What a faction has: both from 0 to 100."""

    wealth: int
    strength: int


@dataclass(frozen=True, slots=True)
class Market:
    """A good in a region: how much of it is there, and its price in thousandths of the usual."""

    stock: int
    level: int


@dataclass(frozen=True, slots=True)
class LivingWorld:
    """Where everything that lives by itself stands at the end of ``day``.

    ``held`` gives each region its one holder, or an empty name. ``regard`` is kept once for each
    two factions, under ``pair``. ``trouble`` is by region and ``moods`` by character, from -100 to
    100. ``goals`` is what stories have added to a faction's goals.
    """

    day: int
    factions: Mapping[str, Faction]
    held: Mapping[str, str]
    regard: Mapping[str, int]
    markets: Mapping[str, Mapping[str, Market]]
    trouble: Mapping[str, int]
    moods: Mapping[str, int]
    goals: Mapping[str, Mapping[Goal, int]] = field(default_factory=dict)

    def between(self, one: str, other: str) -> int:
        """How two factions think of each other."""
        return self.regard[pair(one, other)]

    def wants(self, faction: FactionContent) -> dict[Goal, int]:
        """A faction's goals: those of its content, with what stories have added to them."""
        added = self.goals.get(faction.name, {})
        sums = {g: faction.goals.get(g, 0) + added.get(g, 0) for g in {**faction.goals, **added}}
        return {goal: weight for goal, weight in sums.items() if weight > 0}

    def holdings(self, faction: str) -> tuple[str, ...]:
        """The regions that a faction holds."""
        return tuple(region for region, holder in self.held.items() if holder == faction)


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened on a day: who did it, where, and why, in words.

    ``who`` are factions, the one that acted first. ``weight`` is from 0 to 100: how much it matters
    to those who only hear of it.
    """

    day: int
    kind: HappeningKind
    who: tuple[str, ...]
    region: str | None
    told: str
    why: str
    weight: int
    good: str | None = None


BASE_MOOD: Mapping[Temper, int] = {
    Temper.CHEERFUL: 30,
    Temper.CALM: 10,
    Temper.PROUD: 0,
    Temper.ANXIOUS: -10,
    Temper.GLOOMY: -25,
}


def pair(one: str, other: str) -> str:
    """The name under which the regard of two factions is kept, whoever is named first."""
    return f"{one}|{other}" if one < other else f"{other}|{one}"


def beginning(content: LifeContent, day: int = 0) -> LivingWorld:
    """The world before anything has happened in it."""
    names = [faction.name for faction in content.factions]
    held = dict.fromkeys(content.regions, "")
    held |= {region: f.name for f in content.factions for region in f.holds}
    return LivingWorld(
        day=day,
        factions={f.name: Faction(f.wealth, f.strength) for f in content.factions},
        held=held,
        regard={pair(a, b): content.regard_at_first(a, b) for a, b in combinations(names, 2)},
        markets={
            region: {
                good.name: Market(usual_stock(good.wants[region]), USUAL)
                for good in content.goods
                if good.wants.get(region)
            }
            for region in content.regions
        },
        trouble=dict.fromkeys(content.regions, 0),
        moods={c.name: BASE_MOOD[c.temper] for c in content.characters},
    )


def fitted(world: LivingWorld, content: LifeContent) -> LivingWorld:
    """The world under content that was edited: newcomers begin, those that are gone are left out.

    Content that says what it said gives the world as it is.
    """
    fresh = beginning(content, world.day)
    held = {region: world.held.get(region, holder) for region, holder in fresh.held.items()}
    return LivingWorld(
        day=world.day,
        factions={name: world.factions.get(name, new) for name, new in fresh.factions.items()},
        held={r: holder if holder in fresh.factions else "" for r, holder in held.items()},
        regard={both: world.regard.get(both, new) for both, new in fresh.regard.items()},
        markets={
            region: {
                good: world.markets.get(region, {}).get(good, new) for good, new in goods.items()
            }
            for region, goods in fresh.markets.items()
        },
        trouble={region: world.trouble.get(region, 0) for region in fresh.trouble},
        moods={name: world.moods.get(name, new) for name, new in fresh.moods.items()},
        goals={name: leaning for name, leaning in world.goals.items() if name in fresh.factions},
    )


def usual_stock(wanted: int) -> int:
    """What lies in store of a good of which so much is wanted in a day."""
    return wanted * USUAL_DAYS


def bounded(value: int, least: int, most: int) -> int:
    """The value, or the bound that it passes."""
    return max(least, min(most, value))
