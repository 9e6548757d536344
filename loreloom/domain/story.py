"""A quest in the words that its player reads. It lives in Postgres, never in a history."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class TemplateReason(StrEnum):
    """Why a template was used where a model could have been.

    The last four are of a step that asks a model and did not come to its end: nobody serves its
    tier's queue, its time ran out, the database failed, or the engine's own code did.
    """

    WORLD_SWITCH = "world_switch"
    BUDGET = "budget"
    NO_TIER = "no_tier"
    REFUSED = "refused"
    NO_CAST = "no_cast"
    NAMED = "named"
    TOLD_BY_TEMPLATE = "told_by_template"
    UNSERVED = "unserved"
    OUT_OF_TIME = "out_of_time"
    DATABASE = "database"
    FAULT = "fault"


class QuestStory(BaseModel):
    """The texts of a quest. Objectives and choices are keyed by their ids in the plan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    summary: str
    giver: str
    offer: str
    objectives: dict[str, str]
    choices: dict[str, str] = {}
    epilogue: str | None = None
