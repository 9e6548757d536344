"""The states that a region's weather can be in, and what each is like."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


class Weather(StrEnum):
    """The weather of a region."""

    CLEAR = "clear"
    PARTLY_CLOUDY = "partly_cloudy"
    CLOUDY = "cloudy"
    RAIN = "rain"
    HEAVY_RAIN = "heavy_rain"
    STORM = "storm"
    FOG = "fog"
    MIST = "mist"
    SNOW = "snow"
    HEAVY_SNOW = "heavy_snow"
    BLIZZARD = "blizzard"
    WINDY = "windy"
    EXTREME_HEAT = "extreme_heat"
    EXTREME_COLD = "extreme_cold"


COLDEST, WARMEST = -90.0, 70.0


def _rising(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError("a range goes from its lower end to its upper")
    return bounds


Celsius = Annotated[float, Field(ge=COLDEST, le=WARMEST)]
Degrees = Annotated[float, Field(ge=-40, le=40)]
_Wind = Annotated[float, Field(ge=0, le=250)]
_Percent = Annotated[float, Field(ge=0, le=100)]
_Unit = Annotated[float, Field(ge=0, le=1)]
WindRange = Annotated[tuple[_Wind, _Wind], AfterValidator(_rising)]
HumidityRange = Annotated[tuple[_Percent, _Percent], AfterValidator(_rising)]
IntensityRange = Annotated[tuple[_Unit, _Unit], AfterValidator(_rising)]


class StateValues(BaseModel):
    """What a state is like: what it does to the temperature, and the ranges of the rest.

    ``warmth`` is added to the season's temperature (°C), then ``coldest`` and ``warmest`` bound it.
    ``wind`` is in km/h, ``humidity`` in percent, ``intensity`` from 0 to 1: how strongly the state
    shows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    warmth: Degrees = 0.0
    coldest: Celsius = COLDEST
    warmest: Celsius = WARMEST
    wind: WindRange
    humidity: HumidityRange
    intensity: IntensityRange

    @model_validator(mode="after")
    def _bounded(self) -> "StateValues":
        if self.coldest > self.warmest:
            raise ValueError("coldest must not be above warmest")
        return self


VALUES: Mapping[Weather, StateValues] = {
    Weather.CLEAR: StateValues(wind=(0, 15), humidity=(30, 60), intensity=(0.0, 0.2)),
    Weather.PARTLY_CLOUDY: StateValues(wind=(3, 18), humidity=(40, 65), intensity=(0.2, 0.5)),
    Weather.CLOUDY: StateValues(warmth=-1, wind=(5, 20), humidity=(50, 75), intensity=(0.4, 0.8)),
    Weather.RAIN: StateValues(
        warmth=-2, coldest=0.5, wind=(8, 28), humidity=(75, 95), intensity=(0.3, 0.6)
    ),
    Weather.HEAVY_RAIN: StateValues(
        warmth=-3, coldest=1, wind=(15, 40), humidity=(85, 100), intensity=(0.6, 0.9)
    ),
    Weather.STORM: StateValues(
        warmth=-4, coldest=1, wind=(45, 95), humidity=(80, 100), intensity=(0.8, 1.0)
    ),
    Weather.FOG: StateValues(warmth=-2, wind=(0, 6), humidity=(95, 100), intensity=(0.6, 1.0)),
    Weather.MIST: StateValues(warmth=-1, wind=(0, 9), humidity=(88, 98), intensity=(0.2, 0.6)),
    Weather.SNOW: StateValues(
        warmth=-3, warmest=1, wind=(3, 22), humidity=(75, 95), intensity=(0.3, 0.6)
    ),
    Weather.HEAVY_SNOW: StateValues(
        warmth=-4, warmest=0, wind=(10, 35), humidity=(85, 98), intensity=(0.6, 0.9)
    ),
    Weather.BLIZZARD: StateValues(
        warmth=-6, warmest=-3, wind=(50, 100), humidity=(80, 98), intensity=(0.8, 1.0)
    ),
    Weather.WINDY: StateValues(warmth=-1, wind=(35, 65), humidity=(35, 65), intensity=(0.4, 0.8)),
    Weather.EXTREME_HEAT: StateValues(
        warmth=9, coldest=34, wind=(0, 15), humidity=(15, 40), intensity=(0.7, 1.0)
    ),
    Weather.EXTREME_COLD: StateValues(
        warmth=-9, warmest=-12, wind=(0, 20), humidity=(40, 70), intensity=(0.7, 1.0)
    ),
}
"""What each state is like unless a climate says otherwise."""
