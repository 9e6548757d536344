"""A quest's plan and progress as one answer: what an act is answered with."""

from pydantic import BaseModel, ConfigDict

from loreloom.domain.quest import ObjectiveKind, QuestPlan, QuestProgress, QuestState


class ObjectiveStanding(BaseModel):
    """One objective and how far it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    objective_id: str
    kind: ObjectiveKind
    target: str
    to: str | None
    required: int
    done: int


class QuestStanding(BaseModel):
    """Where a quest stands after an act."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: QuestState
    revision: int
    chosen: str | None
    objectives: tuple[ObjectiveStanding, ...]


def standing_of(plan: QuestPlan, progress: QuestProgress) -> QuestStanding:
    """The standing that a plan and a progress make."""
    return QuestStanding(
        state=progress.state,
        revision=progress.revision,
        chosen=progress.chosen,
        objectives=tuple(
            ObjectiveStanding(
                objective_id=objective.objective_id,
                kind=objective.kind,
                target=objective.target,
                to=objective.to,
                required=objective.required,
                done=progress.done.get(objective.objective_id, 0),
            )
            for objective in plan.objectives
        ),
    )
