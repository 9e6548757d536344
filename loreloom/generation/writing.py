"""A quest's epilogue and what a beat of an arc tells, each from a brief and its passages."""

from collections.abc import Iterable, Sequence

from loreloom.domain.canon import CitedPassage
from loreloom.domain.draft import EpilogueBrief, TellingBrief
from loreloom.domain.prose import check_epilogue, check_telling
from loreloom.generation.composing import Budget, Composer, Manner
from loreloom.generation.lexicon import Lexicon
from loreloom.generation.outputs import epilogue_form, telling_form
from loreloom.generation.prompting import epilogue_prompt, telling_prompt
from loreloom.generation.records import Asked, WrittenText
from loreloom.generation.router import Router


async def write_epilogue(
    brief: EpilogueBrief,
    passages: Sequence[CitedPassage],
    router: Router,
    lexicon: Lexicon,
    *,
    seeds: Sequence[int],
    budget: Budget | None = None,
    names: Iterable[str] = (),
    manner: Manner | None = None,
) -> WrittenText:
    """Write an epilogue by a model; without a text, a template is to be used.

    The arguments are those of ``design_quest``.
    """
    allowed = tuple(names)
    composer: Composer[str] = Composer(
        router, budget, lambda text: check_epilogue(text, brief, lexicon.rules, allowed), manner
    )
    text, record = await composer.compose(
        passages,
        lambda used: epilogue_prompt(brief, used),
        lambda used, _: epilogue_form(brief, used, lexicon),
        seeds,
        Asked(brief=brief, names=allowed, seed=seeds[0]),
    )
    return WrittenText(text=text, record=record)


async def write_telling(
    brief: TellingBrief,
    passages: Sequence[CitedPassage],
    router: Router,
    lexicon: Lexicon,
    *,
    seeds: Sequence[int],
    budget: Budget | None = None,
    names: Iterable[str] = (),
    manner: Manner | None = None,
) -> WrittenText:
    """Write a telling by a model; without a text, the beat's own is to be told.

    The arguments are those of ``design_quest``.
    """
    allowed = tuple(names)
    composer: Composer[str] = Composer(
        router, budget, lambda text: check_telling(text, brief, lexicon.rules, allowed), manner
    )
    text, record = await composer.compose(
        passages,
        lambda used: telling_prompt(brief, used),
        lambda used, _: telling_form(brief, used, lexicon),
        seeds,
        Asked(brief=brief, names=allowed, seed=seeds[0]),
    )
    return WrittenText(text=text, record=record)
