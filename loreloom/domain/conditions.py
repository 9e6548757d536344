"""When a way of a story is open: conditions on what is so in the world and on what was done."""

from collections.abc import Sequence
from itertools import chain, pairwise

from pydantic import BaseModel, ConfigDict, Field

from loreloom.domain.calendar import HOUR, Calendar
from loreloom.domain.ids import FactId
from loreloom.domain.imposed import HORIZON_HOURS, Change, Imposition, changes, standing_at
from loreloom.domain.quest import QuestState
from loreloom.domain.sky import Sky
from loreloom.domain.weather import Weather

LONGEST_LOOK = 20_000
"""Hours of game time that are searched for the next hour at which a condition could hold."""


class ArcModel(BaseModel):
    """Base of what designers write of arcs: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Facts(ArcModel):
    """Facts of the world, or of the arc's player: all of these, any of these, none of these."""

    all: tuple[FactId, ...] = ()
    any: tuple[FactId, ...] = ()
    none: tuple[FactId, ...] = ()


class WeatherIn(ArcModel):
    """A region with a weather that is one of these."""

    region: str
    state: tuple[Weather, ...] = Field(min_length=1)


class GoalIs(ArcModel):
    """A goal of the arc that was reached, or with ``reached: false`` one that was missed."""

    name: str
    reached: bool = True


class When(ArcModel):
    """Conditions; every one that is given must hold.

    ``outcome`` and ``quest_choice`` are those of the arc's quest that ended last, ``choice`` is
    any choice made in the arc. ``standing`` gives, by faction, the least standing of the player.
    """

    facts: Facts = Facts()
    season: tuple[str, ...] = ()
    part: tuple[str, ...] = ()
    weather: WeatherIn | None = None
    standing: dict[str, int] = Field(default_factory=dict)
    outcome: tuple[QuestState, ...] = ()
    quest_choice: tuple[str, ...] = ()
    choice: tuple[str, ...] = ()
    goal: GoalIs | None = None

    @property
    def named_facts(self) -> tuple[FactId, ...]:
        """Every fact that the conditions name."""
        return (*self.facts.all, *self.facts.any, *self.facts.none)


class Situation(ArcModel):
    """What is so at a moment, as far as an arc asks: only what its conditions name is in it."""

    season: str
    part: str
    weather: dict[str, Weather] = Field(default_factory=dict)
    facts: frozenset[FactId] = frozenset()
    standing: dict[str, int] = Field(default_factory=dict)
    outcome: QuestState | None = None
    quest_choice: str | None = None
    choices: frozenset[str] = frozenset()
    goals: dict[str, bool] = Field(default_factory=dict)


class Condition(ArcModel):
    """One condition on its own: whether it holds, and what would have to be so, in words."""

    holds: bool
    words: str


def judged(when: When, now: Situation) -> tuple[Condition, ...]:
    """Every single condition of ``when``, each with whether it holds now."""
    return (*_facts(when.facts, now), *_surroundings(when, now), *_deeds(when, now))


def failing(when: When, now: Situation) -> tuple[str, ...]:
    """What keeps the conditions from holding, in words; empty if they hold."""
    return tuple(c.words for c in judged(when, now) if not c.holds)


def earliest(when: When, calendar: Calendar, game_seconds: int) -> int:
    """The first game second, from this one on, at which season and part of day could hold.

    This very second if they are so now or if neither is asked for. What else is asked for is not
    looked at. If neither comes for a long time, the end of what was searched.
    """
    if _timely(when, calendar, game_seconds):
        return game_seconds
    hour = game_seconds // HOUR
    for step in range(1, LONGEST_LOOK):
        if _timely(when, calendar, (hour + step) * HOUR):
            return (hour + step) * HOUR
    return (hour + LONGEST_LOOK) * HOUR


def earliest_under(when: When, sky: Sky, imposed: Sequence[Imposition], game_seconds: int) -> int:
    """The first game second, from this one on, at which the weather could hold as well.

    ``sky`` is over the region that is asked about; the answer is exact unless more weather is made
    there till then. If the weather comes in no hour of the horizon, the end of that.
    """
    wanted = frozenset(when.weather.state if when.weather is not None else ())
    first = earliest(when, sky.calendar, game_seconds)
    end = first + HORIZON_HOURS * HOUR
    if not wanted & (sky.climate.weathers | {made.state for made in imposed}):
        return end
    now = Change(seconds=first, standing=standing_at(sky, imposed, first))
    over = Change(seconds=end, standing=now.standing)
    for spell, following in pairwise(chain([now], changes(sky, imposed, first, end), [over])):
        if spell.standing.state not in wanted:
            continue
        hours = range((spell.seconds // HOUR + 1) * HOUR, following.seconds, HOUR)
        for moment in chain((spell.seconds,), hours):
            if _timely(when, sky.calendar, moment):
                return moment
    return end


def _timely(when: When, calendar: Calendar, game_seconds: int) -> bool:
    now = calendar.read(game_seconds)
    in_season = not when.season or now.season in when.season
    return in_season and (not when.part or now.part in when.part)


def _facts(facts: Facts, now: Situation) -> list[Condition]:
    found = [
        Condition(holds=fact in now.facts, words=f"the fact {fact} must be known")
        for fact in facts.all
    ]
    if facts.any:
        holds = any(fact in now.facts for fact in facts.any)
        words = f"one of the facts {_listed(facts.any)} must be known"
        found.append(Condition(holds=holds, words=words))
    found += [
        Condition(holds=fact not in now.facts, words=f"the fact {fact} stands against it")
        for fact in facts.none
    ]
    return found


def _surroundings(when: When, now: Situation) -> list[Condition]:
    found = []
    if when.season:
        words = f"it must be {_listed(when.season)}"
        found.append(Condition(holds=now.season in when.season, words=words))
    if when.part:
        words = f"it must be {_listed(when.part)}"
        found.append(Condition(holds=now.part in when.part, words=words))
    if when.weather is not None:
        seen = now.weather.get(when.weather.region)
        words = f"the weather in {when.weather.region} must be {_listed(when.weather.state)}"
        found.append(Condition(holds=seen in when.weather.state, words=words))
    for faction, least in when.standing.items():
        words = f"the standing with {faction} must be {least} or more"
        found.append(Condition(holds=now.standing.get(faction, 0) >= least, words=words))
    return found


def _deeds(when: When, now: Situation) -> list[Condition]:
    found = []
    if when.outcome:
        words = f"the last quest must have {_listed(when.outcome)}"
        found.append(Condition(holds=now.outcome in when.outcome, words=words))
    if when.quest_choice:
        words = f"{_listed(when.quest_choice)} must have been chosen in the last quest"
        found.append(Condition(holds=now.quest_choice in when.quest_choice, words=words))
    if when.choice:
        holds = any(choice in now.choices for choice in when.choice)
        found.append(Condition(holds=holds, words=f"{_listed(when.choice)} must have been chosen"))
    if when.goal is not None:
        words = f"the goal {when.goal.name} must be {'reached' if when.goal.reached else 'missed'}"
        holds = now.goals.get(when.goal.name) is when.goal.reached
        found.append(Condition(holds=holds, words=words))
    return found


def _listed(names: tuple[str, ...]) -> str:
    return " or ".join(names)
