"""Weather that somebody made, over the sky's own: what counts at a moment, and what comes next."""

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice

from pydantic import BaseModel, ConfigDict

from loreloom.domain.calendar import HOUR
from loreloom.domain.sky import HourOfWeather, Sky, hours_of, states_from
from loreloom.domain.weather import Weather

HORIZON_HOURS = 1000
"""How far ahead the sky's own next change is looked for, each hour of it at a cost."""


class Imposition(BaseModel):
    """A weather that was made, from one moment of game time to another, or without an end.

    The one with the highest ``number`` of those that cover a moment counts. ``cleared`` says that
    it was ended before its time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    state: Weather
    from_seconds: int
    until_seconds: int | None
    by: str
    cleared: bool = False

    def covers(self, seconds: int) -> bool:
        """Whether it is in force at a moment."""
        ends = self.until_seconds
        return self.from_seconds <= seconds and (ends is None or seconds < ends)


class Standing(BaseModel):
    """The weather at a moment, and what was made of it, if that is why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: Weather
    imposition: Imposition | None = None


class Change(BaseModel):
    """From a moment of game time on, the weather stands so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: int
    standing: Standing


def standing_at(sky: Sky, imposed: Sequence[Imposition], seconds: int) -> Standing:
    """The weather at a moment of game time."""
    return _standing(next(states_from(sky, seconds // HOUR)), imposed, seconds)


def changes(sky: Sky, imposed: Sequence[Imposition], after: int, through: int) -> Iterator[Change]:
    """Every change after a moment and up to another, in order."""
    hour = after // HOUR
    states = states_from(sky, hour)
    own = next(states)
    standing = _standing(own, imposed, after)
    edges = [edge for edge in _edges(imposed) if after < edge <= through]
    for moment in merge(range((hour + 1) * HOUR, through + 1, HOUR), edges):
        if moment // HOUR > hour:
            hour, own = moment // HOUR, next(states)
        now = _standing(own, imposed, moment)
        if now != standing:
            yield Change(seconds=moment, standing=now)
            standing = now


def next_change(sky: Sky, imposed: Sequence[Imposition], after: int) -> Change | None:
    """The first change after a moment; ``None`` if none is in sight.

    What was made ends when it says, however far that is. The sky's own weather is looked at no
    farther than the horizon.
    """
    standing = standing_at(sky, imposed, after)
    if standing.imposition is None:
        return next(changes(sky, imposed, after, after + HORIZON_HOURS * HOUR), None)
    # The sky changes nothing of what was made: only what else was made can, or the end of it.
    for edge in _edges(imposed):
        if edge > after and (now := standing_at(sky, imposed, edge)) != standing:
            return Change(seconds=edge, standing=now)
    return None


def next_look(sky: Sky, imposed: Sequence[Imposition], after: int) -> int | None:
    """When to look for changes after a moment: at the next, or no later than the horizon.

    ``None`` if only an order can bring one: what was made has no end.
    """
    horizon = after + HORIZON_HOURS * HOUR
    following = next_change(sky, imposed, after)
    if following is not None:
        return min(following.seconds, horizon)
    lasting = standing_at(sky, imposed, after).imposition is not None
    return None if lasting else horizon


def outlook(
    sky: Sky, imposed: Sequence[Imposition], seconds: int, hours: int
) -> tuple[HourOfWeather, ...]:
    """The weather at a moment and at each hour after it: exactly, unless more is made till then."""
    states = islice(states_from(sky, seconds // HOUR), hours)
    moments = range(seconds, seconds + hours * HOUR, HOUR)
    standing = (_standing(own, imposed, at) for own, at in zip(states, moments, strict=True))
    return hours_of(sky, seconds // HOUR, (now.state for now in standing))


def _edges(imposed: Sequence[Imposition]) -> Sequence[int]:
    """The moments at which what was made begins or ends, in order."""
    edges = {edge for made in imposed for edge in (made.from_seconds, made.until_seconds)}
    return sorted(edge for edge in edges if edge is not None)


def _standing(own: Weather, imposed: Sequence[Imposition], seconds: int) -> Standing:
    covering = [i for i in imposed if i.covers(seconds)]
    if not covering:
        return Standing(state=own)
    newest = max(covering, key=lambda i: i.number)
    return Standing(state=newest.state, imposition=newest)
