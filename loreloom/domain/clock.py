"""Game time as a function of real time: computed from an anchor, never ticked."""

from datetime import datetime, timedelta
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from loreloom.domain.calendar import HOUR
from loreloom.domain.refusals import Refusal, RefusalCode

DEFAULT_SCALE = 60.0
"""Game seconds a real second: one real minute is one game hour."""
MIN_SCALE, MAX_SCALE = 0.001, 100_000.0
MAX_ADVANCE_HOURS = 1_000_000
MAX_GAME_SECONDS = 10**13
"""The end of time: some 300,000 years of a default world, and far from what a row can hold."""

MOST_JITTER = timedelta(seconds=1)

MICRO = timedelta(microseconds=1)
MICROS = 1_000_000


class Clock(BaseModel):
    """The line that maps real time to game time.

    At the real moment ``anchor`` the world stood at ``game_anchor`` game seconds and
    ``game_micros`` millionths; since then it has moved ``scale`` game seconds a real second, or not
    at all while ``paused``. The millionths keep what a change of the clock would else cut off.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    anchor: AwareDatetime
    game_anchor: int = 8 * HOUR
    game_micros: int = Field(default=0, ge=0, lt=MICROS)
    scale: float = Field(default=DEFAULT_SCALE, gt=0, le=MAX_SCALE)
    paused: bool = False

    def game_seconds(self, now: datetime) -> int:
        """Game seconds at a real moment; before the anchor, the anchor's."""
        return self._micros(now) // MICROS

    def real_moment(self, game_seconds: int) -> datetime | None:
        """The first real moment at which the world has come to a game second.

        ``None`` while it is paused before that second; the anchor if it was there already.
        """
        missing = game_seconds * MICROS - self._anchor_micros
        if missing <= 0:
            return self.anchor
        if self.paused:
            return None
        over, under = self.scale.as_integer_ratio()
        # The anchor is a whole microsecond, and so is what this rounds up to.
        return self.anchor + -(-missing * under // over) * MICRO

    def real_span(self, game_seconds: int) -> timedelta:
        """How long a span of game time takes in real time at this scale."""
        return timedelta(seconds=game_seconds / self.scale)

    @property
    def jitter(self) -> timedelta:
        """How much later than due something may be told: a second, less where time runs fast."""
        return min(MOST_JITTER, self.real_span(HOUR) / 4)

    @property
    def _anchor_micros(self) -> int:
        return self.game_anchor * MICROS + self.game_micros

    def _micros(self, now: datetime) -> int:
        if self.paused or now <= self.anchor:
            return self._anchor_micros
        over, under = self.scale.as_integer_ratio()
        return self._anchor_micros + (now - self.anchor) // MICRO * over // under


class ClockChange(BaseModel):
    """What is to change; what is left out stays. ``advance_hours`` is game time to skip."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scale: float | None = Field(default=None, ge=MIN_SCALE, le=MAX_SCALE)
    paused: bool | None = None
    advance_hours: float | None = Field(default=None, gt=0, le=MAX_ADVANCE_HOURS)

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.scale is None and self.paused is None and self.advance_hours is None:
            raise ValueError("name at least one thing to change")
        return self


def changed(clock: Clock, change: ClockChange, now: datetime) -> Clock:
    """The clock as it goes on from a real moment, which is its new anchor.

    Game time goes on from where it stood, but for what is advanced; it never goes back. Raises
    ``Refusal`` if it would pass the end of time.
    """
    skipped = round((change.advance_hours or 0) * HOUR) * MICROS
    seconds, micros = divmod(clock._micros(now) + skipped, MICROS)
    if skipped and seconds > MAX_GAME_SECONDS:
        raise Refusal(RefusalCode.TOO_MUCH, "the world would be advanced past the end of its time")
    return Clock(
        anchor=max(now, clock.anchor),
        game_anchor=seconds,
        game_micros=micros,
        scale=clock.scale if change.scale is None else change.scale,
        paused=clock.paused if change.paused is None else change.paused,
    )
