"""A quest's design, from a brief and the passages that it rests on."""

from collections.abc import Iterable, Sequence

from loreloom.domain.canon import CitedPassage
from loreloom.domain.draft import QuestBrief, QuestDraft
from loreloom.domain.prose import check_draft
from loreloom.domain.story import TemplateReason
from loreloom.generation.composing import Budget, Composer, Manner
from loreloom.generation.lexicon import Lexicon
from loreloom.generation.outputs import cast_serves, deal_giver, quest_form
from loreloom.generation.prompting import quest_prompt
from loreloom.generation.records import Asked, DesignedQuest, without_model
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
    manner: Manner | None = None,
) -> DesignedQuest:
    """Design a quest by a model; without a draft, a template is to be used and the record says why.

    ``seeds`` are one for the first try and one for each repair. ``names`` are names of the canon
    beyond the cast that prose may speak of. ``manner`` is for asking otherwise than as ever. Raises
    nothing for what a model or server does.
    """
    allowed = tuple(names)
    asked = Asked(brief=brief, names=allowed, seed=seeds[0])
    giver = deal_giver(brief, seeds[0])
    if giver is None or not cast_serves(brief, giver):
        record = without_model(Purpose.QUEST, TemplateReason.NO_CAST, asked)
        return DesignedQuest(draft=None, record=record)
    composer: Composer[QuestDraft] = Composer(
        router, budget, lambda draft: check_draft(draft, brief, lexicon.rules, allowed), manner
    )
    draft, record = await composer.compose(
        passages,
        lambda used: quest_prompt(brief, giver, used),
        lambda used, seed: quest_form(brief, giver, used, lexicon, seed),
        seeds,
        asked,
    )
    return DesignedQuest(draft=draft, record=record)
