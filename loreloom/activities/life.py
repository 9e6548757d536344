"""What a world does by itself: the days that it has not lived yet, one after the other."""

from temporalio import activity

from loreloom.activities.errors import broken, broken_if_refused
from loreloom.activities.heartbeats import heartbeating
from loreloom.activities.signatures.life import LifeSteps, LiveDays
from loreloom.domain.living.content import LifeContent
from loreloom.state import life, worlds
from loreloom.state.store import Store


class LifeActivities(LifeSteps):
    """A world's days, each once, whoever lives them and however often it is tried."""

    def __init__(self, store: Store, content: LifeContent) -> None:
        self._store = store
        self._content = content

    @activity.defn(name="life_live")
    async def live(self, days: LiveDays) -> int:
        world = await worlds.find_world(self._store, days.world_id)
        if world is None:
            raise broken(f"the world {days.world_id} is gone")
        lived = 0
        async with heartbeating():
            with broken_if_refused():
                while await life.live_next_day(self._store, world, self._content, days.through_day):
                    lived += 1
        return lived
