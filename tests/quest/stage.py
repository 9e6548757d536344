"""A stage for the quest workflow: a real server, a real database, and a written plan.

The unit on it is the workflow with what it writes down. Its words are given, because the tests here
are about the order of things; ``tests/generation`` and ``tests/stack`` have them made for real.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Interceptor, Worker

from loreloom.activities.quest import QuestActivities
from loreloom.activities.signatures.quest import QuestRef, WithoutModel
from loreloom.domain.clock import Clock
from loreloom.domain.ids import PlayerId, QuestId, WorldId, quest_workflow_id
from loreloom.domain.quest import QuestPlan, QuestState, Source
from loreloom.domain.refusals import RefusalCode
from loreloom.domain.standing import QuestStanding
from loreloom.domain.story import QuestStory
from loreloom.state import chronicle, players, quests, worlds
from loreloom.state.chronicle import Entry
from loreloom.state.players import PlayerRecord
from loreloom.state.quests import QuestDesign, QuestRecord, QuestRequest
from loreloom.state.starts import PlannedStart
from loreloom.state.store import Event, Store
from loreloom.workflows.quest import QuestWorkflow
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import QUEST, ChooseAct, ProgressAct, QuestInput
from tests.builders import a_world_record
from tests.sandbox import SANDBOX

WORLD = WorldId("world")
PLAYER = PlayerId("player")


class GivenWriting:
    """Writes down the plan that a test gives, and an epilogue of one line."""

    def __init__(self, store: Store, plan: QuestPlan, plan_for: dict[str, QuestPlan]) -> None:
        self._store = store
        self._plan = plan
        self._plan_for = plan_for

    @activity.defn(name="quest_design")
    async def design(self, quest: QuestRef) -> QuestPlan:
        plan = self._plan_for.get(quest.quest_id, self._plan)
        story = QuestStory(
            title="A short errand",
            summary="Somebody wants something.",
            giver="Maud Tolliver",
            offer="Will you?",
            objectives={o.objective_id: "Do it." for o in plan.objectives},
            choices={c.choice_id: "This way." for c in plan.choices},
        )
        design = QuestDesign(
            plan=plan, story=story, citations=(), source=Source.TEMPLATE, tier=None
        )
        async with self._store.transaction() as tx:
            await quests.keep_design(tx, quest.quest_id, design)
        return plan

    @activity.defn(name="quest_epilogue")
    async def epilogue(self, quest: QuestRef) -> None:
        subject = quest_workflow_id(quest.quest_id)
        async with self._store.transaction() as tx:
            if await quests.keep_epilogue(tx, quest.quest_id, "It ended well."):
                tx.tell(
                    Event(
                        world_id=quest.world_id,
                        key=f"{subject}/epilogue",
                        kind="quest.epilogue",
                        subject=subject,
                        player_id=quest.player_id,
                    )
                )

    @activity.defn(name="quest_design_by_template")
    async def design_by_template(self, quest: WithoutModel) -> QuestPlan:
        return await self.design(quest)

    @activity.defn(name="quest_epilogue_by_template")
    async def epilogue_by_template(self, quest: WithoutModel) -> None:
        await self.epilogue(quest)


@dataclass
class Stage:
    """One world with one player, and the workers that play its quests."""

    client: Client
    store: Store
    prefix: str
    plan_for: dict[str, QuestPlan]
    world: WorldId = WORLD
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def ask(self, quest_id: str | None = None) -> "Played":
        """Ask for a quest and start its workflow."""
        quest = QuestRef(
            quest_id=QuestId(quest_id or f"quest-{self.prefix}-{next(self._numbers)}"),
            world_id=self.world,
            player_id=PLAYER,
        )
        start = QuestInput(quest=quest)
        workflow_id = quest_workflow_id(quest.quest_id)
        planned = PlannedStart(
            workflow_id=workflow_id, workflow=QUEST, input=start.model_dump(mode="json")
        )
        async with self.store.transaction() as tx:
            await quests.request_quest(
                tx, quest.quest_id, self.world, PLAYER, QuestRequest(), planned
            )
        handle: WorkflowHandle[Any, Any] = await self.client.start_workflow(
            QUEST, start, id=workflow_id, task_queue=queue_of(Role.STORY, self.prefix)
        )
        return Played(self, quest.quest_id, handle)

    async def offered(self, quest_id: str | None = None) -> "Played":
        """A quest that is offered."""
        played = await self.ask(quest_id)
        await played.until(QuestState.OFFERED)
        return played

    async def accepted(self, quest_id: str | None = None) -> "Played":
        """A quest that is being played."""
        played = await self.offered(quest_id)
        await played.accept()
        return played

    async def player(self) -> PlayerRecord:
        """The player as others read them."""
        found = await players.find_player(self.store, self.world, PLAYER)
        assert found is not None
        return found


@dataclass
class Played:
    """A quest that is on the stage."""

    stage: Stage
    quest_id: QuestId
    handle: WorkflowHandle[Any, Any]

    async def accept(self) -> QuestStanding:
        return QuestStanding.model_validate(await self.handle.execute_update("accept"))

    async def abandon(self) -> QuestStanding:
        return QuestStanding.model_validate(await self.handle.execute_update("abandon"))

    async def progress(
        self, action_id: str, objective_id: str = "objective_1", amount: int = 1
    ) -> QuestStanding:
        act = ProgressAct(action_id=action_id, objective_id=objective_id, amount=amount)
        answer = await self.handle.execute_update("progress", act)
        return QuestStanding.model_validate(answer)

    async def choose(self, action_id: str, choice_id: str) -> QuestStanding:
        act = ChooseAct(action_id=action_id, choice_id=choice_id)
        answer = await self.handle.execute_update("choose", act)
        return QuestStanding.model_validate(answer)

    async def record(self) -> QuestRecord:
        """The quest as others read it."""
        found = await quests.find_quest(self.stage.store, self.quest_id)
        assert found is not None
        return found

    async def told(self) -> list[Entry]:
        """What the chronicle tells of the quest, in order."""
        subject = quest_workflow_id(self.quest_id)
        return await chronicle.read(self.stage.store, self.stage.world, subject=subject, limit=1000)

    async def kinds(self) -> list[str]:
        """The kinds of the chronicle's entries about the quest."""
        return [entry.kind for entry in await self.told()]

    async def until(self, state: QuestState) -> None:
        """Wait until readers see the quest in a state."""

        async def there() -> bool:
            return (await self.record()).progress.state is state

        await eventually(there, f"{self.quest_id} {state}")


async def refusal_of(act: Awaitable[object]) -> RefusalCode:
    """The code by which the rules refuse an act; an act that is taken fails the test."""
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await act
    cause = refused.value.cause
    assert isinstance(cause, ApplicationError)
    return RefusalCode(cause.details[0])


async def eventually(
    condition: Callable[[], Awaitable[bool]], what: str, seconds: float = 30
) -> None:
    """Return once a condition holds; fails the test when it does not within some seconds."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def stage(
    client: Client,
    store: Store,
    prefix: str,
    plan: QuestPlan,
    *,
    scale: float = 60.0,
    interceptors: Sequence[Interceptor] = (),
    world: str = WORLD,
) -> AsyncIterator[Stage]:
    """Set a stage on which every quest has the same plan, but for those in ``plan_for``."""
    on = await empty_stage(client, store, prefix, scale=scale, world=world)
    async with serving(client, store, prefix, plan, on.plan_for, interceptors):
        yield on


async def empty_stage(
    client: Client, store: Store, prefix: str, *, scale: float = 60.0, world: str = WORLD
) -> Stage:
    """A stage on which nobody works yet."""
    clock = Clock(anchor=datetime.now(UTC), scale=scale)
    await worlds.create_world(store, a_world_record(world, canon="stage", clock=clock))
    assert await players.create_player(store, WorldId(world), PLAYER, "Player", 1)
    return Stage(client, store, prefix, {}, WorldId(world))


@asynccontextmanager
async def serving(
    client: Client,
    store: Store,
    prefix: str,
    plan: QuestPlan,
    plan_for: dict[str, QuestPlan],
    interceptors: Sequence[Interceptor] = (),
) -> AsyncIterator[None]:
    """The workers of a stage, as long as the block runs."""
    quest, writing = QuestActivities(store), GivenWriting(store, plan, plan_for)
    served: dict[Role, list[Callable[..., Any]]] = {
        Role.STORY: [*quest.all(), writing.design_by_template, writing.epilogue_by_template],
        Role.SILVER: [writing.design],
        Role.GOLD: [writing.epilogue],
    }
    async with AsyncExitStack() as stack:
        for role, activities in served.items():
            worker = Worker(
                client,
                task_queue=queue_of(role, prefix),
                workflows=[QuestWorkflow] if role is Role.STORY else [],
                activities=activities,
                workflow_runner=SANDBOX,
                interceptors=interceptors,
            )
            await stack.enter_async_context(worker)
        yield
