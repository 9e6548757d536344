"""What callers know of the workflows: their inputs, their acts and the errors they answer with."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from loreloom.activities.signatures.quest import QuestRef
from loreloom.domain.clock import Clock
from loreloom.domain.quest import QuestPlan, QuestProgress

QUEST = "Quest"
"""The name of the quest's workflow type."""

REFUSED = "Refused"
"""Type of the error by which an Update is refused; its first detail is the ``RefusalCode``."""


class QuestInput(BaseModel):
    """What a quest starts from, and what it takes along when it continues as new.

    ``deadline`` is the real moment at which an accepted quest with a limit fails.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    quest: QuestRef
    clock: Clock
    plan: QuestPlan | None = None
    progress: QuestProgress = Field(default_factory=QuestProgress)
    deadline: AwareDatetime | None = None


class ProgressAct(BaseModel):
    """A player's work on an objective."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action_id: str
    objective_id: str
    amount: int = Field(ge=1)


class ChooseAct(BaseModel):
    """A player's choice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action_id: str
    choice_id: str
