"""The API as a real server on a real socket, beside the test, with keys of each scope."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from temporalio.client import Client

from loreloom.activities.signatures.quest import QuestRef
from loreloom.api.app import create_app, feed_of
from loreloom.api.context import Context
from loreloom.api.parts import ApiConfig, AppParts
from loreloom.domain.ids import PlayerId, QuestId, WorldId, quest_workflow_id
from loreloom.knowledge.embedding import Embedder, EmbeddingConfig
from loreloom.state.keys import Scope, ensure_key, new_secret
from loreloom.state.quests import QuestDesign, QuestRequest, keep_design, request_quest
from loreloom.state.starts import PlannedStart
from loreloom.state.store import Store
from loreloom.state.worlds import find_world
from loreloom.workers.apiserver import ApiServer
from loreloom.workers.worker import open_workers
from loreloom.workflows.roles import Role
from loreloom.workflows.signatures import QUEST, QuestInput
from tests.api.designs import small_design
from tests.support.servers import settings_for_tests

REGIONS = ("Harbour", "Upper Market")


class QuietServer(ApiServer):
    """A server that leaves the test run's own signals alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True)
class Api:
    """A running API: where it is, what it runs on, and a client for each scope."""

    url: str
    parts: AppParts
    secrets: dict[Scope, str]
    game: httpx.AsyncClient
    designer: httpx.AsyncClient
    ops: httpx.AsyncClient
    nobody: httpx.AsyncClient
    context: Context

    async def world(self, **fields: Any) -> dict[str, Any]:
        """A new world."""
        made = await self.game.post("/v1/worlds", json={"name": "Shard", **fields})
        assert made.status_code == 201, made.text
        return made.json()

    async def player(self, world_id: str, player_id: str = "mara") -> dict[str, Any]:
        """A new player of a world."""
        body = {"player_id": player_id, "name": player_id.title()}
        made = await self.game.post(f"/v1/worlds/{world_id}/players", json=body)
        assert made.status_code == 201, made.text
        return made.json()

    async def quest(self, world_id: str, player_id: str = "mara", **fields: Any) -> dict[str, Any]:
        """A new quest."""
        body = {"player_id": player_id, **fields}
        made = await self.game.post(f"/v1/worlds/{world_id}/quests", json=body)
        assert made.status_code == 202, made.text
        return made.json()

    async def until_state(self, quest_id: str, *states: str, seconds: float = 30) -> dict[str, Any]:
        """The quest once it is in one of the states."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            quest = (await self.game.get(f"/v1/quests/{quest_id}")).json()
            if quest["state"] in states:
                return quest
            assert asyncio.get_running_loop().time() < deadline, f"still {quest['state']}"
            await asyncio.sleep(0.05)

    async def offered(self, world_id: str, design: QuestDesign | None = None) -> dict[str, Any]:
        """A new quest of a design that is given, once it is offered."""
        world = await find_world(self.parts.store, WorldId(world_id))
        assert world is not None
        quest_id = QuestId(f"quest_{secrets.token_hex(6)}")
        ref = QuestRef(quest_id=quest_id, world_id=world.world_id, player_id=PlayerId("mara"))
        start = PlannedStart(
            workflow_id=quest_workflow_id(quest_id),
            workflow=QUEST,
            input=QuestInput(quest=ref).model_dump(mode="json"),
        )
        async with self.parts.store.transaction() as tx:
            await request_quest(tx, quest_id, world.world_id, ref.player_id, QuestRequest(), start)
            await keep_design(tx, quest_id, design or small_design())
        assert await self.context.launcher.launch(start)
        return await self.until_state(quest_id, "offered")

    async def accepted(self, world_id: str, design: QuestDesign | None = None) -> dict[str, Any]:
        """A new quest of a design that is given, once it is accepted."""
        quest = await self.offered(world_id, design)
        answer = await self.game.post(f"/v1/quests/{quest['quest_id']}/accept")
        assert answer.status_code == 200, answer.text
        return quest


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The shipped embedding model, loaded by the first test that embeds."""
    return Embedder(EmbeddingConfig())


@pytest.fixture
def parts(
    store: Store, temporal_client: Client, embedder: Embedder, task_queue_prefix: str
) -> AppParts:
    """What the API of the test is built from."""
    config = ApiConfig(
        queue_prefix=task_queue_prefix, regions=REGIONS, poll_seconds=0.05, sweep_seconds=0.2
    )
    return AppParts(store=store, temporal=temporal_client, embedder=embedder, config=config)


@pytest.fixture
async def api(parts: AppParts) -> AsyncIterator[Api]:
    """A running API; workflows only run in tests that take `worker` too."""
    async with serving(parts) as running:
        yield running


@asynccontextmanager
async def serving(parts: AppParts) -> AsyncIterator[Api]:
    """Serve an API on a free port, on a store of its own over the same database."""
    store = Store(parts.store.engine.url.render_as_string(hide_password=False))
    parts = replace(parts, store=store)
    keys = {scope: new_secret() for scope in Scope}
    for scope, secret in keys.items():
        await ensure_key(store, f"test-{scope}-{secrets.token_hex(4)}", secret, frozenset({scope}))
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    app = create_app(parts)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=3)
    server = QuietServer(config, feed_of(app))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        async with AsyncExitStack() as stack:

            async def client(secret: str | None) -> httpx.AsyncClient:
                headers = {"Authorization": f"Bearer {secret}"} if secret else {}
                made = httpx.AsyncClient(
                    base_url=url,
                    headers=headers,
                    timeout=60,
                    limits=httpx.Limits(max_connections=200),
                )
                return await stack.enter_async_context(made)

            yield Api(
                url=url,
                parts=parts,
                secrets=keys,
                game=await client(keys[Scope.GAME]),
                designer=await client(keys[Scope.DESIGNER]),
                ops=await client(keys[Scope.OPS]),
                nobody=await client(None),
                context=app.state.context,
            )
    finally:
        server.should_exit = True
        await task


@pytest.fixture
def worker_roles() -> tuple[Role, ...]:
    """The roles of `worker`; a test may name fewer."""
    return tuple(Role)


@pytest.fixture
def tier_urls() -> tuple[str, ...]:
    """The model servers of `worker`'s tiers: none, so that texts come from templates."""
    return ()


@pytest.fixture
async def worker(
    database_url: str,
    worker_roles: tuple[Role, ...],
    tier_urls: tuple[str, ...],
    temporal_address: str,
    temporal_namespace: str,
    task_queue_prefix: str,
    tmp_path: Path,
) -> AsyncIterator[None]:
    """A worker of all `worker_roles`, whose tiers are served at `tier_urls`."""
    settings = settings_for_tests(
        tmp_path,
        database_url=database_url,
        temporal_address=temporal_address,
        temporal_namespace=temporal_namespace,
        task_queue_prefix=task_queue_prefix,
        gold_urls=tier_urls,
        silver_urls=tier_urls,
    )
    async with AsyncExitStack() as stack:
        for running in await open_workers(settings, worker_roles, stack):
            await stack.enter_async_context(running)
        yield
