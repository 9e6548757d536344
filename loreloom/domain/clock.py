"""Game time as a function of real time: computed from an anchor, never ticked."""

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

HOUR = 3600
DEFAULT_SCALE = 60.0
"""Game seconds a real second: one real minute is one game hour."""


class DayPart(StrEnum):
    """The named parts of a day."""

    DAWN = "dawn"
    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"


class Calendar(BaseModel):
    """How a world counts its time: hours in a day, days in a season, the parts of a day.

    ``part_starts`` gives the hour at which each part begins; the last part runs past midnight
    until the first begins.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hours_per_day: int = Field(default=24, ge=1, le=240)
    days_per_season: int = Field(default=30, ge=1, le=1000)
    seasons: tuple[str, ...] = ("spring", "summer", "autumn", "winter")
    part_starts: tuple[tuple[DayPart, int], ...] = (
        (DayPart.DAWN, 5),
        (DayPart.DAY, 7),
        (DayPart.DUSK, 18),
        (DayPart.NIGHT, 20),
    )

    @property
    def seconds_per_day(self) -> int:
        """Game seconds in a day."""
        return self.hours_per_day * HOUR

    def part_at(self, hour: int) -> DayPart:
        """The part of the day that holds an hour."""
        current = self.part_starts[-1][0]
        for part, start in self.part_starts:
            if hour >= start:
                current = part
        return current

    def read(self, game_seconds: int) -> "GameTime":
        """The date and hour at a count of game seconds since the world began."""
        days, rest = divmod(game_seconds, self.seconds_per_day)
        seasons, day = divmod(days, self.days_per_season)
        year, season = divmod(seasons, len(self.seasons))
        hour, seconds = divmod(rest, HOUR)
        return GameTime(
            seconds=game_seconds,
            year=year + 1,
            season=self.seasons[season],
            day=day + 1,
            hour=hour,
            minute=seconds // 60,
            part=self.part_at(hour),
        )


class GameTime(BaseModel):
    """A moment of a world. ``seconds`` counts game seconds since the world began."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: int
    year: int
    season: str
    day: int
    hour: int
    minute: int
    part: DayPart


class Clock(BaseModel):
    """The line that maps real time to game time.

    At the real moment ``anchor`` the world stood at ``game_anchor`` game seconds; since then it
    has moved ``scale`` game seconds a real second, or not at all while ``paused``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    anchor: AwareDatetime
    game_anchor: int = 8 * HOUR
    scale: float = Field(default=DEFAULT_SCALE, gt=0, le=100_000)
    paused: bool = False

    def game_seconds(self, now: datetime) -> int:
        """Game seconds at a real moment; before the anchor, the anchor's."""
        if self.paused or now <= self.anchor:
            return self.game_anchor
        return self.game_anchor + int((now - self.anchor).total_seconds() * self.scale)

    def real_span(self, game_seconds: int) -> timedelta:
        """How long a span of game time takes in real time at this scale."""
        return timedelta(seconds=game_seconds / self.scale)
