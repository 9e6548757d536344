"""From a prompt to a text that the rules accept: generate, read, check, repair, or give up."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from loreloom.domain.canon import CitedPassage
from loreloom.domain.draft import Problem
from loreloom.domain.quest import Source
from loreloom.domain.story import TemplateReason
from loreloom.generation.answers import Schema
from loreloom.generation.calls import Call, Sampling
from loreloom.generation.outcomes import Outcome
from loreloom.generation.outputs import BadShape
from loreloom.generation.prompting import PromptText, Selection, select_passages
from loreloom.generation.records import Asked, AttemptRecord, GenerationRecord
from loreloom.generation.router import AS_EVER, NoneAvailable, Only, Request, Router

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

TRIES = 3
"""The first try and two repairs."""


class Budget(BaseModel):
    """What one text may cost. Seconds are for all tries together; passages are in tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    total_s: float = Field(default=20.0, gt=0)
    passage_tokens: int = Field(default=360, ge=0)
    temperature: float = Field(default=0.7, ge=0, le=2)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a text is asked for: what becomes of its prompt, and whom it goes to."""

    edit: Callable[[PromptText], PromptText] = lambda prompt: prompt
    only: Only = AS_EVER


class Form(Protocol[T_co]):
    """What an answer must look like, and how it is read."""

    @property
    def schema(self) -> Schema:
        """The JSON schema that holds the answer while it is made."""
        ...

    def read(self, text: str) -> T_co:
        """The value in an answer. Raises ``BadShape``."""
        ...


class Composer(Generic[T]):
    """Makes one text that the rules have nothing against."""

    def __init__(
        self,
        router: Router,
        budget: Budget | None,
        check: Callable[[T], Sequence[Problem]],
        manner: Manner | None = None,
    ) -> None:
        self._router = router
        self._budget = budget or Budget()
        self._check = check
        self._manner = manner or Manner()

    async def compose(
        self,
        passages: Sequence[CitedPassage],
        prompt_of: Callable[[Sequence[CitedPassage]], PromptText],
        form_of: Callable[[Sequence[CitedPassage], int], Form[T]],
        seeds: Sequence[int],
        asked: Asked,
    ) -> tuple[T | None, GenerationRecord]:
        """The text, or none, and how it came to be. Each try takes the next seed.

        The prompt and the form are made of those passages that the budget has room for. ``asked``
        is kept with the text.
        """
        started = time.monotonic()
        selection = select_passages(passages, self._budget.passage_tokens)
        prompt = self._manner.edit(prompt_of(selection.used))
        attempts: list[AttemptRecord] = []
        reason = TemplateReason.REFUSED
        sent = prompt
        accepted: T | None = None
        for seed in seeds[:TRIES]:
            left = started + self._budget.total_s - time.monotonic()
            if left <= self._shortest(attempts):
                reason = TemplateReason.OUT_OF_TIME
                break
            form = form_of(selection.used, seed)
            call = Call(
                sent,
                form.schema,
                Sampling(seed=seed, temperature=self._budget.temperature),
            )
            request = Request(prompt.purpose, call, left, self._manner.only)
            result = await self._router.generate(request)
            attempts += result.attempts
            if isinstance(result, NoneAvailable):
                reason = self._why_none(started, attempts)
                break
            text, problems = self._judged(form, result.text)
            attempts[-1] = attempts[-1].model_copy(update={"problems": tuple(problems)})
            if text is not None and not problems:
                accepted = text
                break
            sent = prompt.repaired(problems)
        record = _record(prompt, selection, attempts, None if accepted else reason, started)
        return accepted, record.model_copy(update={"asked": asked})

    def _judged(self, form: Form[T], text: str) -> tuple[T | None, Sequence[Problem]]:
        try:
            read = form.read(text)
        except BadShape as error:
            return None, (Problem(code="bad_shape", field="answer", message=str(error)),)
        return read, self._check(read)

    def _why_none(self, started: float, attempts: Sequence[AttemptRecord]) -> TemplateReason:
        cut_off = bool(attempts) and attempts[-1].outcome is Outcome.TOO_SLOW
        over = time.monotonic() - started >= self._budget.total_s
        return TemplateReason.OUT_OF_TIME if cut_off and over else TemplateReason.NO_TIER

    def _shortest(self, attempts: Sequence[AttemptRecord]) -> float:
        """Seconds below which another try would only be cut off."""
        return min((a.total_ms for a in attempts if a.text), default=0) / 1000


def _record(
    prompt: PromptText,
    selection: Selection,
    attempts: Sequence[AttemptRecord],
    reason: TemplateReason | None,
    started: float,
) -> GenerationRecord:
    last = attempts[-1] if attempts and reason is None else None
    return GenerationRecord(
        purpose=prompt.purpose,
        source=Source.GENERATED if reason is None else Source.TEMPLATE,
        reason=reason,
        messages=prompt.messages,
        prompt_hash=prompt.hash,
        passages=tuple(passage.passage_id for passage in selection.used),
        left_out=selection.left_out,
        tier=last.tier if last else None,
        model=last.model if last else None,
        seed=last.seed if last else None,
        tokens_in=sum(attempt.prompt_tokens for attempt in attempts),
        tokens_out=sum(attempt.completion_tokens for attempt in attempts),
        milliseconds=round((time.monotonic() - started) * 1000),
        attempts=tuple(attempts),
    )
