"""What an arc is: a graph of beats over a long time, as designers write it."""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from loreloom.domain.conditions import ArcModel, When
from loreloom.domain.ids import CanonName, FactId
from loreloom.domain.living.memories import Deed
from loreloom.domain.living.shifts import FactionShift
from loreloom.domain.quest import Difficulty, QuestKind
from loreloom.domain.weather import Weather

MAX_BEATS = 200
MAX_TARGET = 10**12

BeatId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=60)]
ArcName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]
ChoiceId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=60)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Told = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Hours = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
"""Hours of game time."""


class ArcScope(StrEnum):
    """Whose story an arc is: one player's, or the whole world's."""

    PLAYER = "player"
    WORLD = "world"


class ToldBy(StrEnum):
    """Where a text that an arc tells comes from.

    ``given`` is the designer's own, ``template`` the same where a model could have been asked.
    """

    GIVEN = "given"
    GENERATED = "generated"
    TEMPLATE = "template"


class Edge(ArcModel):
    """A way on. Among those that are open, the highest priority is taken."""

    to: BeatId
    when: When = When()
    priority: int = Field(default=0, ge=-1000, le=1000)


class AtMost(ArcModel):
    """How long a beat lasts at most, and where the arc goes then; without ``to``, its ways on."""

    hours: Hours
    to: BeatId | None = None


class AnyBeat(ArcModel):
    """What every kind of beat has: its ways on."""

    next: tuple[Edge, ...] = ()


class QuestBrief(ArcModel):
    """What a quest is to be designed from."""

    theme: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    giver: str | None = None
    region: str | None = None
    kind: QuestKind = QuestKind.MAIN
    difficulty: Difficulty = Difficulty.NORMAL


class QuestBeat(AnyBeat):
    """Starts a quest of the arc's player, from a template or from a brief, and goes on at once."""

    kind: Literal["quest"]
    template: str | None = None
    brief: QuestBrief | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.template is None) is (self.brief is None):
            raise ValueError("a quest beat has either a template or a brief")
        return self


class ArcChoice(ArcModel):
    """A way that may be chosen."""

    choice_id: ChoiceId
    text: Line


class Until(ArcModel):
    """What a beat waits for; exactly one of these.

    ``hours`` of game time, conditions, the end of the quest that a beat started, or a choice.
    """

    hours: Hours | None = None
    when: When | None = None
    quest: BeatId | None = None
    choice: tuple[ArcChoice, ...] | None = Field(default=None, min_length=1, max_length=8)

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("a wait is for exactly one of hours, when, quest and choice")
        return self


class WaitBeat(AnyBeat):
    """Waits."""

    kind: Literal["wait"]
    until: Until
    at_most: AtMost | None = None


class ImposeWeather(ArcModel):
    """A weather to make in a region, for some hours of game time."""

    region: str
    state: Weather
    hours: Hours


class ChangeBeat(AnyBeat):
    """Changes the world. ``fact`` is learned by the arc's player, ``world_fact`` holds for all.

    ``standing`` is added, by faction, to the player's. ``remembered`` says which characters
    remember the player from now on, and for what in the matter of the arc.
    """

    kind: Literal["change"]
    weather: ImposeWeather | None = None
    standing: dict[str, int] = Field(default_factory=dict)
    fact: FactId | None = None
    world_fact: FactId | None = None
    factions: dict[str, FactionShift] = Field(default_factory=dict)
    remembered: dict[str, Deed] = Field(default_factory=dict)

    @property
    def changes(self) -> dict[str, object]:
        """What it changes, as the chronicle tells it."""
        return self.model_dump(mode="json", exclude={"kind", "next"}, exclude_defaults=True)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.changes:
            raise ValueError("a change beat changes something")
        return self


class TellBrief(ArcModel):
    """What a model is asked to tell.

    ``who`` is the person with whom the text begins, and who remembers it; without one it begins
    with the giver of the arc's last quest.
    """

    theme: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    who: str | None = None
    region: str | None = None


class TellBeat(AnyBeat):
    """Tells a text to the arc's player, or to the whole world.

    With a ``brief`` a model is asked for the text, and ``text`` is told where none serves.
    """

    kind: Literal["tell"]
    text: Told
    brief: TellBrief | None = None


class GoalBeat(AnyBeat):
    """Opens a goal that players contribute to, until its target is reached or its time is up."""

    kind: Literal["goal"]
    name: BeatId
    title: Line
    target: int = Field(ge=1, le=MAX_TARGET)
    at_most: AtMost | None = None


class EndBeat(ArcModel):
    """Ends the arc."""

    kind: Literal["end"]
    outcome: BeatId
    text: Told | None = None

    @property
    def next(self) -> tuple[Edge, ...]:
        """No way leads on."""
        return ()


Beat = Annotated[
    QuestBeat | WaitBeat | ChangeBeat | TellBeat | GoalBeat | EndBeat, Field(discriminator="kind")
]


class ArcDefinition(ArcModel):
    """An arc as designers write it. A running arc keeps the one that it started with."""

    arc: ArcName
    title: Line
    scope: ArcScope
    canon: CanonName = CanonName("default")
    start: BeatId
    beats: dict[BeatId, Beat] = Field(min_length=1, max_length=MAX_BEATS)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        problems = broken_links(self)
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def digest(self) -> str:
        """The hash by which this very definition is known.

        Without what is left at its default, so that a field that is added to the model later does
        not make another definition of it.
        """
        said = self.model_dump_json(exclude_defaults=True)
        return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()

    def goal(self, name: str) -> GoalBeat | None:
        """The goal of that name, if the arc has one."""
        goals = (beat for beat in self.beats.values() if isinstance(beat, GoalBeat))
        return next((goal for goal in goals if goal.name == name), None)


def at_most_of(beat: Beat) -> AtMost | None:
    """The bound of a beat that has one."""
    return beat.at_most if isinstance(beat, WaitBeat | GoalBeat) else None


def leads_to(beat: Beat) -> tuple[str, ...]:
    """Every beat that a beat can go on to."""
    bound = at_most_of(beat)
    late = (bound.to,) if bound is not None and bound.to is not None else ()
    return (*(edge.to for edge in beat.next), *late)


def reached_from(first: set[str], ways: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Every beat that can be reached from the first ones, and these."""
    reached, waiting = set(first), list(first)
    while waiting:
        for to in ways[waiting.pop()]:
            if to not in reached:
                reached.add(to)
                waiting.append(to)
    return reached


def broken_links(arc: ArcDefinition) -> list[str]:
    """What would leave a running arc nowhere to go: names of beats that it lacks, and scope."""
    found = [] if arc.start in arc.beats else [f"the arc has no beat {arc.start!r} to start with"]
    goals = [beat.name for beat in arc.beats.values() if isinstance(beat, GoalBeat)]
    if len(set(goals)) != len(goals):
        found.append("two goals have the same name")
    for name, beat in arc.beats.items():
        found += [
            f"{name}: the arc has no beat {to!r}" for to in leads_to(beat) if to not in arc.beats
        ]
        if isinstance(beat, WaitBeat) and beat.until.quest is not None:
            named = arc.beats.get(beat.until.quest)
            if not isinstance(named, QuestBeat):
                found.append(f"{name}: {beat.until.quest!r} is no beat that starts a quest")
        if isinstance(beat, WaitBeat) and beat.until.choice is not None:
            ids = [choice.choice_id for choice in beat.until.choice]
            if len(set(ids)) != len(ids):
                found.append(f"{name}: a choice is named twice")
        if arc.scope is ArcScope.WORLD:
            found += [f"{name}: {reason}" for reason in _needs_player(beat)]
    return found


def _needs_player(beat: Beat) -> list[str]:
    """What in a beat is one player's, and so has no place in an arc of the whole world."""
    found = []
    if isinstance(beat, QuestBeat):
        found.append("a shared arc starts no quest: a quest is one player's")
    if isinstance(beat, ChangeBeat) and (beat.standing or beat.fact or beat.remembered):
        found.append("a shared arc has no player to change; use world_fact")
    conditions = [edge.when for edge in beat.next]
    if isinstance(beat, WaitBeat) and beat.until.when is not None:
        conditions.append(beat.until.when)
    if any(when.standing or when.outcome or when.quest_choice for when in conditions):
        found.append("a shared arc has no player and no quest to ask about")
    return found
