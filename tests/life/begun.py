"""A world that lives."""

from datetime import UTC, datetime

from loreloom.api.starting import new_regions
from loreloom.domain.calendar import Calendar
from loreloom.domain.climates import ClimateBook
from loreloom.domain.clock import Clock
from loreloom.domain.ids import WorldId
from loreloom.state import worlds
from loreloom.state.store import Store
from loreloom.state.worlds import WorldRecord
from tests.builders import a_world_record
from tests.life.worlds import example

WORLD = WorldId("world_life")


SEED = 7


async def a_world(store: Store, canon: str = "default") -> WorldRecord:
    """A world of the example's regions that nobody looks after but the test."""
    await worlds.create_world(
        store,
        a_world_record(
            WORLD,
            canon=canon,
            seed=SEED,
            clock=Clock(anchor=datetime.now(UTC), paused=True),
            regions=new_regions(ClimateBook(), example().regions, SEED, Calendar()),
        ),
    )
    found = await worlds.find_world(store, WORLD)
    assert found is not None
    return found
