"""Worlds, as callers send and get them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, model_validator

from loreloom.api.schemas.clock import CalendarBody
from loreloom.api.schemas.fields import MAX_BIGINT, Body, CanonField, GameTimeView, Name, View
from loreloom.api.schemas.weather import WeatherNow
from loreloom.domain.canon import Rating
from loreloom.domain.ids import CanonName, EntityId, WorldId

MAX_TOKENS = 10**12

Tokens = Annotated[int, Field(ge=0, le=MAX_TOKENS, description="Tokens a day (UTC).")]


class CreateWorld(Body):
    """A world to start. What is left out has a default; a seed is drawn if none is given."""

    name: Name = Field(examples=["Shard one"])
    canon: CanonField = CanonName("default")
    seed: int | None = Field(default=None, ge=0, le=MAX_BIGINT)
    calendar: CalendarBody | None = None
    regions: tuple[Name, ...] | None = Field(default=None, max_length=200)
    rating: Rating | None = None
    templates_only: bool = False
    world_daily_tokens: Tokens | None = None
    player_daily_tokens: Tokens | None = None

    @model_validator(mode="after")
    def _regions_once(self) -> "CreateWorld":
        if self.regions is not None and len(set(self.regions)) != len(self.regions):
            raise ValueError("regions must not repeat a name")
        return self


class ChangeWorld(Body):
    """What to change; what is left out stays. ``templates_only`` works at once."""

    rating: Rating | None = None
    templates_only: bool | None = None
    world_daily_tokens: Tokens | None = None
    player_daily_tokens: Tokens | None = None


class FactionView(View):
    """A faction of the world's canon."""

    entity_id: EntityId
    name: str


class WorldSummary(View):
    """A world as lists give it. Budgets are tokens a day (UTC)."""

    world_id: WorldId
    name: str
    canon: CanonName
    seed: int
    rating: Rating
    templates_only: bool
    world_daily_tokens: int
    player_daily_tokens: int
    created_at: datetime | None
    game_time: GameTimeView
    season: str
    month: str | None
    holiday: str | None
    moon: str | None


class WorldView(WorldSummary):
    """A world. ``chronicle_head`` is the newest entry's id: a stream may begin there.

    ``scale`` is game seconds a real second. At the real moment ``anchor`` the world stood at
    ``game_anchor`` game seconds and ``game_micros`` millionths. So whoever has read it knows the
    game time at any moment until ``clock.changed`` is told: floor(``game_anchor`` + ``game_micros``
    / 1,000,000 + ``scale`` x real seconds since ``anchor``), or ``game_anchor`` while ``paused``.
    """

    calendar: CalendarBody
    scale: float
    paused: bool
    anchor: datetime
    game_anchor: int
    game_micros: int
    weather: dict[str, WeatherNow]
    factions: tuple[FactionView, ...]
    chronicle_head: int


class WorldList(View):
    """A page of worlds."""

    items: tuple[WorldSummary, ...]
    next: str | None
