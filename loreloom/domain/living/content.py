"""What content says of a living world: who is in it, what is traded there, what each one wants."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from loreloom.domain.ids import CanonName, FactId

Percent = Annotated[int, Field(ge=0, le=1000)]
Level = Annotated[int, Field(ge=0, le=100)]
Regard = Annotated[int, Field(ge=-100, le=100)]


class Goal(StrEnum):
    """What a faction wants."""

    PROSPER = "prosper"
    PEACE = "peace"
    LAND = "land"
    REVENGE = "revenge"
    ENDURE = "endure"


class Temper(StrEnum):
    """How a character is when nothing has happened, and how easily that changes."""

    CHEERFUL = "cheerful"
    CALM = "calm"
    PROUD = "proud"
    ANXIOUS = "anxious"
    GLOOMY = "gloomy"


class ContentModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FactionContent(ContentModel):
    """A faction as it stands when a world begins.

    ``goals`` weighs what it wants. ``seat`` is a region that nobody can take from it. ``regards``
    is how it and another think of each other, from -100 to 100; one of the two files says so.
    """

    name: str
    goals: dict[Goal, Annotated[int, Field(ge=1, le=10)]] = Field(min_length=1)
    wealth: Level
    strength: Level
    seat: str | None = None
    holds: tuple[str, ...] = ()
    regards: dict[str, Regard] = {}


class GoodContent(ContentModel):
    """A good: its usual price, and how much of it each region makes and wants in a day.

    ``price`` is in the world's smallest coin. ``by_season`` is what is wanted in a season, in
    percent of the usual.
    """

    name: str
    price: int = Field(ge=1, le=1_000_000)
    makes: dict[str, Annotated[int, Field(ge=0, le=10_000)]] = {}
    wants: dict[str, Annotated[int, Field(ge=0, le=10_000)]] = {}
    by_season: dict[str, Percent] = {}


class CharacterContent(ContentModel):
    """A named character: the region it lives in, its faction, its temper and its days.

    ``routine`` gives the place that it is at in a part of the day; in the others it is at home.
    """

    name: str
    home: str
    faction: str | None = None
    temper: Temper = Temper.CALM
    routine: dict[str, str] = {}


class LifeContent(ContentModel):
    """All that lives by itself in the worlds of a canon, and the sentences of known facts."""

    canon: CanonName
    regions: tuple[str, ...]
    factions: tuple[FactionContent, ...] = ()
    goods: tuple[GoodContent, ...] = ()
    characters: tuple[CharacterContent, ...] = ()
    facts: dict[FactId, str] = {}

    @model_validator(mode="after")
    def _fits_together(self) -> "LifeContent":
        for what, names in (
            ("region", self.regions),
            ("faction", [f.name for f in self.factions]),
            ("good", [g.name for g in self.goods]),
            ("character", [c.name for c in self.characters]),
            ("held region", [region for f in self.factions for region in f.holds]),
        ):
            _refuse_repeats(what, names)
        self._refuse_unknown()
        self._refuse_contradictions()
        return self

    def within(self, regions: Iterable[str]) -> "LifeContent":
        """The part of it that lives in these regions; nothing where there are none in common."""
        here = set(regions) & set(self.regions)
        if not here:
            return self.model_copy(
                update={"regions": (), "factions": (), "goods": (), "characters": ()}
            )
        factions = tuple(
            f.model_copy(
                update={
                    "holds": tuple(r for r in f.holds if r in here),
                    "seat": f.seat if f.seat in here else None,
                }
            )
            for f in self.factions
        )
        return self.model_copy(
            update={
                "regions": tuple(r for r in self.regions if r in here),
                "factions": factions,
                "characters": tuple(c for c in self.characters if c.home in here),
            }
        )

    @property
    def seats(self) -> dict[str, str]:
        """Each region that is a seat, and whose."""
        return {f.seat: f.name for f in self.factions if f.seat is not None}

    def regard_at_first(self, one: str, other: str) -> int:
        """How two factions think of each other when a world begins."""
        for faction in self.factions:
            if faction.name == one and other in faction.regards:
                return faction.regards[other]
            if faction.name == other and one in faction.regards:
                return faction.regards[one]
        return 0

    def _refuse_unknown(self) -> None:
        regions, factions = set(self.regions), {f.name for f in self.factions}
        for faction in self.factions:
            _refuse_strangers(f"{faction.name} holds", faction.holds, regions)
            _refuse_strangers(f"{faction.name} regards", faction.regards, factions)
            if faction.seat is not None and faction.seat not in faction.holds:
                raise ValueError(f"{faction.name} does not hold its seat {faction.seat!r}")
            if faction.name in faction.regards:
                raise ValueError(f"{faction.name} regards itself")
        for good in self.goods:
            _refuse_strangers(f"{good.name} is made in", good.makes, regions)
            _refuse_strangers(f"{good.name} is wanted in", good.wants, regions)
        for character in self.characters:
            _refuse_strangers(f"{character.name} lives in", (character.home,), regions)
            belongs = () if character.faction is None else (character.faction,)
            _refuse_strangers(f"{character.name} belongs to", belongs, factions)

    def _refuse_contradictions(self) -> None:
        said = {(f.name, other): value for f in self.factions for other, value in f.regards.items()}
        for (one, other), value in said.items():
            if said.get((other, one), value) != value:
                raise ValueError(f"{one} and {other} do not say the same of how they regard")


def _refuse_repeats(what: str, names: Iterable[str]) -> None:
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise ValueError(f"the {what} {repeated[0]!r} is named twice")


def _refuse_strangers(what: str, named: Iterable[str], known: set[str]) -> None:
    strangers = sorted(set(named) - known)
    if strangers:
        raise ValueError(f"{what} {strangers[0]!r}, which is not there")


NO_LIFE = LifeContent(canon=CanonName("default"), regions=())
"""A content by which nothing lives by itself."""
