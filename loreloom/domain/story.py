"""A quest in the words that its player reads. It lives in Postgres, never in a history."""

from pydantic import BaseModel, ConfigDict


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
