"""What is left of a day: what is told of it, what is whispered, and the work that it makes."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from loreloom.domain.chance import generator
from loreloom.domain.ids import FactId
from loreloom.domain.living.content import CharacterContent, LifeContent
from loreloom.domain.living.world import (
    ALLIED,
    FEUDING,
    TROUBLED,
    Happening,
    HappeningKind,
    LivingWorld,
)

NOTABLE = 60
"""Weight from which a happening is told in the chronicle."""

WHISPERED = 40
"""Weight from which a lesser one is at least whispered of."""

TOLD_A_DAY, WHISPERED_A_DAY = 2, 1
"""So many of a day at most: a chronicle that tells everything tells nothing."""

RUMOUR_DAYS, OPENING_DAYS = 3, 4
"""Days that a rumour lasts at least, and that an opening stands."""

MAKES_WORK = frozenset(HappeningKind) - {HappeningKind.RECOVERED}


@dataclass(frozen=True, slots=True)
class Rumour:
    """What is said in some regions, from ``day`` until ``until_day``, that day left out."""

    rumour_id: str
    text: str
    about: tuple[str, ...]
    regions: tuple[str, ...]
    day: int
    until_day: int
    weight: int


@dataclass(frozen=True, slots=True)
class Opening:
    """Work that a happening makes: who has it to give, where, and what it is about.

    ``reason`` is what just happened, and ``why`` the reason for that.
    """

    opening_id: str
    kind: HappeningKind
    giver: str
    region: str
    reason: str
    why: str
    day: int
    until_day: int
    weight: int


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What is left of a day."""

    told: tuple[Happening, ...]
    rumours: tuple[Rumour, ...]
    openings: tuple[Opening, ...]


def aftermath_of(
    world: LivingWorld, happenings: Sequence[Happening], seed: int, content: LifeContent
) -> Aftermath:
    """What is told, whispered and opened after a day; ``world`` is the one after it."""
    ranked = sorted(happenings, key=lambda h: (-h.weight, h.kind, h.told))
    told = [h for h in ranked if h.weight >= NOTABLE][:TOLD_A_DAY]
    whispered = [h for h in ranked if h.weight >= WHISPERED and h not in told][:WHISPERED_A_DAY]
    heard = [*told, *whispered]
    openings = (_opening(n, h, seed, content) for n, h in enumerate(heard))
    return Aftermath(
        told=tuple(told),
        rumours=tuple(_rumour(n, h, world) for n, h in enumerate(heard)),
        openings=tuple(opening for opening in openings if opening is not None),
    )


def facts_of(world: LivingWorld, content: LifeContent) -> dict[FactId, str]:
    """What is so in the world by its own doing, each with a sentence that says it."""
    facts: dict[FactId, str] = {}
    for region, holder in world.held.items():
        if holder:
            facts[fact_id("holds", holder, region)] = f"{holder} holds {region}."
    for both, regard in world.regard.items():
        one, other = both.split("|")
        if regard >= ALLIED:
            facts[fact_id("allied", one, other)] = f"{one} and {other} stand together."
        elif regard <= FEUDING:
            facts[fact_id("feud", one, other)] = f"{one} and {other} are open enemies."
    for region in content.regions:
        if world.trouble.get(region, 0) >= TROUBLED:
            facts[fact_id("trouble", region)] = f"There is trouble in {region}."
    return facts


def lived_facts(content: LifeContent) -> frozenset[FactId]:
    """Every fact that ``facts_of`` can give of a world of this content, on whatever day.

    A seat stays with its faction; any other region may come to be held by any of them.
    """
    names = [faction.name for faction in content.factions]
    seats = content.seats
    between = [sorted(both) for both in combinations(names, 2)]
    return frozenset(
        {
            *(
                fact_id("holds", name, region)
                for name in names
                for region in content.regions
                if seats.get(region, name) == name
            ),
            *(fact_id(how, *both) for how in ("allied", "feud") for both in between),
            *(fact_id("trouble", region) for region in content.regions if names),
        }
    )


def fact_id(*parts: str) -> FactId:
    """A fact's identifier from the names that it is about, in lower case, joined by dots."""
    return FactId(".".join(re.sub(r"[^a-z0-9]+", "_", p.lower()).strip("_") for p in parts))


def _rumour(number: int, happening: Happening, world: LivingWorld) -> Rumour:
    lands = [r for name in happening.who for r in world.holdings(name)]
    here = [happening.region] if happening.region else []
    return Rumour(
        rumour_id=f"{happening.day}.{number}",
        text=f"{happening.told}.",
        about=happening.who or ((happening.good,) if happening.good else ()),
        regions=tuple(dict.fromkeys([*here, *lands])) or tuple(world.held),
        day=happening.day,
        until_day=happening.day + RUMOUR_DAYS + happening.weight // 15,
        weight=happening.weight,
    )


def _opening(number: int, happening: Happening, seed: int, content: LifeContent) -> Opening | None:
    """The work that a happening makes, if somebody is there to give it."""
    if happening.region is None or happening.kind not in MAKES_WORK:
        return None
    givers = _concerned(happening, content.characters)
    if not givers:
        return None
    chance = generator(seed, "life", happening.day, "opening", number)
    return Opening(
        opening_id=f"{happening.day}.{number}",
        kind=happening.kind,
        giver=chance.choice(givers),
        region=happening.region,
        reason=happening.told,
        why=happening.why,
        day=happening.day,
        until_day=happening.day + OPENING_DAYS,
        weight=happening.weight,
    )


def _concerned(happening: Happening, characters: Iterable[CharacterContent]) -> list[str]:
    """Who has reason to ask for help: those of the factions in it, else those who live there."""
    known = list(characters)
    own = [c.name for c in known if c.faction in happening.who]
    return own or [c.name for c in known if c.home == happening.region]
