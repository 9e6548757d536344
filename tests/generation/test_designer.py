"""Quests and epilogues by the real model, and what happens when it does badly."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import pytest

from loreloom.domain.draft import QuestBrief
from loreloom.domain.prose import ProblemCode, check_draft, check_epilogue
from loreloom.domain.quest import Source
from loreloom.domain.story import TemplateReason
from loreloom.generation.composing import Budget
from loreloom.generation.designer import design_quest
from loreloom.generation.lexicon import load_lexicon
from loreloom.generation.outcomes import Outcome
from loreloom.generation.records import DesignedQuest
from loreloom.generation.router import Router
from loreloom.generation.tiers import Bounds, Tier, TierName
from loreloom.generation.writing import write_epilogue
from tests.generation.casts import CAST, PASSAGES, a_brief, an_epilogue_brief
from tests.generation.injections import INJECTIONS
from tests.generation.servers import hangs, says, serving

LEXICON = load_lexicon()
# A shared machine may be slow; what is asked here is what the text is, not how soon.
PATIENT = Budget(total_s=120)
SEEDS = (11, 12, 13)


@pytest.fixture
async def router(model_url: str) -> AsyncIterator[Router]:
    tier = {"urls": (model_url,), "total_s": 120, "first_token_s": 30, "answer_s": 30}
    tiers = [Tier.model_validate({"name": n, "model": n.value, **tier}) for n in TierName]
    async with Router(tiers, Bounds(queue_s=120)) as opened:
        yield opened


async def test_the_model_designs_a_quest_that_the_rules_accept(router: Router) -> None:
    brief = a_brief(theme="a debt and a bell")
    quest = await design_quest(brief, PASSAGES, router, LEXICON, seeds=SEEDS, budget=PATIENT)
    assert quest.draft is not None, quest.record
    assert check_draft(quest.draft, brief, LEXICON.rules) == ()
    record = quest.record
    assert record.source is Source.GENERATED
    assert record.passages == ("p1", "p2")
    assert (record.tier, record.model) == (TierName.SILVER, "silver")
    assert record.attempts[-1].accepted
    assert record.seed == record.attempts[-1].seed
    assert 0 < record.tokens_in < 900 * len(record.attempts)
    assert record.tokens_out > 50


async def test_the_same_seed_asks_the_same_and_another_seed_something_else() -> None:
    """What a server makes of it is its own: the tokens beside a request's change its rounding."""
    async with serving(says("no json at all")) as server:
        tier = Tier(name=TierName.SILVER, urls=(server.url,), model="silver")
        async with Router([tier]) as router:
            for seed in (11, 11, 12):
                await design_quest(a_brief(), PASSAGES, router, LEXICON, seeds=(seed,))
    first, again, other = server.bodies
    assert first == again
    assert first != other


async def test_an_answer_may_be_as_long_as_its_tier_allows() -> None:
    async with serving(says("no json at all")) as server:
        tier = Tier(name=TierName.SILVER, urls=(server.url,), model="silver", max_tokens=900)
        async with Router([tier]) as router:
            await design_quest(a_brief(), PASSAGES, router, LEXICON, seeds=(11,))
    (body,) = server.bodies
    assert json.loads(body)["max_tokens"] == 900


async def test_what_a_player_typed_makes_the_model_say_nothing_else(router: Router) -> None:
    """Of the others, the prompt's own tests hold that they stay data."""
    brief = a_brief(theme=INJECTIONS[1], objectives=1, choices=0)
    quest = await design_quest(brief, (), router, LEXICON, seeds=SEEDS, budget=PATIENT)
    assert quest.draft is not None, quest.record
    assert check_draft(quest.draft, brief, LEXICON.rules) == ()


async def test_the_model_writes_an_epilogue_that_the_rules_accept(router: Router) -> None:
    brief = an_epilogue_brief()
    ending = await write_epilogue(brief, PASSAGES, router, LEXICON, seeds=SEEDS, budget=PATIENT)
    assert ending.text is not None, ending.record
    assert check_epilogue(ending.text, brief, LEXICON.rules) == ()


async def test_several_at_once_are_not_taken_for_a_dead_server(router: Router) -> None:
    briefs = [a_brief(objectives=1, choices=0) for _ in range(8)]

    async def design(brief: QuestBrief, seed: int) -> DesignedQuest:
        seeds = (seed, seed + 100, seed + 200)
        return await design_quest(brief, PASSAGES, router, LEXICON, seeds=seeds, budget=PATIENT)

    made = await asyncio.gather(*(design(brief, seed) for seed, brief in enumerate(briefs)))
    attempts = [attempt for quest in made for attempt in quest.record.attempts]
    assert {attempt.outcome for attempt in attempts} == {Outcome.OK}
    assert all(all(state) for state in router.health().values())


@pytest.mark.parametrize("text", ["no json at all", '{"giver": "Zanbar"}'])
async def test_what_is_refused_is_repaired_twice_and_then_given_up(text: str) -> None:
    async with serving(says(text)) as server:
        tier = Tier(name=TierName.SILVER, urls=(server.url,), model="silver")
        async with Router([tier]) as router:
            quest = await design_quest(a_brief(), PASSAGES, router, LEXICON, seeds=SEEDS)
    assert quest.draft is None
    assert quest.record.source is Source.TEMPLATE
    assert quest.record.reason is TemplateReason.REFUSED
    assert tuple(attempt.seed for attempt in quest.record.attempts) == SEEDS
    assert all(attempt.problems for attempt in quest.record.attempts)
    assert quest.record.tokens_in == 33


async def test_a_name_that_the_canon_lacks_is_refused_when_no_grammar_held_the_text() -> None:
    text = '{"epilogue": "Eudora Pym went home at last. Zanbar was waiting there for her."}'
    async with serving(says(text)) as server:
        tier = Tier(name=TierName.SILVER, urls=(server.url,), model="silver")
        async with Router([tier]) as router:
            ending = await write_epilogue(an_epilogue_brief(), (), router, LEXICON, seeds=SEEDS)
    assert ending.text is None
    first = ending.record.attempts[0]
    assert [problem.code for problem in first.problems] == [ProblemCode.UNKNOWN_NAME]


async def test_with_no_server_the_caller_may_tell_a_template_within_three_seconds() -> None:
    async with serving(hangs) as server:
        tiers = [Tier(name=n, urls=(server.url,), model=n.value) for n in TierName]
        async with Router(tiers) as router:
            started = time.monotonic()
            quest = await design_quest(a_brief(), PASSAGES, router, LEXICON, seeds=SEEDS)
            assert time.monotonic() - started < 3
    assert quest.draft is None
    assert quest.record.reason is TemplateReason.NO_TIER


async def test_repairs_end_when_the_time_is_up() -> None:
    async with serving(says("no json at all here", gap=0.15)) as server:
        tier = Tier(name=TierName.SILVER, urls=(server.url,), model="silver")
        async with Router([tier]) as router:
            quest = await design_quest(
                a_brief(), (), router, LEXICON, seeds=SEEDS, budget=Budget(total_s=1)
            )
    assert quest.record.reason is TemplateReason.OUT_OF_TIME
    assert len(quest.record.attempts) == 1
    assert quest.record.milliseconds < 1300


async def test_a_cast_that_does_not_serve_asks_no_model() -> None:
    async with Router([]) as router:
        brief = a_brief(cast=CAST[:1], giver="Eudora Pym")
        quest = await design_quest(brief, (), router, LEXICON, seeds=SEEDS)
    assert quest.record.reason is TemplateReason.NO_CAST
    assert quest.record.attempts == ()
