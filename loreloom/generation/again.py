"""A text that was generated, asked for again with something otherwise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from loreloom.domain.canon import CitedPassage
from loreloom.domain.draft import EpilogueBrief, Problem, QuestBrief, QuestDraft
from loreloom.domain.filling import FilledTemplate, choose_template, fill
from loreloom.domain.prose import ProblemCode
from loreloom.domain.story import TemplateReason
from loreloom.domain.templates import QuestTemplate
from loreloom.domain.variation import Figures, Variation
from loreloom.generation.composing import TRIES, Budget, Manner
from loreloom.generation.designer import design_quest
from loreloom.generation.lexicon import Lexicon
from loreloom.generation.prompting import PromptText
from loreloom.generation.records import (
    Asked,
    GenerationRecord,
    Message,
    without_model,
)
from loreloom.generation.router import Only, Router
from loreloom.generation.tiers import Purpose, TierName
from loreloom.generation.writing import write_epilogue, write_telling


@dataclass(frozen=True, slots=True)
class SaidAgain:
    """The lines that a player would have read, none if no text was taken, and how they came."""

    lines: tuple[str, ...]
    record: GenerationRecord


async def ask_again(
    then: GenerationRecord,
    asked: Asked,
    passages: Sequence[CitedPassage],
    variation: Variation,
    router: Router,
    lexicon: Lexicon,
    budget: Budget,
) -> SaidAgain:
    """Ask for a text again, held by the same schema and checked by the same rules."""
    seed = asked.seed if variation.seed is None else variation.seed
    seeds = tuple(range(seed, seed + TRIES))
    if variation.temperature is not None:
        budget = budget.model_copy(update={"temperature": variation.temperature})
    manner = Manner(edit=_edit(then, variation), only=_only(variation))
    brief = asked.brief
    if isinstance(brief, QuestBrief):
        designed = await design_quest(
            brief,
            passages,
            router,
            lexicon,
            seeds=seeds,
            budget=budget,
            names=asked.names,
            manner=manner,
        )
        return SaidAgain(_lines_of(designed.draft), designed.record)
    write = (
        partial(write_epilogue, brief)
        if isinstance(brief, EpilogueBrief)
        else partial(write_telling, brief)
    )
    written = await write(
        passages, router, lexicon, seeds=seeds, budget=budget, names=asked.names, manner=manner
    )
    return SaidAgain((written.text,) if written.text else (), written.record)


def tell_again(
    asked: Asked, brief: QuestBrief, template: QuestTemplate, seed: int | None
) -> SaidAgain:
    """A quest told by a template, with each of its endings. Raises ``NoTemplate`` if it cannot."""
    seed = asked.seed if seed is None else seed
    filled = fill(choose_template((template,), brief, seed), brief, seed)
    record = without_model(Purpose.QUEST, TemplateReason.NAMED, asked)
    return SaidAgain(
        (*_lines_of(filled.draft), *_endings_of(filled)),
        record.model_copy(update={"template": filled.template_id}),
    )


def figures_of(record: GenerationRecord) -> Figures:
    """What can be counted of a generation."""
    taken = next((attempt for attempt in record.attempts if attempt.accepted), None)
    refused_for = [problem for attempt in record.attempts for problem in attempt.problems]
    return Figures(
        accepted=taken is not None,
        at_first_try=taken is not None and record.attempts[0].accepted,
        attempts=len(record.attempts),
        unknown_names=_count(refused_for, ProblemCode.UNKNOWN_NAME),
        over_rating=_count(refused_for, ProblemCode.RATING),
        characters=len(taken.text or "") if taken else 0,
        tokens_in=record.tokens_in,
        tokens_out=record.tokens_out,
        milliseconds=record.milliseconds,
    )


def _count(problems: Sequence[Problem], code: ProblemCode) -> int:
    return sum(problem.code == code for problem in problems)


def _only(variation: Variation) -> Only:
    tier = TierName(variation.tier) if variation.tier else None
    return Only(tier=tier, model=variation.model)


def _edit(then: GenerationRecord, variation: Variation) -> Callable[[PromptText], PromptText]:
    """What becomes of the prompt that today's file and the passages make."""
    given = None
    if variation.messages is not None:
        given = tuple(Message(role=one.role, content=one.content) for one in variation.messages)
    elif variation.passages is None and not variation.of_today:
        given = then.messages

    def edited(prompt: PromptText) -> PromptText:
        first, *rest = given or prompt.messages
        if variation.instructions is not None:
            first = Message(role=first.role, content=variation.instructions)
        return prompt.model_copy(update={"messages": (first, *rest)})

    return edited


def _endings_of(filled: FilledTemplate) -> tuple[str, ...]:
    ends = filled.epilogues
    chosen = zip(filled.draft.choices, ends.by_choice, strict=False)
    return (
        f"Completed: {ends.completed}",
        f"Failed: {ends.failed}",
        *(f"{choice.label}: {text}" for choice, text in chosen),
    )


def _lines_of(draft: QuestDraft | None) -> tuple[str, ...]:
    if draft is None:
        return ()
    return (
        draft.title,
        draft.summary,
        f"{draft.giver}: “{draft.offer}”",
        *(objective.text for objective in draft.objectives),
        *(choice.label for choice in draft.choices),
    )
