"""The climates that a game has, which region has which, and the climate of regions without one."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, model_validator

from loreloom.domain.calendar import Calendar
from loreloom.domain.climate import Climate, ClimateName, ClimateSeason
from loreloom.domain.weather import Weather

W = Weather

TEMPERATE = Climate(
    name="temperate",
    about="Four seasons with all that a mild country can have, snow in winter and heat in summer.",
    hours_between=4,
    seasons=(
        ClimateSeason(
            name="spring",
            temperature=10,
            swing=5,
            shares={
                W.CLEAR: 18, W.PARTLY_CLOUDY: 22, W.CLOUDY: 20, W.RAIN: 16, W.HEAVY_RAIN: 5,
                W.STORM: 2, W.FOG: 3, W.MIST: 6, W.WINDY: 8,
            },
        ),
        ClimateSeason(
            name="summer",
            temperature=20,
            swing=7,
            shares={
                W.CLEAR: 32, W.PARTLY_CLOUDY: 26, W.CLOUDY: 14, W.RAIN: 9, W.HEAVY_RAIN: 4,
                W.STORM: 4, W.MIST: 3, W.WINDY: 5, W.EXTREME_HEAT: 3,
            },
        ),
        ClimateSeason(
            name="autumn",
            temperature=11,
            swing=4,
            shares={
                W.CLEAR: 14, W.PARTLY_CLOUDY: 18, W.CLOUDY: 22, W.RAIN: 18, W.HEAVY_RAIN: 6,
                W.STORM: 3, W.FOG: 6, W.MIST: 6, W.WINDY: 7,
            },
        ),
        ClimateSeason(
            name="winter",
            temperature=1,
            swing=3,
            shares={
                W.CLEAR: 14, W.PARTLY_CLOUDY: 14, W.CLOUDY: 22, W.RAIN: 10, W.FOG: 5, W.MIST: 4,
                W.SNOW: 15, W.HEAVY_SNOW: 6, W.BLIZZARD: 2, W.WINDY: 5, W.EXTREME_COLD: 3,
            },
        ),
    ),
    follows={
        W.CLEAR: (W.PARTLY_CLOUDY, W.WINDY, W.MIST, W.EXTREME_HEAT, W.EXTREME_COLD),
        W.PARTLY_CLOUDY: (W.CLOUDY, W.WINDY, W.MIST, W.EXTREME_HEAT, W.EXTREME_COLD),
        W.CLOUDY: (W.RAIN, W.SNOW, W.FOG, W.MIST, W.WINDY),
        W.RAIN: (W.HEAVY_RAIN, W.MIST, W.PARTLY_CLOUDY, W.SNOW),
        W.HEAVY_RAIN: (W.STORM, W.WINDY, W.CLOUDY),
        W.STORM: (W.WINDY, W.CLOUDY, W.RAIN),
        W.FOG: (W.MIST, W.PARTLY_CLOUDY),
        W.SNOW: (W.HEAVY_SNOW, W.PARTLY_CLOUDY),
        W.HEAVY_SNOW: (W.BLIZZARD, W.CLOUDY),
        W.BLIZZARD: (W.WINDY, W.CLOUDY),
    },
)  # fmt: skip
"""The climate of a region that none is named for."""


def weathers_by_season(climate: Climate, calendar: Calendar) -> dict[str, frozenset[Weather]]:
    """By each season of a calendar, the weathers that a climate can have in it.

    These are the season's own and those of the season before, which may last into it.
    """
    names = calendar.seasons
    own = {
        name: frozenset(climate.season(name, place, len(names)).shares)
        for place, name in enumerate(names)
    }
    of_year = tuple(calendar.season_starts.values())
    before = dict(zip(of_year, (*of_year[-1:], *of_year[:-1]), strict=True))
    # A year of one season has no day on which a season begins.
    return {name: shares | own[before.get(name, name)] for name, shares in own.items()}


class Place(BaseModel):
    """Where a region lies: in which climate, and under which sky.

    Regions of one climate under one sky have the same weather at every hour.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    climate: ClimateName
    sky: str | None = None


class ClimateBook(BaseModel):
    """The climates by name, and the places of the regions that the content knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    climates: Mapping[str, Climate] = {}
    places: Mapping[str, Place] = {}

    @model_validator(mode="after")
    def _known(self) -> "ClimateBook":
        for region, place in self.places.items():
            if place.climate not in {TEMPERATE.name, *self.climates}:
                raise ValueError(f"the region {region} has the climate {place.climate}: no such")
        return self

    def climate_of(self, region: str) -> Climate:
        """The climate of a region: the content's for one that it knows, else temperate."""
        place = self.places.get(region)
        name = place.climate if place else TEMPERATE.name
        return self.climates.get(name, TEMPERATE)

    def sky_of(self, region: str) -> str:
        """The name of the sky that a region lies under; its own unless the content says so."""
        place = self.places.get(region)
        return place.sky if place and place.sky else region
