"""Moons that were too fast before there was a rule against them."""

import asyncio

from alembic import command
from sqlalchemy import text

from loreloom.domain.calendar import Calendar, Moon
from loreloom.domain.ids import WorldId
from loreloom.state import worlds
from loreloom.state.migrations import config_for, upgrade
from loreloom.state.store import Store
from tests.builders import a_world_record


async def test_a_world_whose_moon_is_too_fast_loses_it_and_can_be_read(
    store: Store, database_url: str
) -> None:
    slow = Calendar(moon=Moon(cycle_days=28, phases=("new", "full")))
    for name, calendar in {"plain": Calendar(), "slow": slow, "fast": slow}.items():
        await worlds.create_world(store, a_world_record(name, calendar=calendar))
    async with store.transaction() as tx:
        await tx.run(
            text(
                """UPDATE worlds SET calendar = jsonb_set(calendar, '{moon,cycle_days}', '0.01')
                WHERE world_id = 'fast'"""
            )
        )
    await asyncio.to_thread(command.downgrade, config_for(database_url), "0015-1")
    await asyncio.to_thread(upgrade, database_url)
    found = [await worlds.find_world(store, WorldId(name)) for name in ("plain", "slow", "fast")]
    assert [world.calendar.moon for world in found if world] == [None, slow.moon, None]
