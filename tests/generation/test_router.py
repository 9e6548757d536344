"""A story never waits past its bound for a server that is dead, hangs, stalls or talks nonsense."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from loreloom.generation.calls import Call, Sampling
from loreloom.generation.outcomes import Outcome
from loreloom.generation.prompting import PromptText
from loreloom.generation.records import Message
from loreloom.generation.router import Generated, NoneAvailable, Request, Router
from loreloom.generation.tiers import Bounds, Purpose, Tier, TierName
from tests.generation.servers import (
    Handle,
    answers_and_hangs,
    breaks_off,
    garbage,
    hangs,
    no_json,
    says,
    serving,
    stalls,
    status,
    unfinished,
    until,
)

PASSED_OVER_S = 2.0
TOLD_S = 3.0
# RFC 5737 keeps this network for documentation, so nothing answers there.
UNROUTABLE = "http://192.0.2.1:9/v1"
REFUSING = "http://127.0.0.1:9/v1"
PROMPT = PromptText(
    purpose=Purpose.QUEST, messages=(Message(role="user", content="Write."),), prefix=0
)


def a_tier(name: TierName, *urls: str, **changes: float) -> Tier:
    return Tier.model_validate({"name": name, "urls": urls, "model": name.value, **changes})


def a_request(purpose: Purpose = Purpose.QUEST, *, total_s: float = 20) -> Request:
    call = Call(PROMPT, {"type": "object"}, Sampling(seed=7), max_tokens=64)
    return Request(purpose, call, total_s)


def outcomes(result: Generated | NoneAvailable) -> list[tuple[TierName, Outcome]]:
    return [(attempt.tier, attempt.outcome) for attempt in result.attempts]


@pytest.mark.parametrize(
    ("handle", "outcome"),
    [
        (hangs, Outcome.NO_ANSWER),
        (answers_and_hangs, Outcome.NO_FIRST_TOKEN),
        (stalls, Outcome.STALLED),
        (breaks_off, Outcome.BROKEN_OFF),
        (garbage, Outcome.SERVER_ERROR),
        (no_json, Outcome.SERVER_ERROR),
        (unfinished, Outcome.BROKEN_OFF),
        (status(500), Outcome.SERVER_ERROR),
        (status(404), Outcome.REFUSED),
        (says("too much", finish="length"), Outcome.OVER_LENGTH),
    ],
)
async def test_a_tier_that_fails_is_passed_over_within_two_seconds(
    handle: Handle, outcome: Outcome
) -> None:
    async with serving(handle) as bad, serving(says("all is well")) as good:
        tiers = [a_tier(TierName.SILVER, bad.url), a_tier(TierName.GOLD, good.url)]
        async with Router(tiers) as router:
            started = time.monotonic()
            result = await router.generate(a_request())
            took = time.monotonic() - started
    assert isinstance(result, Generated)
    assert result.text == "all is well "
    assert outcomes(result) == [(TierName.SILVER, outcome), (TierName.GOLD, Outcome.OK)]
    assert took < PASSED_OVER_S + 0.2


@pytest.mark.parametrize("url", [REFUSING, UNROUTABLE])
async def test_an_address_that_cannot_be_reached_is_passed_over(url: str) -> None:
    async with serving(says("well")) as good:
        tiers = [a_tier(TierName.SILVER, url), a_tier(TierName.GOLD, good.url)]
        async with Router(tiers) as router:
            started = time.monotonic()
            result = await router.generate(a_request())
            assert time.monotonic() - started < PASSED_OVER_S + 0.2
    assert isinstance(result, Generated)
    assert result.attempts[0].outcome.blames_server


@pytest.mark.parametrize(
    "handles", [(hangs, hangs), (answers_and_hangs, hangs), (stalls, answers_and_hangs)]
)
async def test_with_every_tier_down_the_caller_learns_it_within_three_seconds(
    handles: Sequence[Handle],
) -> None:
    async with serving(handles[0]) as one, serving(handles[1]) as two:
        tiers = [a_tier(TierName.SILVER, one.url), a_tier(TierName.GOLD, two.url)]
        async with Router(tiers) as router:

            async def timed() -> tuple[Generated | NoneAvailable, float]:
                started = time.monotonic()
                return await router.generate(a_request()), time.monotonic() - started

            # More callers than places: those who queue learn it as soon as those who asked.
            results = await asyncio.gather(*(timed() for _ in range(12)))
    assert all(isinstance(result, NoneAvailable) for result, _ in results)
    if stalls not in handles:
        assert max(took for _, took in results) < TOLD_S


async def test_a_server_known_to_be_down_costs_nothing_and_is_used_again_once_well() -> None:
    bounds = Bounds(probe_first_s=0.05, probe_most_s=0.1, hope_s=0.1)
    async with serving(status(503)) as server:
        tier = a_tier(TierName.SILVER, server.url)
        async with Router([tier], bounds) as router:
            await router.generate(a_request())
            assert router.health() == {TierName.SILVER: (False,)}
            await until(lambda: server.asked >= 3)
            started = time.monotonic()
            result = await router.generate(a_request())
            assert isinstance(result, NoneAvailable)
            assert result.attempts == ()
            assert time.monotonic() - started < 0.1
            server.handle = status(400)
            await until(lambda: router.health() == {TierName.SILVER: (True,)})
            server.handle = says("back again")
            assert isinstance(await router.generate(a_request()), Generated)


@pytest.mark.parametrize("handle", [garbage, no_json, unfinished, breaks_off])
async def test_a_server_that_answers_with_garbage_stays_out_of_use(handle: Handle) -> None:
    bounds = Bounds(probe_first_s=0.02, probe_most_s=0.05)
    async with serving(handle) as server:
        tier = a_tier(TierName.SILVER, server.url)
        async with Router([tier], bounds) as router:
            result = await router.generate(a_request())
            assert len(result.attempts) == 1
            probes = server.asked
            await until(lambda: server.asked > probes + 2)
            assert router.health() == {TierName.SILVER: (False,)}


async def test_a_server_that_paused_a_moment_ago_is_waited_for() -> None:
    bounds = Bounds(probe_first_s=0.05, probe_most_s=0.1)
    async with serving(status(503)) as server:
        tier = a_tier(TierName.SILVER, server.url)
        async with Router([tier], bounds) as router:
            waiting = [asyncio.create_task(router.generate(a_request())) for _ in range(2)]
            await until(lambda: server.asked >= 4)
            server.handle = says("back again")
            results = await asyncio.gather(*waiting)
    assert all(isinstance(result, Generated) for result in results)
    assert outcomes(results[0])[-2:] == [
        (TierName.SILVER, Outcome.SERVER_ERROR),
        (TierName.SILVER, Outcome.OK),
    ]


async def test_quests_ask_silver_first_and_what_is_short_asks_gold() -> None:
    async with serving(says("silver")) as silver, serving(says("gold")) as gold:
        tiers = [a_tier(TierName.SILVER, silver.url), a_tier(TierName.GOLD, gold.url)]
        async with Router(tiers) as router:
            for purpose, tier in [
                (Purpose.QUEST, TierName.SILVER),
                (Purpose.EPILOGUE, TierName.GOLD),
                (Purpose.TELLING, TierName.GOLD),
            ]:
                result = await router.generate(a_request(purpose))
                assert outcomes(result) == [(tier, Outcome.OK)]


async def test_a_full_tier_is_passed_over_for_one_that_is_free() -> None:
    slow = says("one two three four", gap=0.2)
    async with serving(slow) as silver, serving(says("gold")) as gold:
        tiers = [a_tier(TierName.SILVER, silver.url, at_once=1), a_tier(TierName.GOLD, gold.url)]
        async with Router(tiers) as router:
            results = await asyncio.gather(*(router.generate(a_request()) for _ in range(2)))
    assert sorted(outcomes(result) for result in results) == [
        [(TierName.GOLD, Outcome.OK)],
        [(TierName.SILVER, Outcome.OK)],
    ]


async def test_a_busy_server_is_waited_for_and_never_has_more_than_its_limit() -> None:
    async with serving(says("one two three", gap=0.1)) as server:
        tier = a_tier(TierName.SILVER, server.url, at_once=2, reading_at_once=1)
        async with Router([tier]) as router:
            results = await asyncio.gather(*(router.generate(a_request()) for _ in range(6)))
    assert all(isinstance(result, Generated) for result in results)
    assert server.most_at_once == 2
    assert max(result.attempts[0].queued_ms for result in results) > 300


async def test_addresses_of_one_tier_share_the_load() -> None:
    slow = says("one two", gap=0.2)
    async with serving(slow) as one, serving(slow) as two:
        tier = a_tier(TierName.SILVER, one.url, two.url, at_once=1)
        async with Router([tier]) as router:
            results = await asyncio.gather(*(router.generate(a_request()) for _ in range(2)))
    assert sorted(result.attempts[0].url_index for result in results) == [0, 1]


async def test_two_tiers_at_one_address_share_its_health() -> None:
    async with serving(hangs) as server:
        tiers = [a_tier(name, server.url) for name in (TierName.SILVER, TierName.GOLD)]
        async with Router(tiers) as router:
            result = await router.generate(a_request())
    assert outcomes(result) == [(TierName.SILVER, Outcome.NO_ANSWER)]


async def test_output_that_drips_too_slowly_is_dropped_at_the_total_bound() -> None:
    drip = says(" ".join(["word"] * 100), gap=0.2)
    async with serving(drip) as slow, serving(says("well")) as good:
        tiers = [
            a_tier(TierName.SILVER, slow.url, total_s=1),
            a_tier(TierName.GOLD, good.url),
        ]
        async with Router(tiers) as router:
            result = await router.generate(a_request())
            assert outcomes(result) == [
                (TierName.SILVER, Outcome.TOO_SLOW),
                (TierName.GOLD, Outcome.OK),
            ]
            assert router.health()[TierName.SILVER] == (True,)
            started = time.monotonic()
            late = await router.generate(a_request(total_s=0.5))
            assert time.monotonic() - started < 0.7
    assert isinstance(late, NoneAvailable)


async def test_an_attempt_is_recorded_without_addresses_or_keys() -> None:
    async with serving(says("all is well", gap=0.02)) as server:
        tier = a_tier(TierName.SILVER, server.url)
        tier = Tier.model_validate({**tier.model_dump(), "api_key": "s3cret"})
        async with Router([tier]) as router:
            result = await router.generate(a_request())
    [attempt] = result.attempts
    assert (attempt.model, attempt.seed) == ("silver", 7)
    assert (attempt.prompt_tokens, attempt.completion_tokens) == (11, 5)
    assert attempt.first_token_ms is not None
    assert attempt.first_token_ms < attempt.total_ms
    kept = attempt.model_dump_json()
    assert "s3cret" not in kept
    assert server.url not in kept


async def test_a_caller_who_goes_away_gives_its_place_back() -> None:
    async with serving(hangs) as server:
        tier = a_tier(TierName.SILVER, server.url, at_once=1)
        async with Router([tier]) as router:
            task = asyncio.create_task(router.generate(a_request()))
            await until(lambda: server.asked > 0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            server.handle = says("well")
            assert isinstance(await router.generate(a_request()), Generated)
