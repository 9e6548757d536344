"""A worker process: it serves the task queues of its roles until it is stopped."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Interceptor, UnsandboxedWorkflowRunner, Worker

from loreloom.activities.arc import ArcActivities
from loreloom.activities.clock import ClockActivities
from loreloom.activities.design import DesignActivities
from loreloom.activities.desk import WritingParts
from loreloom.activities.epilogue import EpilogueActivities
from loreloom.activities.erasure import ErasureActivities
from loreloom.activities.knowledge import KnowledgeActivities
from loreloom.activities.life import LifeActivities
from loreloom.activities.payment import payment_activities
from loreloom.activities.quest import QuestActivities
from loreloom.activities.settlement import SettlementActivities
from loreloom.activities.telling import TellingActivities
from loreloom.activities.weather import WeatherActivities
from loreloom.activities.whatif import WhatIfActivities
from loreloom.content.life import load_life
from loreloom.generation.composing import Budget
from loreloom.generation.lexicon import load_lexicon
from loreloom.generation.router import Router
from loreloom.generation.shelf import TemplateShelf
from loreloom.knowledge.embedding import Embedder, EmbeddingConfig
from loreloom.payments.gateway import Gateway
from loreloom.state.store import Store
from loreloom.workers.builds import deployment_of
from loreloom.workers.reconciling import ensure_nightly_reconciliation
from loreloom.workers.settings import Settings
from loreloom.workers.temporal_connection import connect
from loreloom.workers.tiers import tiers_of
from loreloom.workflows.arc import ArcWorkflow
from loreloom.workflows.clock import WorldClockWorkflow
from loreloom.workflows.erasure import ErasureWorkflow
from loreloom.workflows.ingestion import IngestionWorkflow
from loreloom.workflows.payment import DisputeWorkflow, PaymentWorkflow, RefundWorkflow
from loreloom.workflows.quest import QuestWorkflow
from loreloom.workflows.reconciliation import ReconciliationWorkflow
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.settlement import SettlementWorkflow
from loreloom.workflows.subscription import SubscriptionWorkflow
from loreloom.workflows.weather import RegionWeatherWorkflow
from loreloom.workflows.whatif import WhatIfSetWorkflow, WhatIfWorkflow

WORKFLOWS = (
    QuestWorkflow,
    ArcWorkflow,
    IngestionWorkflow,
    WorldClockWorkflow,
    RegionWeatherWorkflow,
    PaymentWorkflow,
    RefundWorkflow,
    DisputeWorkflow,
    SubscriptionWorkflow,
    ReconciliationWorkflow,
    SettlementWorkflow,
    ErasureWorkflow,
    WhatIfWorkflow,
    WhatIfSetWorkflow,
)

# Without Temporal's sandbox, which re-enters itself for every payload and cost an act two
# milliseconds of the worker (docs/decisions/0003). What it guards against, the tests do: workflow
# tests and replays run inside it, and the house rules keep clocks and chance out of workflows.
RUNNER = UnsandboxedWorkflowRunner()


async def run_worker(
    settings: Settings,
    roles: Sequence[Role],
    ready: Callable[[], None] | None = None,
    interceptors: Sequence[Interceptor] = (),
) -> None:
    """Serve the roles until SIGTERM or SIGINT, then finish what is under way and return.

    ``ready`` is called once all queues are served. ``interceptors`` are Temporal's own.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as stack:
        workers = await open_workers(settings, roles, stack, interceptors)
        if settings.stripe_api_key is not None and Role.STORY in roles:
            await ensure_nightly_reconciliation(settings)
        serving = [asyncio.create_task(worker.run()) for worker in workers]
        if ready is not None:
            ready()
        waiting = asyncio.create_task(stopped.wait())
        await asyncio.wait([*serving, waiting], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*(worker.shutdown() for worker in workers))
        waiting.cancel()
        # A worker that failed by itself is the process's failure.
        await asyncio.gather(*serving)


async def open_workers(
    settings: Settings,
    roles: Sequence[Role],
    stack: AsyncExitStack,
    interceptors: Sequence[Interceptor] = (),
) -> list[Worker]:
    """One Temporal worker for each role, not yet running; ``stack`` closes what they use.

    Raises ``ContentError`` or ``TemplateFileError`` for content that cannot be used.
    """
    living = load_life(settings.content_folder)
    templates = TemplateShelf(settings.quest_templates)
    # A worker that has no templates at all says so now, and not to its first story.
    templates.now()
    client = await connect(settings)
    store = Store(settings.required_database_url(), pool_size=settings.database_pool_size)
    stack.push_async_callback(store.close)
    router = Router(tiers_of(settings))
    stack.push_async_callback(router.aclose)
    embedder = Embedder(EmbeddingConfig(model=settings.embedding_model))
    if Role.STORY not in roles:
        # Where no act waits for the worker to start, the first search need not wait either.
        await asyncio.to_thread(embedder.ready)
    writing = WritingParts(
        store=store,
        embedder=embedder,
        router=router,
        lexicon=load_lexicon(),
        templates=templates,
        budget=Budget(total_s=settings.design_seconds),
        life=living,
    )
    design, epilogue = DesignActivities(writing), EpilogueActivities(writing)
    arc = ArcActivities(store, client, lambda: templates.now().kinds(), living)
    telling = TellingActivities(writing)
    whatif = WhatIfActivities(writing)
    settlement = SettlementActivities(store, client)
    erasure = ErasureActivities(store, client)
    knowledge = KnowledgeActivities(store, embedder)
    served: dict[Role, list[Callable[..., object]]] = {
        Role.STORY: [
            *QuestActivities(store).all(),
            design.design_by_template,
            epilogue.epilogue_by_template,
            *arc.all(),
            telling.tell_own,
            whatif.pick,
            settlement.stop,
            settlement.settle,
            erasure.rows,
            erasure.histories,
            erasure.forget,
            LifeActivities(store, living).live,
            *ClockActivities(store, client).all(),
            *WeatherActivities(store).all(),
        ],
        Role.SILVER: [design.design, whatif.ask, whatif.compare],
        Role.GOLD: [epilogue.epilogue, telling.write],
        Role.KNOWLEDGE: knowledge.all(),
    }
    if settings.stripe_api_key is not None:
        gateway = Gateway(settings.stripe_api_key, settings.stripe_api_base)
        stack.push_async_callback(gateway.close)
        return_url = settings.payment_return_url
        served[Role.STORY] += payment_activities(store, gateway, client, return_url)
    return [_worker(client, settings, role, served[role], interceptors) for role in roles]


def _worker(
    client: Client,
    settings: Settings,
    role: Role,
    activities: Sequence[Callable[..., object]],
    interceptors: Sequence[Interceptor],
) -> Worker:
    activities_at_once = {
        Role.STORY: settings.story_activities_at_once,
        Role.GOLD: settings.tier_activities_at_once,
        Role.SILVER: settings.tier_activities_at_once,
        Role.KNOWLEDGE: settings.knowledge_activities_at_once,
    }[role]
    tells_stories = role is Role.STORY
    return Worker(
        client,
        task_queue=queue_of(role, settings.task_queue_prefix),
        workflows=WORKFLOWS if tells_stories else (),
        activities=activities,
        workflow_runner=RUNNER,
        interceptors=interceptors,
        deployment_config=deployment_of(settings),
        max_cached_workflows=settings.cached_workflows if tells_stories else 0,
        max_concurrent_workflow_tasks=settings.story_workflow_tasks_at_once
        if tells_stories
        else None,
        max_concurrent_activities=activities_at_once,
        graceful_shutdown_timeout=timedelta(seconds=settings.shutdown_seconds),
    )
