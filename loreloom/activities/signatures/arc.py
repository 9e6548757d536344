"""The activities of an arc, as its workflow calls them."""

from typing import Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict
from temporalio import activity

from loreloom.activities.signatures.errors import UNSAID, NoModel
from loreloom.activities.signatures.quest import QuestRef
from loreloom.domain.arc import ArcDefinition, ChangeBeat, GoalBeat, QuestBeat, TellBeat
from loreloom.domain.arc_walk import ArcState, Reason
from loreloom.domain.clock import Clock
from loreloom.domain.conditions import Situation, When
from loreloom.domain.ids import ArcId, PlayerId, QuestId, WorldId
from loreloom.domain.quest import QuestKind, QuestState


class StepModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ArcRef(StepModel):
    """Which arc, in which world, and whose; without a player it is the whole world's."""

    arc_id: ArcId
    world_id: WorldId
    player_id: PlayerId | None = None


class Entering(StepModel):
    """A beat that is entered, and the arc's outcome and last text if it ends there.

    Its identity is the arc and ``seq``: entering it again changes nothing, and is answered with
    what was written the first time.
    """

    arc: ArcRef
    seq: int
    beat: str
    kind: str
    digest: str
    reason: Reason
    at: AwareDatetime
    outcome: str | None = None
    text: str | None = None


class Entered(StepModel):
    """What stands written for a beat's entry.

    ``definition`` is the one that it was entered by, if that is not the one that was asked with.
    """

    beat: str
    game_seconds: int
    choice: str | None = None
    definition: ArcDefinition | None = None


class Acting(StepModel):
    """What a beat does; its identity is the arc and the ``seq`` of the beat's entry."""

    arc: ArcRef
    seq: int
    at: AwareDatetime


class Asking(Acting):
    """A quest to start."""

    beat: QuestBeat


class Asked(StepModel):
    """A quest that is asked for; an older release said the world's ``clock``, too."""

    quest: QuestRef
    clock: Clock | None = None
    kind: QuestKind


class Changing(Acting):
    """A change of the world. ``title`` is the arc's."""

    title: str = ""
    change: ChangeBeat


class Telling(Acting):
    """A text to tell."""

    text: str


class Writing(Acting):
    """A text to write and tell. ``title`` is the arc's, ``quest_id`` that of its last quest."""

    title: str
    beat: TellBeat
    quest_id: QuestId | None = None


class TellingOwn(Writing):
    """A text that the beat's own words are to tell, and why."""

    why: NoModel = UNSAID


class Opening(Acting):
    """A goal to open, or to open again with another target."""

    goal: GoalBeat


class Tally(StepModel):
    """Where a goal stands; ``open`` says whether it takes contributions.

    ``seq`` is the entry of the beat that opened it; a signal of an older release does not say it.
    """

    goal: str
    seq: int | None = None
    target: int
    total: int
    open: bool = True


class Closing(Acting):
    """A goal to close, since it was reached or its time is up."""

    goal: str


class Choosing(Acting):
    """A choice to write down."""

    action_id: str
    choice_id: str


class Chosen(StepModel):
    """The choice that stands written for a beat."""

    choice_id: str
    action_id: str


class Looking(StepModel):
    """What to look for in the world: all that is ``asked``, and how a quest stands.

    ``awaited`` are the conditions of which any may hold next.
    """

    arc: ArcRef
    asked: tuple[When, ...]
    awaited: tuple[When, ...]
    quest_id: QuestId | None
    at: AwareDatetime


class QuestEnded(StepModel):
    """How a quest ended; also the signal by which it says so."""

    quest_id: QuestId
    state: QuestState
    chosen: str | None = None


class Seen(StepModel):
    """What is so.

    ``not_before`` is the first game second at which season, part of the day and weather could be
    right for any of the awaited conditions, and ``after_that`` the first of those that are yet to
    come; ``None`` if none is awaited.
    """

    now: Situation
    game_seconds: int
    clock: Clock
    quest: QuestEnded | None = None
    not_before: int | None = None
    after_that: int | None = None


class Moving(Acting):
    """Another definition for an arc."""

    definition: ArcDefinition


class Stopping(Acting):
    """An arc that stops without an end: cancelled or broken."""

    state: ArcState
    reason: str | None = None


class ArcSteps(Protocol):
    """What an arc writes down and looks up. Each may run twice and changes the world once."""

    @activity.defn(name="arc_enter")
    async def enter(self, step: Entering) -> Entered:
        """Write a beat's entry, and the end of an arc that ends with it."""
        raise NotImplementedError

    @activity.defn(name="arc_look")
    async def look(self, where: Looking) -> Seen:
        """What is so in the world, as far as the conditions ask."""
        raise NotImplementedError

    @activity.defn(name="arc_ask_quest")
    async def ask_quest(self, step: Asking) -> Asked:
        """Write the request for a quest; who starts it comes after."""
        raise NotImplementedError

    @activity.defn(name="arc_change")
    async def change(self, step: Changing) -> None:
        """Change the world and tell of it."""
        raise NotImplementedError

    @activity.defn(name="arc_tell")
    async def tell(self, step: Telling) -> None:
        """Tell a text."""
        raise NotImplementedError

    @activity.defn(name="arc_open_goal")
    async def open_goal(self, step: Opening) -> Tally:
        """Open a goal, or see where it stands if it is open."""
        raise NotImplementedError

    @activity.defn(name="arc_close_goal")
    async def close_goal(self, step: Closing) -> Tally:
        """Close a goal and tell whether it was reached; its total does not change after."""
        raise NotImplementedError

    @activity.defn(name="arc_choose")
    async def choose(self, step: Choosing) -> Chosen:
        """Write a choice down, unless one stands written."""
        raise NotImplementedError

    @activity.defn(name="arc_move")
    async def move(self, step: Moving) -> None:
        """Give the arc another definition and tell of it."""
        raise NotImplementedError

    @activity.defn(name="arc_stop")
    async def stop(self, step: Stopping) -> None:
        """Write down that the arc was cancelled, or that its process failed."""
        raise NotImplementedError


class TellingSteps(Protocol):
    """What an arc tells in words that are made for it. Each may run twice and tells once."""

    @activity.defn(name="arc_write")
    async def write(self, step: Writing) -> None:
        """Write a text by a model and tell it; where none serves, tell the beat's own."""
        raise NotImplementedError

    @activity.defn(name="arc_tell_own")
    async def tell_own(self, step: TellingOwn) -> None:
        """Tell the beat's own text, since the step that asks a model has failed."""
        raise NotImplementedError
