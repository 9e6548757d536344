"""What keeps a model from being asked: budgets by player, world and day, and a world's switch."""

import asyncio
from datetime import timedelta

from sqlalchemy import update

from loreloom.activities.desk import as_kept, reason_for_template, withdrawn_if_switched
from loreloom.domain.ids import PlayerId, WorldId
from loreloom.domain.quest import Source
from loreloom.domain.story import TemplateReason
from loreloom.generation.records import GenerationRecord
from loreloom.generation.tiers import Purpose, TierName
from loreloom.state import worlds
from loreloom.state.generations import keep_generation, today, tokens_spent
from loreloom.state.store import Store
from loreloom.state.tables.generations import TokenUse
from loreloom.state.worlds import WorldRecord
from tests.builders import a_world_record

MARA, TOBIAS = PlayerId("mara"), PlayerId("tobias")
BY_MODEL = GenerationRecord(
    purpose=Purpose.QUEST,
    source=Source.GENERATED,
    tier=TierName.SILVER,
    model="silver",
    seed=7,
    tokens_in=60,
    tokens_out=40,
)


async def a_world(store: Store, world_id: str = "world") -> WorldRecord:
    """A world whose budgets take five texts, and two for each player."""
    budgets = {"world_daily_tokens": 500, "player_daily_tokens": 200}
    world = a_world_record(world_id).model_copy(update=budgets)
    await worlds.create_world(store, world)
    return world


async def keep(store: Store, world: WorldRecord, player: PlayerId | None, key: str) -> None:
    """Keep a text of a hundred tokens, as an activity does at its end."""
    async with store.transaction() as tx:
        await keep_generation(tx, as_kept(BY_MODEL, key, f"quest/{key}", world.world_id, player))


async def test_texts_at_once_are_all_counted_and_a_repeated_one_once(store: Store) -> None:
    world = await a_world(store)
    kept = [(player, f"{player}{n % 10}") for player in (MARA, TOBIAS) for n in range(20)]
    await asyncio.gather(*(keep(store, world, player, key) for player, key in kept))
    spent = await tokens_spent(store, world.world_id, MARA)
    assert (spent.by_world, spent.by_player) == (2000, 1000)


async def test_a_budget_is_a_players_a_worlds_and_a_days(store: Store) -> None:
    world, other = await a_world(store), await a_world(store, "other")
    await keep(store, world, MARA, "one")
    assert await reason_for_template(store, world, MARA) is None
    await keep(store, world, MARA, "two")
    assert await reason_for_template(store, world, MARA) is TemplateReason.BUDGET
    assert await reason_for_template(store, world, TOBIAS) is None
    assert await reason_for_template(store, world, None) is None
    assert await reason_for_template(store, other, MARA) is None
    for key in ("three", "four", "five"):
        await keep(store, world, None, key)
    assert await reason_for_template(store, world, TOBIAS) is TemplateReason.BUDGET
    assert await reason_for_template(store, world, None) is TemplateReason.BUDGET
    async with store.transaction() as tx:
        await tx.run(update(TokenUse).values(day=today() - timedelta(days=1)))
    assert await reason_for_template(store, world, MARA) is None


async def test_a_text_that_is_withdrawn_is_no_models(store: Store) -> None:
    world = await a_world(store)
    assert await withdrawn_if_switched(store, world, BY_MODEL) is None
    await worlds.change_world(store, WorldId(world.world_id), {"templates_only": True})
    withdrawn = await withdrawn_if_switched(store, world, BY_MODEL)
    assert withdrawn is not None
    assert (withdrawn.source, withdrawn.reason) == (Source.TEMPLATE, TemplateReason.WORLD_SWITCH)
    assert (withdrawn.tier, withdrawn.model, withdrawn.seed) == (None, None, None)
    assert (withdrawn.tokens_in, withdrawn.tokens_out) == (60, 40)
