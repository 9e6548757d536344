"""A quest as its story: each beat, and for each text where it comes from, with its passages."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from loreloom.api.history import history_of
from loreloom.api.schemas.fields import GameTimeView
from loreloom.api.schemas.quests import GenerationView, HistoryStep
from loreloom.domain.ids import PassageId
from loreloom.knowledge.passages import PassageView, passages_by_id
from loreloom.state.quests import QuestRecord
from loreloom.state.store import Store
from loreloom.state.worlds import WorldRecord


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


class ToldGeneration(Told):
    """How a text came to be."""

    purpose: str
    source: str
    reason: str | None = None
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


class Beat(BaseModel):
    """One step of a story."""

    model_config = ConfigDict(frozen=True)

    kind: str
    at: datetime
    game_time: GameTimeView
    caused_by: str
    words: str
    data: dict[str, Any]
    written: Written | None = None


async def story_of(store: Store, world: WorldRecord, quest: QuestRecord) -> list[Beat]:
    """The quest's steps in order."""
    history = await history_of(store, world, quest)
    told = {
        step.generation.generation_id: ToldGeneration.model_validate(step.generation.record)
        for step in history.steps
        if step.generation is not None
    }
    ids = {p for g in told.values() for p in (*g.passages, *(x.passage_id for x in g.left_out))}
    passages = await passages_by_id(store, sorted(ids))
    return [_beat(step, quest, told, passages) for step in history.steps]


def _beat(
    step: HistoryStep,
    quest: QuestRecord,
    told: Mapping[str, ToldGeneration],
    passages: Mapping[PassageId, PassageView],
) -> Beat:
    made = step.generation
    return Beat(
        kind=step.kind,
        at=step.at,
        game_time=step.game_time,
        caused_by=step.caused_by,
        words=_words(step, quest),
        data={k: v for k, v in step.data.items() if k not in ("quest_id", "state")},
        written=_written(made, told[made.generation_id], quest, passages) if made else None,
    )


def _words(step: HistoryStep, quest: QuestRecord) -> str:
    """What happened, with the words that the player read instead of ids, where they are known."""
    story, named = quest.story, step.data
    if step.kind == "quest.progressed" and story is not None:
        line = story.objectives.get(str(named.get("objective_id")))
        return f"The player worked on “{line}”." if line else step.told
    if step.kind == "quest.chosen" and story is not None:
        line = story.choices.get(str(named.get("choice_id")))
        return f"The player chose “{line}”." if line else step.told
    if step.generation is not None:
        by = "A model" if step.caused_by == "model" else "A template"
        return f"{by} gave the {_WRITTEN.get(step.generation.purpose, 'text')}."
    return step.told


_WRITTEN: Mapping[str, str] = {"quest": "quest's words", "epilogue": "epilogue"}


def _written(
    made: GenerationView,
    told: ToldGeneration,
    quest: QuestRecord,
    passages: Mapping[PassageId, PassageView],
) -> Written:
    sources = tuple(Source(passage_id=p, passage=passages.get(p)) for p in told.passages)
    return Written(
        generation_id=made.generation_id,
        told=told,
        lines=tuple(
            Line(text=line, behind=_behind(line, sources)) for line in _lines(made.purpose, quest)
        ),
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


def _lines(purpose: str, quest: QuestRecord) -> tuple[str, ...]:
    story, plan = quest.story, quest.plan
    if story is None:
        return ()
    if purpose == "epilogue":
        return (story.epilogue,) if story.epilogue else ()
    return (
        story.summary,
        f"{story.giver}: “{story.offer}”",
        *_in_order(story.objectives, [o.objective_id for o in plan.objectives] if plan else ()),
        *_in_order(story.choices, [c.choice_id for c in plan.choices] if plan else ()),
    )


def _in_order(texts: Mapping[str, str], ids: Sequence[str]) -> list[str]:
    return [texts[name] for name in ids if name in texts]


def _behind(line: str, sources: Sequence[Source]) -> tuple[int, ...]:
    folded = line.casefold()
    return tuple(
        number
        for number, source in enumerate(sources, start=1)
        if source.passage is not None
        and any(entity.name.casefold() in folded for entity in source.passage.entities)
    )
