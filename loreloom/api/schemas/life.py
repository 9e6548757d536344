"""What a world does by itself, as callers get it."""

from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import Field

from loreloom.api.schemas.fields import NAME, Body, PlayerIdField, View
from loreloom.domain.ids import FactId, PlayerId, WorldId
from loreloom.domain.living.content import Goal
from loreloom.domain.living.memories import Deed

FACT = r"^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,199}$"

FactField = Annotated[FactId, Field(pattern=FACT, examples=["petition_was_carried"])]
CharacterPath = Annotated[str, Path(max_length=100, pattern=NAME)]


class FactionLife(View):
    """A faction of a living world. Wealth and strength are from 0 to 100.

    ``relations`` is how it and each other faction regard each other, from -100 to 100.
    """

    name: str
    goals: dict[Goal, int]
    wealth: int
    strength: int
    seat: str | None
    holds: tuple[str, ...]
    relations: dict[str, int]


class FactionList(View):
    """All factions of a world at the end of a day of it, counted from 0; there is one page."""

    day: int
    items: tuple[FactionLife, ...]
    next: str | None = None


class RumourView(View):
    """What is said in some regions until ``until_day``."""

    rumour_id: str
    text: str
    about: tuple[str, ...]
    regions: tuple[str, ...]
    day: int
    until_day: int


class RumourList(View):
    """A page of rumours."""

    items: tuple[RumourView, ...]
    next: str | None


class FactView(View):
    """Something that is so, for a player or, without one, for everyone.

    ``text`` is the sentence that the content has for it.
    """

    fact: FactId
    text: str | None
    player_id: PlayerId | None
    source: str
    since: datetime


class FactList(View):
    """A page of facts."""

    items: tuple[FactView, ...]
    next: str | None


class MakeKnown(Body):
    """A fact to make known to a player, or to everyone where no player is named."""

    fact: FactField
    player_id: PlayerIdField | None = None


class PriceView(View):
    """What a good costs, in the world's smallest coin, and how much of it there is."""

    good: str
    price: int
    usual_price: int
    stock: int


class PriceList(View):
    """The prices of a region at the end of a day of the world; there is one page."""

    world_id: WorldId
    region: str
    day: int
    items: tuple[PriceView, ...]
    next: str | None = None


class MemoryView(View):
    """What a character remembers of a player; ``at`` is in game seconds, importance to 10."""

    memory_id: str
    deed: Deed
    text: str
    importance: int
    at: int


class CharacterView(View):
    """A character now: where it is, how it feels, and what it remembers of a player who is named.

    ``mood`` is from -100 to 100. What comes to mind first comes first.
    """

    name: str
    faction: str | None
    home: str
    temper: str
    place: str
    mood: int
    feels: str
    memories: tuple[MemoryView, ...]
