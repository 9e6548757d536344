"""How long an arc stays at a beat: whether it is over there, and when to look again."""

from collections.abc import Sequence
from datetime import timedelta

from loreloom.domain.arc import Beat, GoalBeat, WaitBeat, at_most_of
from loreloom.domain.arc_walk import ArcProgress, Reason, StartedQuest, Way, situated
from loreloom.domain.calendar import HOUR
from loreloom.domain.conditions import Situation, When, failing

FIRST_LOOK = 1.0
LONGEST_LOOK = 30.0
LONGEST_LOOK_AT_QUEST = 600.0
"""Real seconds between looks at the world, each half as long again as the one before. A quest
says itself when it has ended, so it is looked at rarely."""
LONGEST_SLEEP = timedelta(days=30)
"""Longest wait for a moment of game time: one that lies further off is looked for again then."""
LONGEST_AWAITING = 3600.0
"""Most real seconds until conditions are looked at again, lest news of a change was lost."""

WEATHER_NEWS = frozenset({"weather.changed"})
STANDING_NEWS = frozenset({"reward.granted", "reward.compensated", "arc.changed"})
FACT_NEWS = frozenset(
    {
        "fact.learned",
        "arc.changed",
        "quest.chosen",
        "quest.completed",
        "payment.fulfilled",
        "faction.allied",
        "faction.feuded",
        "faction.expanded",
        "faction.repelled",
        "rumour.begun",
        "life.caught_up",
    }
)
"""Kinds of the chronicle's entries after which a weather, a standing or a fact may be another."""


def is_over(beat: Beat, progress: ArcProgress, seen: Situation, game_seconds: int) -> bool:
    """Whether what the beat waits for has come; what waits for nothing is over at once."""
    if progress.done:
        return True
    if isinstance(beat, GoalBeat):
        return progress.total >= beat.target
    if not isinstance(beat, WaitBeat):
        return True
    until = beat.until
    if until.hours is not None:
        return game_seconds >= progress.entered + until.hours * HOUR
    if until.when is not None:
        return not failing(until.when, situated(seen, progress))
    if until.quest is not None:
        quest = progress.quests.get(until.quest)
        return quest is not None and quest.outcome is not None
    return False


def is_late(beat: Beat, progress: ArcProgress, game_seconds: int) -> bool:
    """Whether the time that the beat may take at most is up."""
    bound = at_most_of(beat)
    late = bound is not None and game_seconds >= progress.entered + bound.hours * HOUR
    return late and not progress.done


def late_way(beat: Beat) -> Way | None:
    """Where a beat leads whose time is up, if that is said; else its ways on count."""
    bound = at_most_of(beat)
    if bound is None or bound.to is None:
        return None
    return Way(to=bound.to, reason=Reason(words=f"{bound.hours:g} hours of game time had passed"))


def awaited_quest(beat: Beat, progress: ArcProgress) -> StartedQuest | None:
    """The quest whose end the beat waits for."""
    if isinstance(beat, WaitBeat) and beat.until.quest is not None:
        return progress.quests.get(beat.until.quest)
    return None


def awaited_conditions(beat: Beat, progress: ArcProgress) -> tuple[When, ...]:
    """The conditions that are waited for now: any of them, once it holds, leads on.

    None while something else is waited for: a time, a quest, a choice or a goal.
    """
    if progress.done or not isinstance(beat, WaitBeat | GoalBeat):
        return tuple(edge.when for edge in beat.next)
    if isinstance(beat, WaitBeat) and beat.until.when is not None:
        return (beat.until.when,)
    return ()


def asked_conditions(beat: Beat, progress: ArcProgress) -> tuple[When, ...]:
    """All conditions that may be looked at before the next beat is entered."""
    return (*awaited_conditions(beat, progress), *(edge.when for edge in beat.next))


def news_for(awaited: Sequence[When]) -> frozenset[str]:
    """The kinds of the chronicle's entries that tell of what the conditions ask for."""
    kinds: set[str] = set()
    for when in awaited:
        kinds |= WEATHER_NEWS if when.weather is not None else frozenset()
        kinds |= STANDING_NEWS if when.standing else frozenset()
        kinds |= FACT_NEWS if when.named_facts else frozenset()
    return frozenset(kinds)


def moments(beat: Beat, progress: ArcProgress) -> tuple[int, ...]:
    """The game seconds at which time alone may lead on."""
    if progress.done:
        return ()
    bound = at_most_of(beat)
    hours = [] if bound is None else [bound.hours]
    if isinstance(beat, WaitBeat) and beat.until.hours is not None:
        hours.append(beat.until.hours)
    return tuple(progress.entered + -(-round(h * HOUR * 1000) // 1000) for h in hours)


def pause_before_look(number: int, longest: float) -> float:
    """Real seconds before the look of that number, counted from 0 for the second one."""
    return min(longest, FIRST_LOOK * 1.5 ** min(number, 50))
