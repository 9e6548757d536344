"""A stage for arcs: real servers, the real quest workflow, and quests whose plan is given."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Interceptor, Worker

from loreloom.activities.arc import ArcActivities
from loreloom.activities.quest import QuestActivities
from loreloom.activities.signatures.arc import ArcRef
from loreloom.api.starting import arc_start
from loreloom.domain.arc import ArcDefinition
from loreloom.domain.calendar import Calendar
from loreloom.domain.climates import TEMPERATE
from loreloom.domain.clock import Clock
from loreloom.domain.ids import (
    ArcId,
    FactId,
    PlayerId,
    QuestId,
    WorldId,
    arc_workflow_id,
    quest_workflow_id,
)
from loreloom.domain.living.content import NO_LIFE, LifeContent
from loreloom.domain.quest import QuestKind, QuestPlan, QuestState
from loreloom.domain.sky import Sky
from loreloom.state import arcs, chronicle, contributions, players, worlds
from loreloom.state.arcs import ArcRecord
from loreloom.state.chronicle import Entry
from loreloom.state.contributions import Contribution, Counted
from loreloom.state.facts import learn
from loreloom.state.regions import RegionRecord
from loreloom.state.store import Store
from loreloom.workflows.arc import ArcWorkflow
from loreloom.workflows.quest import QuestWorkflow
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import ARC, ArcInput, ArcStanding, ChooseAct, MigrateArc
from tests.arcs.telling import GivenTelling
from tests.builders import a_plan, a_world_record
from tests.quest.stage import GivenWriting, Played, Stage, eventually
from tests.sandbox import SANDBOX

PLAYER = PlayerId("player")
TEMPLATES = {"side-a": QuestKind.SIDE}


@dataclass
class ArcStage:
    """One world with one player, and the workers that tell its arcs."""

    client: Client
    store: Store
    prefix: str
    world: WorldId
    plan: QuestPlan
    plan_for: dict[str, QuestPlan] = field(default_factory=dict)
    life: LifeContent = NO_LIFE
    kinds: Mapping[str, QuestKind] = field(default_factory=lambda: TEMPLATES)
    writes: bool = True
    _count: int = 0

    async def begin(
        self,
        definition: ArcDefinition,
        *,
        player: PlayerId | None = PLAYER,
        task_timeout: timedelta | None = None,
    ) -> "OnStage":
        """Start an arc."""
        self._count += 1
        arc_id = ArcId(f"arc-{self.prefix}-{self._count}")
        start = arc_start(arc_id, self.world, player, definition)
        async with self.store.transaction() as tx:
            await arcs.create_arc(tx, arc_id, self.world, player, definition, start)
        handle: WorkflowHandle[Any, Any] = await self.client.start_workflow(
            ARC,
            ArcInput(
                arc=ArcRef(arc_id=arc_id, world_id=self.world, player_id=player),
                definition=definition,
            ),
            id=arc_workflow_id(arc_id),
            task_queue=queue_of(Role.STORY, self.prefix),
            task_timeout=task_timeout,
        )
        return OnStage(self, arc_id, handle)

    async def learn(self, fact: str, player: str = "") -> None:
        """Somebody learns a fact; without a player, the world does."""
        async with self.store.transaction() as tx:
            await learn(tx, self.world, PlayerId(player), FactId(fact), "test")

    @asynccontextmanager
    async def working(self, *interceptors: Interceptor) -> AsyncIterator[None]:
        """The stage's workers, as long as the block runs."""
        quest = QuestActivities(self.store)
        writing = GivenWriting(self.store, self.plan, self.plan_for)
        telling = GivenTelling(self.store, writes=self.writes)
        arc = ArcActivities(self.store, self.client, lambda: self.kinds, self.life)
        served: dict[Role, list[Callable[..., Any]]] = {
            Role.STORY: [
                *quest.all(),
                telling.tell_own,
                *arc.all(),
            ],
            Role.SILVER: [writing.design],
            Role.GOLD: [writing.epilogue, telling.write],
        }
        async with AsyncExitStack() as stack:
            for role, activities in served.items():
                worker = Worker(
                    self.client,
                    task_queue=queue_of(role, self.prefix),
                    workflows=[QuestWorkflow, ArcWorkflow] if role is Role.STORY else [],
                    activities=activities,
                    workflow_runner=SANDBOX,
                    interceptors=interceptors,
                )
                await stack.enter_async_context(worker)
            yield


@dataclass
class OnStage:
    """An arc that is on the stage."""

    stage: ArcStage
    arc_id: ArcId
    handle: WorkflowHandle[Any, Any]

    async def record(self) -> ArcRecord:
        """The arc as others read it."""
        found = await arcs.find_arc(self.stage.store, self.arc_id)
        assert found is not None
        return found

    async def way(self) -> list[str]:
        """The beats that it entered, in order."""
        return [beat.beat for beat in await arcs.way_of(self.stage.store, self.arc_id)]

    async def told(self) -> list[Entry]:
        """What the chronicle tells of the arc, in order."""
        subject = arc_workflow_id(self.arc_id)
        return await chronicle.read(self.stage.store, self.stage.world, subject=subject, limit=1000)

    async def kinds(self) -> list[str]:
        """The kinds of the chronicle's entries about the arc."""
        return [entry.kind for entry in await self.told()]

    async def at(self, beat: str) -> None:
        """Wait until readers see the arc at a beat."""

        async def there() -> bool:
            return (await self.record()).beat == beat

        await eventually(there, f"{self.arc_id} at {beat}")

    async def opened(self) -> None:
        """Wait until a goal of the arc is open."""

        async def there() -> bool:
            return any(goal.open for goal in await arcs.goals_of(self.stage.store, self.arc_id))

        await eventually(there, f"{self.arc_id} opens a goal")

    async def choose(self, action_id: str, choice_id: str) -> ArcStanding:
        act = ChooseAct(action_id=action_id, choice_id=choice_id)
        return ArcStanding.model_validate(await self.handle.execute_update("choose", act))

    async def migrate(self, definition: ArcDefinition) -> ArcStanding:
        act = MigrateArc(definition=definition)
        return ArcStanding.model_validate(await self.handle.execute_update("migrate", act))

    async def contribute(
        self, action_id: str, amount: int = 1, player: str = PLAYER
    ) -> Counted | None:
        """Push on the goal that is open, and let the arc hear of it."""
        return await contributions.count(
            self.stage.store,
            Contribution(
                arc_id=self.arc_id,
                action_id=action_id,
                player_id=PlayerId(player),
                amount=amount,
            ),
        )

    async def quest(self, beat: str) -> Played:
        """The quest that a beat started, once it is offered."""

        async def asked() -> bool:
            return bool(await self._quest_ids(beat))

        await eventually(asked, f"{self.arc_id} starts the quest of {beat}")
        quest_id = (await self._quest_ids(beat))[-1]
        on = self.stage
        stage = Stage(on.client, on.store, on.prefix, {}, on.world)
        handle = self.stage.client.get_workflow_handle(quest_workflow_id(quest_id))
        played = Played(stage, quest_id, handle)
        await played.until(QuestState.OFFERED)
        return played

    async def _quest_ids(self, beat: str) -> list[QuestId]:
        way = await arcs.way_of(self.stage.store, self.arc_id)
        return [step.quest_id for step in way if step.beat == beat and step.quest_id]


@asynccontextmanager
async def arc_stage(
    client: Client,
    store: Store,
    prefix: str,
    *,
    plan: QuestPlan | None = None,
    scale: float = 60.0,
    world: str = "world",
    anchor: datetime | None = None,
    serve: bool = True,
    regions: Sequence[str] = (),
    life: LifeContent = NO_LIFE,
    kinds: Mapping[str, QuestKind] = TEMPLATES,
    calendar: Calendar | None = None,
    writes: bool = True,
) -> AsyncIterator[ArcStage]:
    """Set a stage, with its workers if they are to ``serve``.

    ``scale`` is game seconds a real second; what ``writes`` is a stand-in for a model. ``kinds``
    are the quest templates' kinds by their names.
    """
    calendar = calendar or Calendar()
    world_id = WorldId(world)
    await worlds.create_world(
        store,
        a_world_record(
            world,
            canon="stage",
            calendar=calendar,
            clock=Clock(anchor=anchor or datetime.now(UTC), scale=scale),
            regions=tuple(
                RegionRecord(
                    region=name, sky=Sky(name=name, seed=1, climate=TEMPERATE, calendar=calendar)
                )
                for name in regions
            ),
        ),
    )
    assert await players.create_player(store, world_id, PLAYER, "Player", 1)
    stage = ArcStage(
        client, store, prefix, world_id, plan or a_plan(), life=life, kinds=kinds, writes=writes
    )
    async with AsyncExitStack() as stack:
        if serve:
            await stack.enter_async_context(stage.working())
        yield stage
