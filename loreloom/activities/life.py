"""What a world does by itself: the days that it has not lived yet, one after the other."""

from temporalio import activity

from loreloom.activities.errors import broken, broken_if_refused, refuses_for_good
from loreloom.activities.heartbeats import heartbeating
from loreloom.activities.signatures.life import LifeSteps, LiveDays
from loreloom.domain.living.content import LifeContent
from loreloom.state import life, worlds
from loreloom.state.store import Store

PATIENCE = 5
"""How often a day is tried before it is told that it cannot be lived."""


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
        with broken_if_refused():
            try:
                async with heartbeating():
                    while await life.live_next_day(
                        self._store, world, self._content, days.through_day
                    ):
                        lived += 1
            except Exception as error:
                await self._tell_failure(days, error)
                raise
        return lived

    async def _tell_failure(self, days: LiveDays, error: Exception) -> None:
        """Let ops see a failure that does not pass by itself: the world's time goes on without."""
        if refuses_for_good(error) or activity.info().attempt >= PATIENCE:
            kind = type(error).__name__
            await life.tell_failure(self._store, days.world_id, days.through_day, kind)
