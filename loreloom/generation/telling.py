"""What a beat of an arc tells, from a brief and the passages that it rests on."""

from collections.abc import Iterable, Sequence

from loreloom.domain.canon import CitedPassage
from loreloom.domain.draft import TellingBrief
from loreloom.domain.prose import check_telling
from loreloom.generation.composing import Budget, Composer
from loreloom.generation.lexicon import Lexicon
from loreloom.generation.outputs import telling_form
from loreloom.generation.prompting import select_passages, telling_prompt
from loreloom.generation.records import WrittenTelling
from loreloom.generation.router import Router


async def write_telling(
    brief: TellingBrief,
    passages: Sequence[CitedPassage],
    router: Router,
    lexicon: Lexicon,
    *,
    seeds: Sequence[int],
    budget: Budget | None = None,
    names: Iterable[str] = (),
) -> WrittenTelling:
    """Write a telling by a model; without a text, the beat's own is to be told.

    The arguments are those of ``design_quest``.
    """
    budget = budget or Budget()
    selection = select_passages(passages, budget.passage_tokens)
    allowed = tuple(names)
    composer: Composer[str] = Composer(
        router, budget, lambda text: check_telling(text, brief, lexicon.rules, allowed)
    )
    text, record = await composer.compose(
        telling_prompt(brief, selection.used),
        selection,
        lambda _: telling_form(brief, selection.used, lexicon),
        seeds,
    )
    return WrittenTelling(text=text, record=record)
