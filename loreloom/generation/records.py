"""What is kept of a generation: enough to answer for every line on a player's screen."""

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from loreloom.domain.draft import EpilogueBrief, Problem, QuestBrief, QuestDraft, TellingBrief
from loreloom.domain.ids import PassageId
from loreloom.domain.quest import Source
from loreloom.domain.story import TemplateReason
from loreloom.generation.outcomes import Outcome
from loreloom.generation.tiers import Purpose, TierName


class RecordModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LeftOutReason(StrEnum):
    """Why a passage that was found is not in the prompt."""

    TOKEN_BUDGET = "token_budget"
    REPEATED = "repeated"


class PassageLeftOut(RecordModel):
    """A passage that was found and is not in the prompt."""

    passage_id: PassageId
    reason: LeftOutReason


class Message(RecordModel):
    """One message of a prompt, as it was sent."""

    role: Literal["system", "user", "assistant"]
    content: str


class AttemptRecord(RecordModel):
    """One call to one address, and what became of its text.

    ``url_index`` counts the tier's addresses from 0. ``queued_ms`` is the wait for a free place,
    before ``started_at``. ``problems`` are the reasons for which the rules refused the text; of a
    call that was not ``ok`` there is no text to refuse.
    """

    tier: TierName
    url_index: int
    model: str
    seed: int
    started_at: AwareDatetime
    queued_ms: int
    first_token_ms: int | None
    total_ms: int
    prompt_tokens: int
    completion_tokens: int
    outcome: Outcome
    error: str | None = None
    text: str | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether this attempt's text was taken."""
        return self.outcome is Outcome.OK and not self.problems


class Asked(RecordModel):
    """What a text was asked for with, of a model or a template, from which it can be again.

    ``names`` are those beyond the cast that it might speak of; ``seed`` is that of the first try.
    """

    brief: QuestBrief | EpilogueBrief | TellingBrief
    names: tuple[str, ...]
    seed: int


class GenerationRecord(RecordModel):
    """How a text came to be. ``messages`` is the first prompt; repairs add to it.

    ``reason`` is why a template serves, ``failure`` the type and the place of the error in the
    engine, if it was one, and ``template`` the id of the one that told a quest. ``tier``, ``model``
    and ``seed`` are those of the accepted attempt, and absent of a template. Tokens are summed over
    all attempts, since all were paid for. ``milliseconds`` is the whole.
    """

    purpose: Purpose
    source: Source
    reason: TemplateReason | None = None
    failure: str | None = None
    template: str | None = None
    asked: Asked | None = None
    messages: tuple[Message, ...] = ()
    prompt_hash: str | None = None
    passages: tuple[PassageId, ...] = ()
    left_out: tuple[PassageLeftOut, ...] = ()
    tier: TierName | None = None
    model: str | None = None
    seed: int | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    milliseconds: int = 0
    attempts: tuple[AttemptRecord, ...] = ()


class DesignedQuest(RecordModel):
    """A draft and how it came to be; no draft means that a template is to be used."""

    draft: QuestDraft | None
    record: GenerationRecord


class WrittenText(RecordModel):
    """A few sentences and how they came to be; no text means that a template's are to be told."""

    text: str | None
    record: GenerationRecord


def without_model(
    purpose: Purpose,
    reason: TemplateReason,
    asked: Asked | None = None,
    failure: str | None = None,
) -> GenerationRecord:
    """The record of a text for which no model was asked, or of whose asking nothing is left."""
    return GenerationRecord(
        purpose=purpose, source=Source.TEMPLATE, reason=reason, asked=asked, failure=failure
    )
