"""The states that a region's weather can be in."""

from enum import StrEnum


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
