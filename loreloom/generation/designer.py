"""A quest's design and its epilogue, each from a brief and the passages it rests on."""

from collections.abc import Iterable, Sequence

from loreloom.domain.canon import CitedPassage
from loreloom.domain.draft import EpilogueBrief, QuestBrief, QuestDraft
from loreloom.domain.prose import check_draft, check_epilogue
from loreloom.generation.composing import Budget, Composer
from loreloom.generation.lexicon import Lexicon
from loreloom.generation.outputs import cast_serves, deal_giver, epilogue_form, quest_form
from loreloom.generation.prompting import epilogue_prompt, quest_prompt, select_passages
from loreloom.generation.records import (
    DesignedQuest,
    TemplateReason,
    WrittenEpilogue,
    without_model,
)
from loreloom.generation.router import Router
from loreloom.generation.tiers import Purpose


async def design_quest(
    brief: QuestBrief,
    passages: Sequence[CitedPassage],
    router: Router,
    lexicon: Lexicon,
    *,
    seeds: Sequence[int],
    budget: Budget | None = None,
    names: Iterable[str] = (),
) -> DesignedQuest:
    """Design a quest by a model; without a draft, a template is to be used and the record says why.

    ``seeds`` are one for the first try and one for each repair. ``names`` are names of the canon
    beyond the cast that prose may speak of. Raises nothing for what a model or server does.
    """
    budget = budget or Budget()
    giver = deal_giver(brief, seeds[0])
    if giver is None or not cast_serves(brief, giver):
        record = without_model(Purpose.QUEST, TemplateReason.NO_CAST)
        return DesignedQuest(draft=None, record=record)
    selection = select_passages(passages, budget.passage_tokens)
    allowed = tuple(names)
    composer: Composer[QuestDraft] = Composer(
        router, budget, lambda draft: check_draft(draft, brief, lexicon.rules, allowed)
    )
    draft, record = await composer.compose(
        quest_prompt(brief, giver, selection.used),
        selection,
        lambda seed: quest_form(brief, giver, selection.used, lexicon, seed),
        seeds,
    )
    return DesignedQuest(draft=draft, record=record)


async def write_epilogue(
    brief: EpilogueBrief,
    passages: Sequence[CitedPassage],
    router: Router,
    lexicon: Lexicon,
    *,
    seeds: Sequence[int],
    budget: Budget | None = None,
    names: Iterable[str] = (),
) -> WrittenEpilogue:
    """Write an epilogue by a model; without a text, a template is to be used.

    The arguments are those of ``design_quest``.
    """
    budget = budget or Budget()
    selection = select_passages(passages, budget.passage_tokens)
    allowed = tuple(names)
    composer: Composer[str] = Composer(
        router, budget, lambda text: check_epilogue(text, brief, lexicon.rules, allowed)
    )
    text, record = await composer.compose(
        epilogue_prompt(brief, selection.used),
        selection,
        lambda _: epilogue_form(brief, selection.used, lexicon),
        seeds,
    )
    return WrittenEpilogue(text=text, record=record)
