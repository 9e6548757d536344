"""How a text came to be, with the passages behind each of its lines."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from loreloom.api.schemas.quests import GenerationView, HistoryStep
from loreloom.domain.ids import PassageId
from loreloom.knowledge.passages import PassageView, passages_by_id
from loreloom.state.store import Store


class Told(BaseModel):
    """Base of what is read from a generation's record; what a page does not show is let go."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ToldMessage(Told):
    """One message of a prompt."""

    role: str
    content: str


class ToldProblem(Told):
    """A reason for which the rules refused a text."""

    code: str
    field: str
    message: str


class ToldAttempt(Told):
    """One call to one server. Times are in milliseconds."""

    tier: str
    model: str
    seed: int
    started_at: datetime
    queued_ms: int
    first_token_ms: int | None
    total_ms: int
    prompt_tokens: int
    completion_tokens: int
    outcome: str
    error: str | None = None
    text: str | None = None
    problems: tuple[ToldProblem, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether its text was taken."""
        return self.outcome == "ok" and not self.problems


class ToldLeftOut(Told):
    """A passage that was found and not shown to the model."""

    passage_id: PassageId
    reason: str


class ToldAsked(Told):
    """With what a model was asked; ``seed`` is that of the first try."""

    seed: int


class ToldGeneration(Told):
    """How a text came to be."""

    purpose: str
    source: str
    reason: str | None = None
    failure: str | None = None
    template: str | None = None
    asked: ToldAsked | None = None
    messages: tuple[ToldMessage, ...] = ()
    passages: tuple[PassageId, ...] = ()
    left_out: tuple[ToldLeftOut, ...] = ()
    tier: str | None = None
    model: str | None = None
    seed: int | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    milliseconds: int = 0
    attempts: tuple[ToldAttempt, ...] = ()


class Source(BaseModel):
    """A passage behind a text; ``passage`` is ``None`` if its document was replaced since.

    ``left_out`` says why the model was not shown it.
    """

    model_config = ConfigDict(frozen=True)

    passage_id: PassageId
    passage: PassageView | None
    left_out: str | None = None


class Line(BaseModel):
    """A line that the player reads, and the passages (counted from 1) that speak of its names."""

    model_config = ConfigDict(frozen=True)

    text: str
    behind: tuple[int, ...]


class Written(BaseModel):
    """A text's making: ``lines`` are what the player reads of it."""

    model_config = ConfigDict(frozen=True)

    generation_id: str
    told: ToldGeneration
    lines: tuple[Line, ...]
    rests_on: tuple[Source, ...]
    left_out: tuple[Source, ...]


async def makings(
    store: Store, steps: Sequence[HistoryStep], lines_of: Callable[[GenerationView], Sequence[str]]
) -> dict[str, Written]:
    """How the texts among these steps came to be, by the generation's id.

    ``lines_of`` answers what the player reads of a text.
    """
    made = [step.generation for step in steps if step.generation is not None]
    told = {each.generation_id: ToldGeneration.model_validate(each.record) for each in made}
    ids = {p for g in told.values() for p in (*g.passages, *(x.passage_id for x in g.left_out))}
    passages = await passages_by_id(store, sorted(ids))
    return {
        each.generation_id: _written(
            each.generation_id, told[each.generation_id], lines_of(each), passages
        )
        for each in made
    }


async def written_of(
    store: Store, name: str, record: Mapping[str, Any], lines: Sequence[str]
) -> Written:
    """How one text came to be, under a name that is the only one of its page."""
    told = ToldGeneration.model_validate(record)
    shown = [*told.passages, *(left.passage_id for left in told.left_out)]
    return _written(name, told, lines, await passages_by_id(store, shown))


def _written(
    name: str,
    told: ToldGeneration,
    lines: Sequence[str],
    passages: Mapping[PassageId, PassageView],
) -> Written:
    sources = tuple(Source(passage_id=p, passage=passages.get(p)) for p in told.passages)
    return Written(
        generation_id=name,
        told=told,
        lines=tuple(Line(text=line, behind=_behind(line, sources)) for line in lines),
        rests_on=sources,
        left_out=tuple(
            Source(
                passage_id=left.passage_id,
                passage=passages.get(left.passage_id),
                left_out=left.reason,
            )
            for left in told.left_out
        ),
    )


def _behind(line: str, sources: Sequence[Source]) -> tuple[int, ...]:
    folded = line.casefold()
    return tuple(
        number
        for number, source in enumerate(sources, start=1)
        if source.passage is not None
        and any(entity.name.casefold() in folded for entity in source.passage.entities)
    )
