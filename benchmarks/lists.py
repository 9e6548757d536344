"""How long the console's lists and searches take where a world has very many quests.

The canon is the example's. Each is the whole page: the database, the shaping and the HTML, asked
for in this process without a socket; beside it the same first rows by a bare query on the table,
in the same run. The pages of ops stand over a development server of Temporal's with workflows that
nobody serves, half of them terminated; their floor is a bare list of as many.
"""

import argparse
import asyncio
import re
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from loreloom.api.app import create_app
from loreloom.api.parts import AppParts
from loreloom.content.arc_files import arc_files, read_arc
from loreloom.domain.ids import WorldId
from loreloom.knowledge.embedding import Embedder, EmbeddingConfig
from loreloom.state.arcs import keep_definition
from loreloom.state.keys import Scope, ensure_key, new_secret
from loreloom.state.store import Store
from loreloom.state.worlds import create_world
from loreloom.workers.embedded.stack import PartName, Stack
from loreloom.workers.settings import PROJECT, Settings
from loreloom.workers.temporal_connection import connect
from loreloom.workflows import attributes
from loreloom.workflows.roles import DEFAULT_QUEUE_PREFIX, Role, queue_of
from loreloom.workflows.signatures import QUEST
from tests.builders import a_world_record
from tests.knowledge.conftest import ingest_into
from tests.quest.stage import eventually

WORLD = WorldId("world")
FIRST_PAGE_MS, SEARCH_MS = 200, 300
PLAYERS = 100_000
QUESTERS = 1000
"""The players that have quests, arcs and workflows: each has a hundred quests or so."""
ARCS = 5000
OPS_PAGE = 100
"""Workflows on a page of ops."""
AT_ONCE = 20

_PLAYERS = text(
    """
    INSERT INTO players (world_id, player_id, name)
    SELECT :world, 'player-' || n, 'Player ' || n FROM generate_series(0, :players - 1) AS n
    """
)
_QUESTS = text(
    """
    INSERT INTO quests (quest_id, world_id, player_id, request, state, plan, story, citations,
                        created_at)
    SELECT 'quest-' || n, :world, 'player-' || n % :questers,
        jsonb_build_object('kind', (ARRAY['side', 'daily', 'main', 'event'])[1 + n % 4]),
        CASE WHEN n % 1000 = 0 THEN 'broken' WHEN n % 10 = 0 THEN 'active' ELSE 'completed' END,
        jsonb_build_object(
            'kind', 'side', 'difficulty', 'normal', 'level', 1, 'region', 'Region ' || n % 8,
            'offer_seconds', 3600, 'objectives', jsonb_build_array(
                jsonb_build_object('objective_id', 'one', 'kind', 'collect', 'required', 3,
                                   'target', 'Thing ' || n % 500),
                jsonb_build_object('objective_id', 'two', 'kind', 'deliver',
                                   'target', 'Thing ' || n % 300, 'to', 'Person ' || n % 2000))),
        jsonb_build_object('title', 'The errand ' || n, 'summary', repeat('Somebody waits. ', 12),
            'giver', 'Person ' || n % 700, 'offer', repeat('Will you go? ', 10),
            'objectives', jsonb_build_object('one', repeat('Fetch it. ', 8), 'two', 'Bring it.')),
        '[]', now() - make_interval(secs => :quests - n)
    FROM generate_series(1, :quests) AS n
    """
)
_ARCS = text(
    """
    INSERT INTO arcs (arc_id, world_id, player_id, arc, digest, state, seq, beat, outcome,
                      created_at, updated_at)
    SELECT 'arc-' || n, :world, CASE WHEN n % 10 <> 0 THEN 'player-' || n % :questers END,
        d.arc, d.digest, CASE WHEN n % 4 = 0 THEN 'running' ELSE 'ended' END, 3,
        CASE WHEN n % 4 = 0 THEN d.definition->>'start' END,
        CASE WHEN n % 4 <> 0 THEN 'done' END,
        now() - make_interval(secs => :arcs - n), now() - make_interval(secs => :arcs - n)
    FROM generate_series(1, :arcs) AS n
    JOIN (SELECT *, row_number() OVER (ORDER BY arc) AS number, count(*) OVER () AS definitions
          FROM arc_definitions) AS d ON d.number = 1 + n % d.definitions
    """
)
_FLOOR = text("SELECT * FROM quests WHERE world_id = :world ORDER BY created_at DESC LIMIT 51")


async def fill(store: Store, quests: int) -> None:
    """One world with its players, quests and arcs."""
    await create_world(store, a_world_record(WORLD))
    async with store.transaction() as tx:
        for file in arc_files(PROJECT / "content" / "arcs"):
            await keep_definition(tx, read_arc(file))
        await tx.run(_PLAYERS, {"world": WORLD, "players": PLAYERS})
        await tx.run(_QUESTS, {"world": WORLD, "questers": QUESTERS, "quests": quests})
        await tx.run(_ARCS, {"world": WORLD, "questers": QUESTERS, "arcs": ARCS})
    async with store.reading() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("ANALYZE players, quests, arcs"))


async def tell(temporal: Client, workflows: int) -> None:
    """So many stories in Temporal, of which half were terminated; once all of them are listed."""
    places = asyncio.Semaphore(AT_ONCE)

    async def begin(number: int) -> None:
        player = f"player-{number % QUESTERS}"
        about = [
            SearchAttributePair(attributes.WORLD, WORLD),
            SearchAttributePair(attributes.PLAYER, player),
        ]
        async with places:
            story = await temporal.start_workflow(
                QUEST,
                id=f"quest/quest-{number}",
                task_queue=queue_of(Role.STORY, DEFAULT_QUEUE_PREFIX),
                search_attributes=TypedSearchAttributes(about),
            )
            if number % 2:
                await story.terminate("a benchmark ends it")

    await asyncio.gather(*map(begin, range(workflows)))

    async def all_listed() -> bool:
        ended = await temporal.count_workflows("ExecutionStatus = 'Terminated'")
        return ended.count == workflows // 2

    await eventually(all_listed, "Temporal lists them")


async def median_ms(ask: Callable[[], Awaitable[object]], times: int) -> float:
    """The median time of asking, once it has been asked before."""
    await ask()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


async def sign_in(client: httpx.AsyncClient, secret: str) -> None:
    """Sign in as a browser would."""
    page = await client.get("/console/sign-in")
    found = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert found is not None
    form = {"form_token": found[1], "key": secret, "next": "/console/worlds"}
    assert (await client.post("/console/sign-in", data=form)).status_code == 303


async def measure(store: Store, temporal: Client, quests: int, workflows: int, times: int) -> bool:
    """Print what each list takes; whether all are within their bound."""
    embedder = Embedder.load(EmbeddingConfig())
    for document in sorted((PROJECT / "content" / "lore").glob("*.md")):
        await ingest_into(store, embedder, document.name, document.read_text("utf-8"))
    app = create_app(AppParts(store, temporal, embedder))
    secret = new_secret()
    await ensure_key(store, "bench", secret, frozenset({Scope.OPS}))
    list_of, players_of, arcs_of = (
        f"/console/worlds/{WORLD}/{list}" for list in ("quests", "players", "arcs")
    )
    asked = {
        "worlds": ("/console/worlds", FIRST_PAGE_MS),
        "players: first page": (players_of, FIRST_PAGE_MS),
        "players: a name": (f"{players_of}?named=layer+77777", SEARCH_MS),
        "players: a name that none has": (f"{players_of}?named=Nobody", SEARCH_MS),
        "arcs: first page": (arcs_of, FIRST_PAGE_MS),
        "arcs: a player's": (f"{arcs_of}?player_id=player-7", SEARCH_MS),
        "arcs: a name that none has": (f"{arcs_of}?entity=Nobody", SEARCH_MS),
        "documents": ("/console/canon/default", FIRST_PAGE_MS),
        "entities": ("/console/canon/default/entities", FIRST_PAGE_MS),
        "canon: a question": ("/console/canon/default?q=who+keeps+the+bridge", SEARCH_MS),
        "canon: as a player": (
            "/console/canon/default?q=who+keeps+the+bridge&player_id=player-7",
            SEARCH_MS,
        ),
        "quests: first page": (list_of, FIRST_PAGE_MS),
        "quests: a player's": (f"{list_of}?player_id=player-7", SEARCH_MS),
        "quests: a rare state": (f"{list_of}?state=broken", SEARCH_MS),
        "quests: a state that none has": (f"{list_of}?state=failed", SEARCH_MS),
        "quests: kind and region": (f"{list_of}?kind=event&region=Region+3", SEARCH_MS),
        "quests: a name": (f"{list_of}?entity=Person+1999", SEARCH_MS),
        "quests: a name that none has": (f"{list_of}?entity=Nobody", SEARCH_MS),
        "quests: an hour long ago": (f"{list_of}?until=2000-01-01T00:00", SEARCH_MS),
        "ops: what is wrong": ("/console/ops", FIRST_PAGE_MS),
        "ops: workflows": ("/console/ops/workflows", FIRST_PAGE_MS),
        "ops: terminated ones": ("/console/ops/workflows?state=terminated", FIRST_PAGE_MS),
        "ops: a player's": ("/console/ops/workflows?player_id=player-7", FIRST_PAGE_MS),
        "ops: replays": ("/console/ops/replays", FIRST_PAGE_MS),
    }
    title = (
        f"{quests} quests, {PLAYERS} players, {ARCS} arcs, {workflows} workflows,"
        f" {times} times each"
    )
    table = Table("list", "median ms", "bound ms", title=title)
    within = True

    async def floor() -> None:
        async with store.reading() as connection:
            (await connection.execute(_FLOOR, {"world": WORLD})).all()

    async def temporal_floor() -> None:
        async for _ in temporal.list_workflows(page_size=OPS_PAGE, limit=OPS_PAGE):
            pass

    table.add_row("floor: 51 rows, bare", f"{await median_ms(floor, times):.1f}", "")
    bare = await median_ms(temporal_floor, times)
    table.add_row(f"floor: {OPS_PAGE} workflows, bare", f"{bare:.1f}", "")
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
        await sign_in(client, secret)
        for address, shown in (
            (list_of, "The errand"),
            (players_of, "Player "),
            (arcs_of, "/arcs/"),
        ):
            assert shown in (await client.get(address)).text
        began = time.perf_counter()
        wrong = (await client.get("/console/ops")).text
        took = (time.perf_counter() - began) * 1000
        assert "terminated" in wrong
        table.add_row("ops: what is wrong, never looked at", f"{took:.1f}", "")
        for name, (address, bound) in asked.items():
            assert (await client.get(address)).status_code == 200
            taken = await median_ms(partial(client.get, address), times)
            within &= taken <= bound
            table.add_row(name, f"{taken:.1f}", str(bound))
    Console().print(table)
    return within


async def run(settings: Settings, quests: int, workflows: int, times: int) -> bool:
    """Fill a database and a Temporal server, and measure on them."""
    store = Store(settings.required_database_url())
    try:
        temporal = await connect(settings)
        await fill(store, quests)
        await tell(temporal, workflows)
        return await measure(store, temporal, quests, workflows, times)
    finally:
        await store.close()


def main() -> int:
    """Measure; returns 1 if a list is over its bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quests", type=int, default=100_000)
    parser.add_argument("--workflows", type=int, default=400)
    parser.add_argument("--times", type=int, default=15)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loreloom-bench-", ignore_cleanup_errors=True) as home:
        settings = Settings(loreloom_home=Path(home), database_url=None)
        with Stack(settings, parts=[PartName.POSTGRES, PartName.TEMPORAL]) as stack:
            measured = run(stack.settings, given.quests, given.workflows, given.times)
            return int(not asyncio.run(measured))


if __name__ == "__main__":
    raise SystemExit(main())
