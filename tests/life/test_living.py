"""Days lived in a real database: each once, in one transaction, and told as they should be."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import delete, select, text, update
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from loreloom.activities.life import PATIENCE, LifeActivities
from loreloom.activities.signatures.life import LiveDays
from loreloom.domain.ids import FactId, PlayerId
from loreloom.domain.living.aftermath import facts_of
from loreloom.domain.living.world import beginning
from loreloom.state import chronicle, facts, life
from loreloom.state.openings import open_to
from loreloom.state.store import Store
from loreloom.state.tables.life import LivingRow, RumourRow
from tests.life.begun import SEED, WORLD, a_world
from tests.life.worlds import example, lived


async def live(store: Store, through_day: int, attempt: int = 1) -> int:
    """What the clock asks for after a day."""
    steps = LifeActivities(store, example())
    days = LiveDays(world_id=WORLD, through_day=through_day)
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=attempt)
    return await environment.run(steps.live, days)


async def kinds(store: Store) -> list[str]:
    """The kinds of all that the chronicle tells of the world's own life."""
    told = await chronicle.read(store, WORLD, limit=10_000)
    return [e.kind for e in told if e.kind.split(".")[0] in ("faction", "market", "rumour", "life")]


async def test_days_are_lived_once_and_as_the_rules_say(store: Store) -> None:
    world = await a_world(store)
    assert await life.find_living(store, world, example()) == beginning(example())
    lived_days = 0
    for day in range(1, 21):
        lived_days += await live(store, day)
    told = await kinds(store)
    assert lived_days == 20
    assert told, "twenty days leave something to tell"
    assert await live(store, 20) == 0
    assert await live(store, 4) == 0, "what is behind is not lived again"
    assert await kinds(store) == told
    expected, _ = lived(example(), 20, SEED)
    assert await life.find_living(store, world, example()) == expected


async def test_two_at_once_live_each_day_once(store: Store) -> None:
    await a_world(store)
    both = await asyncio.gather(live(store, 3), live(store, 3), live(store, 2))
    assert sum(both) == 3
    assert len(await kinds(store)) == len(set(await _keys(store)))


async def _keys(store: Store) -> list[str]:
    async with store.reading() as connection:
        rows = await connection.execute(text("SELECT key FROM chronicle WHERE key LIKE 'life/%'"))
        return [row.key for row in rows]


async def test_a_world_that_slept_is_told_so_and_not_day_by_day(store: Store) -> None:
    world = await a_world(store)
    await live(store, 2)
    before = await kinds(store)
    assert await live(store, 100) == 98
    after = (await kinds(store))[len(before) :]
    assert after == ["life.caught_up"]
    told = (await chronicle.read(store, WORLD, limit=10_000))[-1]
    assert told.data["from_day"] == 3
    assert told.data["through_day"] == 100
    assert told.data["notable"] > 5
    assert await life.find_living(store, world, example()) == lived(example(), 100, SEED)[0]
    rumours = await life.list_rumours(store, WORLD, 100, limit=50)
    assert all(rumour.until_day > 100 for rumour in rumours.items)


async def test_the_rumours_can_be_read_on_behind_one_that_nobody_says_any_more(
    store: Store,
) -> None:
    world = await a_world(store)
    for day in range(1, 31):
        await life.live_next_day(store, world, example(), day)
    said = (await life.list_rumours(store, WORLD, 30, limit=50)).items
    page = await life.list_rumours(store, WORLD, 30, limit=1)
    assert page.items == said[:1]
    assert page.next is not None
    async with store.transaction() as tx:
        await tx.run(delete(RumourRow).where(RumourRow.rumour_id == said[0].rumour_id))
    after = life.RumourPlace.read(page.next)
    rest = await life.list_rumours(store, WORLD, 30, after=after, limit=50)
    assert rest.items == said[1:]
    assert rest.items


async def test_a_sleep_that_is_cut_off_goes_on_and_is_told_whole(store: Store) -> None:
    world = await a_world(store)
    for _ in range(9):
        assert await life.live_next_day(store, world, example(), 10)
    assert await kinds(store) == []
    assert await live(store, 10) == 1
    assert await kinds(store) == ["life.caught_up"]
    told = (await chronicle.read(store, WORLD, limit=100))[-1]
    assert (told.data["from_day"], told.data["through_day"]) == (1, 10)


async def test_a_day_that_cannot_be_lived_is_told_once_and_lived_when_it_can_be(
    store: Store,
) -> None:
    await a_world(store)
    await live(store, 3)
    before = await kinds(store)
    spoilt = await _spoil(store)
    for attempt in range(1, 8):
        with pytest.raises(ValidationError):
            await live(store, 5, attempt)
        # What passes by itself is not worth telling.
        assert (await kinds(store))[len(before) :] == ["life.failed"] * (attempt >= PATIENCE)
    told = (await chronicle.read(store, WORLD, kind="life.failed", limit=10))[0]
    assert told.data == {"day": 4, "through_day": 5, "error": "ValidationError"}
    async with store.transaction() as tx:
        await tx.run(update(LivingRow).values(state=spoilt))
    assert await live(store, 6) == 3


async def test_what_the_database_refuses_for_good_is_told_at_once(store: Store) -> None:
    await a_world(store)
    async with store.transaction() as tx:
        await tx.run(text("ALTER TABLE living ADD CHECK (day < 2)"))
    try:
        with pytest.raises(ApplicationError) as caught:
            await live(store, 3)
    finally:
        async with store.transaction() as tx:
            await tx.run(text("ALTER TABLE living DROP CONSTRAINT living_day_check"))
    assert caught.value.non_retryable
    (told,) = await chronicle.read(store, WORLD, kind="life.failed", limit=10)
    assert told.data == {"day": 2, "through_day": 3, "error": "IntegrityError"}
    assert await live(store, 3) == 2


async def _spoil(store: Store) -> Any:
    """Make what is kept of the world unreadable; returns what it was."""
    async with store.transaction() as tx:
        kept = (await tx.run(select(LivingRow.state))).scalar_one()
        await tx.run(update(LivingRow).values(state={"factions": 3}))
    return kept


async def test_the_worlds_own_facts_are_what_is_so_and_no_others_are_touched(store: Store) -> None:
    world = await a_world(store)
    mara = PlayerId("mara")
    own = FactId("somebody_said_so")
    await facts.make_known(store, WORLD, None, own, "api/test")
    await live(store, 60)
    living = await life.find_living(store, world, example())
    page = await facts.list_facts(store, WORLD, limit=200)
    so = {fact.fact for fact in page.items if fact.source.startswith(life.SOURCE)}
    assert so == set(facts_of(living, example()))
    assert own in {fact.fact for fact in page.items}
    async with store.reading() as connection:
        assert so | {own} == await facts.facts_of(connection, WORLD, mara)


async def test_a_world_of_another_canon_only_counts_its_days(store: Store) -> None:
    await a_world(store, canon="elsewhere")
    assert await live(store, 2) == 2
    assert await kinds(store) == []


async def test_openings_stand_until_their_day(store: Store) -> None:
    await a_world(store)
    for each in range(1, 41):
        await live(store, each)
    async with store.reading() as connection:
        rows = await connection.execute(text("SELECT opening_id, until_day FROM openings"))
        kept = {row.opening_id: row.until_day for row in rows}
    assert kept
    assert all(until > 40 for until in kept.values()), "what is over is gone"
    found = await open_to(store, WORLD, PlayerId("mara"), max(kept.values()))
    assert not found
