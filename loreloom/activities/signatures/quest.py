"""The activities of a quest, as its workflow calls them."""

from typing import Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict
from temporalio import activity

from loreloom.activities.signatures.errors import UNSAID, NoModel
from loreloom.domain.clock import Clock
from loreloom.domain.ids import FactId, PlayerId, QuestId, WorldId
from loreloom.domain.quest import Condition, QuestPlan, QuestProgress, Surroundings


class StepModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class QuestRef(StepModel):
    """Which quest, whose, and in which world."""

    quest_id: QuestId
    world_id: WorldId
    player_id: PlayerId


class WithoutModel(QuestRef):
    """A quest for which a template is to serve, and why."""

    why: NoModel = UNSAID


class LookAround(StepModel):
    """Where to look: the quest's player, and the region whose weather counts, for which act.

    ``update_id`` is the act's Update; if the ``condition`` does not hold, it is refused for good.
    """

    quest: QuestRef
    region: str | None
    action_id: str
    update_id: str
    condition: Condition


class Seen(StepModel):
    """What is so now, and what was said of the act before, when it may have been otherwise.

    ``taken`` if it was taken; ``refused`` is what stood against it, if this Update was refused.
    """

    now: Surroundings
    taken: bool
    refused: str | None = None


class Step(StepModel):
    """A change of a quest that is to be written down, with what the chronicle says of it.

    The step's identity is the quest and the progress's revision: writing it again changes nothing,
    and is answered with the ``at`` of the first time.
    """

    quest: QuestRef
    progress: QuestProgress
    at: AwareDatetime
    kind: str
    action_id: str | None = None
    objective_id: str | None = None
    choice_id: str | None = None
    amount: int | None = None
    done: int | None = None
    required: int | None = None
    sets_fact: FactId | None = None
    reason: str | None = None


class Ending(StepModel):
    """A quest that is fulfilled, to be rewarded; ``progress`` is the completed one."""

    quest: QuestRef
    plan: QuestPlan
    progress: QuestProgress
    at: AwareDatetime


class Recorded(StepModel):
    """What stands written for a step: its own, or an earlier act's of the same action id.

    ``by_another`` if the step's revision is held by an act of another id: the step is not written.
    """

    revision: int
    progress: QuestProgress
    at: AwareDatetime
    by_another: bool = False


class QuestSteps(Protocol):
    """What a quest writes down and looks up. Each may run twice and changes the world once."""

    @activity.defn(name="quest_look_around")
    async def look_around(self, where: LookAround) -> Seen:
        """What is so now where the player is."""
        raise NotImplementedError

    @activity.defn(name="quest_clock")
    async def clock(self, quest: QuestRef) -> Clock:
        """The clock of the quest's world, as it goes now."""
        raise NotImplementedError

    @activity.defn(name="quest_record")
    async def record(self, step: Step) -> Recorded:
        """Write a step and its chronicle entry in one transaction.

        Refuses a player's act that comes when the quest's time is up by the world's clock.
        """
        raise NotImplementedError

    @activity.defn(name="quest_reward")
    async def reward(self, ending: Ending) -> None:
        """Grant the reward, complete the quest and tell of both in one transaction, once."""
        raise NotImplementedError


class DesignSteps(Protocol):
    """How a quest comes to its plan and its words; the words are stored, never returned."""

    @activity.defn(name="quest_design")
    async def design(self, quest: QuestRef) -> QuestPlan:
        """Design the quest with a model or else a template, store it, return its plan."""
        raise NotImplementedError

    @activity.defn(name="quest_design_by_template")
    async def design_by_template(self, quest: WithoutModel) -> QuestPlan:
        """Design the quest from a template; for when the step that asks a model has failed."""
        raise NotImplementedError


class EpilogueSteps(Protocol):
    """How a quest comes to its last words; they are stored, never returned."""

    @activity.defn(name="quest_epilogue")
    async def epilogue(self, quest: QuestRef) -> None:
        """Write the epilogue with a model or else a template, store it and tell of it."""
        raise NotImplementedError

    @activity.defn(name="quest_epilogue_by_template")
    async def epilogue_by_template(self, quest: WithoutModel) -> None:
        """Take the epilogue from a template; for when the step that asks a model has failed."""
        raise NotImplementedError
