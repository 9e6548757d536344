"""Worlds and their weather, as callers send and get them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, model_validator

from loreloom.api.schemas.fields import MAX_BIGINT, Body, CanonField, GameTimeView, Name, View
from loreloom.domain.canon import Rating
from loreloom.domain.clock import Calendar, DayPart
from loreloom.domain.ids import CanonName, EntityId, WorldId
from loreloom.domain.weather import Weather

MAX_TOKENS = 10**12

Tokens = Annotated[int, Field(ge=0, le=MAX_TOKENS, description="Tokens a day (UTC).")]


class DayPartStart(Body):
    """The hour at which a part of the day begins."""

    part: DayPart
    hour: int = Field(ge=0, le=239)


class CalendarBody(Body):
    """How the world counts its time. Parts of the day are in the order of their hours."""

    hours_per_day: int = Field(default=24, ge=1, le=240)
    days_per_season: int = Field(default=30, ge=1, le=1000)
    seasons: tuple[Name, ...] = Field(
        default=("spring", "summer", "autumn", "winter"), min_length=1, max_length=12
    )
    part_starts: tuple[DayPartStart, ...] = Field(
        default=tuple(DayPartStart(part=p, hour=h) for p, h in Calendar().part_starts),
        min_length=1,
        max_length=24,
    )

    @model_validator(mode="after")
    def _in_order(self) -> "CalendarBody":
        hours = [start.hour for start in self.part_starts]
        if hours != sorted(set(hours)) or hours[-1] >= self.hours_per_day:
            raise ValueError("part_starts must be in the order of their hours, within the day")
        return self

    def calendar(self) -> Calendar:
        """The calendar as the rules know it."""
        return Calendar(
            hours_per_day=self.hours_per_day,
            days_per_season=self.days_per_season,
            seasons=self.seasons,
            part_starts=tuple((start.part, start.hour) for start in self.part_starts),
        )


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


class MakeWeather(Body):
    """A weather to make now; ``hours`` of game time, or until another is made."""

    state: Weather
    hours: float | None = Field(default=None, gt=0, le=100_000, allow_inf_nan=False)


class RegionWeather(View):
    """A region's weather. ``until`` is the game second at which a made weather ends."""

    world_id: WorldId
    region: str
    state: Weather
    until: int | None
    game_time: GameTimeView


class WeatherNow(View):
    """The weather of one region of a world."""

    state: Weather
    until: int | None


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


class WorldView(WorldSummary):
    """A world. ``chronicle_head`` is the newest entry's id: a stream may begin there.

    ``scale`` is game seconds a real second.
    """

    calendar: CalendarBody
    scale: float
    paused: bool
    weather: dict[str, WeatherNow]
    factions: tuple[FactionView, ...]
    chronicle_head: int


class WorldList(View):
    """A page of worlds."""

    items: tuple[WorldSummary, ...]
    next: str | None
