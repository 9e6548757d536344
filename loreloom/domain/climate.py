"""Climates: which share of the hours each weather takes, and which weathers may follow each other.

Both are the designer's to say, and `loreloom.domain.sky` keeps to them exactly.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from functools import cached_property
from hashlib import blake2b
from itertools import accumulate
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from loreloom.domain.weather import (
    VALUES,
    Celsius,
    Degrees,
    HumidityRange,
    IntensityRange,
    StateValues,
    Weather,
    WindRange,
)

WHOLE = 100.0
ROUNDING = 0.001

LONGEST = 36
"""Most hours that a weather may last on average: one that lasts longer outlives its season."""

Share = Annotated[float, Field(ge=0.1, le=WHOLE)]
ClimateName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class ClimateModel(BaseModel):
    """Base of what a climate's file holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class StateChanges(ClimateModel):
    """What a climate says of a state's values; what it leaves out stays as it is everywhere."""

    warmth: Degrees | None = None
    coldest: Celsius | None = None
    warmest: Celsius | None = None
    wind: WindRange | None = None
    humidity: HumidityRange | None = None
    intensity: IntensityRange | None = None


class ClimateSeason(ClimateModel):
    """A climate in one season.

    ``temperature`` is the mean of a day (°C), ``swing`` how far its warmest and coldest hour lie
    from it. ``shares`` gives for each weather the percentage of the season's hours that it takes.
    """

    name: str = Field(min_length=1, max_length=100)
    temperature: Annotated[float, Field(ge=-60, le=50)]
    swing: Annotated[float, Field(ge=0, le=30)] = 0.0
    shares: dict[Weather, Share] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> "ClimateSeason":
        whole = sum(self.shares.values())
        if abs(whole - WHOLE) > ROUNDING:
            raise ValueError(f"the shares of {self.name} make {whole:g}, not 100")
        return self

    @cached_property
    def _ladder(self) -> tuple[list[float], list[Weather]]:
        # In the order of the closed set, so that the order in a file decides nothing.
        states = [state for state in Weather if state in self.shares]
        return list(accumulate(self.shares[state] for state in states)), states

    def candidate(self, chance: float) -> Weather:
        """The weather that a draw in [0, 1) falls on, by the season's shares."""
        rungs, states = self._ladder
        return states[min(bisect_right(rungs, chance * rungs[-1]), len(states) - 1)]


class Climate(ClimateModel):
    """The weathers of a kind of place, season by season.

    ``hours_between`` is the mean number of hours between two moments at which the weather may
    turn. ``follows`` says which weathers may follow each other; said once, it holds both ways.
    """

    name: ClimateName
    about: str = Field(default="", max_length=500)
    hours_between: Annotated[float, Field(ge=1, le=48)] = 2.0
    seasons: tuple[ClimateSeason, ...] = Field(min_length=1, max_length=12)
    follows: dict[Weather, tuple[Weather, ...]] = {}
    states: dict[Weather, StateChanges] = {}

    @model_validator(mode="after")
    def _holds_together(self) -> "Climate":
        problems = [*self._problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _problems(self) -> Iterable[str]:
        names = [season.name for season in self.seasons]
        yield from (f"the season {name} is there twice" for name in repeated(names))
        weathers = self.weathers
        strange = {*self.follows, *(w for after in self.follows.values() for w in after)} - weathers
        yield from (f"{w} follows or is followed, but no season has it" for w in sorted(strange))
        for season in self.seasons:
            yield from self._problems_of(season)
        for state in self.states:
            try:
                self.values(state)
            except ValueError:
                yield f"the coldest {state} is warmer than its warmest"

    def _problems_of(self, season: ClimateSeason) -> Iterable[str]:
        support = frozenset(season.shares)
        first = min(support)
        reached, border = {first}, [first]
        while border:
            border += self.after(border.pop()) & support - reached
            reached.update(border)
        for lost in sorted(support - reached):
            yield f"in {season.name}, no chain of weathers leads from {first} to {lost}"
        for state in sorted(self.weathers):
            yield from self._problems_of_ending(season, state)

    def _problems_of_ending(self, season: ClimateSeason, state: Weather) -> Iterable[str]:
        followed = sum(season.shares.get(other, 0.0) for other in self.after(state))
        if followed == 0:
            if state not in season.shares:
                yield f"{state} cannot end when {season.name} comes: nothing of that season follows"
            return
        lasts = self.hours_between * WHOLE / followed
        if lasts > LONGEST:
            yield (
                f"{state} would last {lasts:.0f} hours on average in {season.name}, more than"
                f" {LONGEST}: let more weathers follow it, or make hours_between smaller"
            )

    @cached_property
    def weathers(self) -> frozenset[Weather]:
        """Every weather of any season."""
        return frozenset(state for season in self.seasons for state in season.shares)

    @cached_property
    def _after(self) -> Mapping[Weather, frozenset[Weather]]:
        after: dict[Weather, set[Weather]] = {state: set() for state in Weather}
        for state, others in self.follows.items():
            for other in others:
                after[state].add(other)
                after[other].add(state)
        return {state: frozenset(others - {state}) for state, others in after.items()}

    def after(self, state: Weather) -> frozenset[Weather]:
        """The weathers that a weather may turn to."""
        return self._after[state]

    @cached_property
    def _values(self) -> dict[Weather, StateValues]:
        return {}

    def values(self, state: Weather) -> StateValues:
        """What a state is like in this climate. A weather that was made need not be its own."""
        if state not in self._values:
            usual = VALUES[state].model_dump()
            said = self.states.get(state)
            changed = said.model_dump(exclude_none=True) if said else {}
            self._values[state] = StateValues.model_validate(usual | changed)
        return self._values[state]

    def season(self, name: str, place: int, seasons: int) -> ClimateSeason:
        """The season of that name; else the one at the same place in the year.

        ``place`` counts from 0 among the ``seasons`` of a calendar that uses other names.
        """
        for season in self.seasons:
            if season.name == name:
                return season
        return self.seasons[place * len(self.seasons) // seasons]

    @cached_property
    def digest(self) -> str:
        """A name for what the climate says: two climates of one digest give the same weather."""
        said = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return blake2b(said.encode(), digest_size=16).hexdigest()

    def __hash__(self) -> int:
        return hash(self.digest)


def repeated(names: Iterable[str]) -> list[str]:
    """The names that come more than once, each once."""
    names = list(names)
    return sorted({name for name in names if names.count(name) > 1})
