"""What a quest writes down and looks up: its steps, its reward, its player's surroundings."""

from collections.abc import Callable
from typing import Any

from temporalio import activity

from loreloom.activities.desk import seed_of
from loreloom.activities.errors import broken, broken_if_refused
from loreloom.activities.signatures.errors import refused
from loreloom.activities.signatures.quest import (
    Ending,
    LookAround,
    QuestRef,
    QuestSteps,
    Recorded,
    Seen,
    Step,
)
from loreloom.domain.clock import Clock
from loreloom.domain.design import region_by_seed
from loreloom.domain.refusals import Refusal
from loreloom.domain.rewards import reward_for
from loreloom.state import quest_steps, refused_acts, worlds
from loreloom.state.store import Store
from loreloom.state.worlds import WorldRecord


class QuestActivities(QuestSteps):
    """The writing steps of a quest, each once by its revision."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[Callable[..., object]]:
        """The steps, as a worker serves them."""
        return [self.clock, self.record, self.reward, self.look_around]

    @activity.defn(name="quest_clock")
    async def clock(self, quest: QuestRef) -> Clock:
        return (await self._world(quest)).clock

    @activity.defn(name="quest_record")
    async def record(self, step: Step) -> Recorded:
        with broken_if_refused():
            try:
                taken = await quest_steps.record_step(self._store, _stored(step))
            except Refusal as refusal:
                raise refused(refusal) from refusal
        return Recorded(**dict(taken))

    @activity.defn(name="quest_reward")
    async def reward(self, ending: Ending) -> None:
        step = quest_steps.QuestStep(
            **ending.quest.model_dump(),
            progress=ending.progress,
            at=ending.at,
            kind="quest.completed",
            sets_fact=ending.plan.sets_fact,
        )
        with broken_if_refused():
            try:
                await quest_steps.complete(
                    self._store, step, reward_for(ending.plan, ending.progress)
                )
            except quest_steps.OutOfTurn as error:
                raise broken(str(error)) from error

    @activity.defn(name="quest_look_around")
    async def look_around(self, where: LookAround) -> Seen:
        world = await self._world(where.quest)
        quest_id = where.quest.quest_id
        # A quest that an older release designed may say no region.
        region = where.region or region_by_seed(
            seed_of(world, quest_id), [region.region for region in world.regions]
        )
        now = await worlds.surroundings(self._store, world, where.quest.player_id, region)
        # A replay hands in all acts again: what was refused then is not taken now.
        unmet = await refused_acts.verdict(self._store, quest_id, where.update_id)
        taken = await quest_steps.progress_of(self._store, quest_id, where.action_id)
        if unmet is None and taken is None:
            unmet = where.condition.unmet(now)
            if unmet is not None:
                await refused_acts.refuse(self._store, quest_id, where.update_id, unmet)
        return Seen(now=now, taken=taken is not None, refused=unmet)

    async def _world(self, quest: QuestRef) -> WorldRecord:
        world = await worlds.find_world(self._store, quest.world_id)
        if world is None:
            raise broken(f"the world {quest.world_id} is gone")
        return world


def _stored(step: Step) -> quest_steps.QuestStep:
    said: dict[str, Any] = step.model_dump(
        include={"objective_id", "choice_id", "amount", "done", "required", "reason"},
        exclude_none=True,
    )
    return quest_steps.QuestStep(
        **step.quest.model_dump(),
        progress=step.progress,
        at=step.at,
        kind=step.kind,
        action_id=step.action_id,
        sets_fact=step.sets_fact,
        data=said,
    )
