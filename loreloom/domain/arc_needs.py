"""What an arc must have done before it can go on from a beat, and where it may come too early."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from loreloom.domain.arc import (
    ArcDefinition,
    Beat,
    GoalBeat,
    QuestBeat,
    WaitBeat,
    at_most_of,
    reached_from,
)
from loreloom.domain.conditions import ArcModel, When


class Past(ArcModel):
    """What an arc has done: the beats whose quests it started, the choices made, the goals closed.

    ``answered`` says that the choice of the beat at which it stands has been made.
    """

    quests: frozenset[str] = frozenset()
    choices: frozenset[str] = frozenset()
    goals: frozenset[str] = frozenset()
    answered: bool = False


NOTHING_YET = Past()


class Need(NamedTuple):
    """Something that only these beats bring about; ``words`` say what."""

    beats: frozenset[str]
    words: tuple[str, ...]


class TooEarly(NamedTuple):
    """A beat that can be reached before something has happened without which it is never left."""

    beat: str
    words: str


def too_early(arc: ArcDefinition, first: str, past: Past = NOTHING_YET) -> Iterator[TooEarly]:
    """The beats at which an arc that stands at ``first`` could stay for ever.

    Every way counts as one that may be taken, whatever it asks for.
    """
    for name in arc.beats:
        for need in _needs(arc, arc.beats[name], past):
            beats = need.beats - {first} if past.answered else need.beats
            if name not in beats and name in _reached_without(arc, first, beats, past):
                yield TooEarly(name, f"it can be reached before {' and '.join(need.words)}")
                break


def _reached_without(arc: ArcDefinition, first: str, beats: frozenset[str], past: Past) -> set[str]:
    """The beats that can be reached while none of these has done what it does."""
    return reached_from(
        {first}, {name: _leads_without(arc, name, beats, past) for name in arc.beats}
    )


def _leads_without(
    arc: ArcDefinition, name: str, beats: frozenset[str], past: Past
) -> tuple[str, ...]:
    """Where a beat can lead while none of these has done what it does."""
    beat = arc.beats[name]
    if name in beats and not isinstance(beat, WaitBeat):
        return ()
    ways = tuple(e.to for e in beat.next if not _lacks(_asked(arc, e.when, past), beats))
    bound = at_most_of(beat)
    late = () if bound is None or bound.to is None else (bound.to,)
    if name in beats or _lacks(_awaited(arc, beat, past), beats):
        # What it waits for does not come, and a choice is not made: time alone leads on.
        return () if bound is None else late or ways
    return (*ways, *late)


def _lacks(needs: Iterable[Need], beats: frozenset[str]) -> bool:
    """Whether one of the needs is met by these beats only."""
    return any(need.beats <= beats for need in needs)


def _needs(arc: ArcDefinition, beat: Beat, past: Past) -> Iterator[Need]:
    """All without any one of which the beat is never left."""
    bound, awaited = at_most_of(beat), tuple(_awaited(arc, beat, past))
    if bound is None:
        yield from awaited
    # What is awaited has come when the ways are looked at, unless time alone leads to them.
    come = awaited if bound is None or bound.to is not None else ()
    shut: dict[frozenset[str], tuple[str, ...]] = {frozenset(): ()}
    for edge in beat.next:
        asked = [need for need in _asked(arc, edge.when, past) if not _implied(need, come)]
        shut = {
            beats | need.beats: tuple(dict.fromkeys((*words, *need.words)))
            for beats, words in shut.items()
            for need in asked
        }
    if beat.next:
        yield from (Need(beats, words) for beats, words in shut.items())


def _implied(need: Need, come: tuple[Need, ...]) -> bool:
    return any(one.beats <= need.beats for one in come)


def _awaited(arc: ArcDefinition, beat: Beat, past: Past) -> Iterator[Need]:
    """What a beat waits for, of all that the arc itself brings about."""
    if not isinstance(beat, WaitBeat):
        return
    quest = beat.until.quest
    if quest is not None and quest not in past.quests:
        yield Need(frozenset({quest}), (f"the quest of {quest!r} was started",))
    if beat.until.when is not None:
        yield from _asked(arc, beat.until.when, past)


def _asked(arc: ArcDefinition, when: When, past: Past) -> Iterator[Need]:
    """What conditions ask for, of all that the arc itself brings about."""
    if (when.outcome or when.quest_choice) and not past.quests:
        starting = (name for name, beat in arc.beats.items() if isinstance(beat, QuestBeat))
        yield Need(frozenset(starting), ("a quest was started",))
    if when.choice and past.choices.isdisjoint(when.choice):
        offering = (name for name, beat in arc.beats.items() if _offers(beat, when.choice))
        yield Need(frozenset(offering), (f"{' or '.join(map(repr, when.choice))} was on offer",))
    if when.goal is not None and when.goal.name not in past.goals:
        goal = when.goal.name
        opening = (
            name
            for name, beat in arc.beats.items()
            if isinstance(beat, GoalBeat) and beat.name == goal
        )
        yield Need(frozenset(opening), (f"the goal {goal!r} was open",))


def _offers(beat: Beat, choices: tuple[str, ...]) -> bool:
    offered = beat.until.choice or () if isinstance(beat, WaitBeat) else ()
    return any(choice.choice_id in choices for choice in offered)
