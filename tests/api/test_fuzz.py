"""Whatever the OpenAPI page allows and forbids: no 5xx, the answers it promises, and no change by
a request that is refused."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from loreloom.api.parts import ApiConfig, AppParts
from loreloom.api.shop import BadWebhook, Shop
from loreloom.domain.price_book import ItemKind, PriceBook, StoreItem
from loreloom.domain.provider import ToldEvent
from loreloom.knowledge.embedding import Embedder
from loreloom.state.databases import drop_database
from loreloom.state.keys import Scope
from loreloom.state.store import Store
from tests.api.conftest import serving
from tests.conftest import copy_database

EXAMPLES, MORE_EXAMPLES = 20, 100
PLAYED = ("worlds", "players", "quests", "quest_acts", "chronicle", "regions", "workflow_starts")
WRITTEN = ("documents", "document_revisions", "entity_changes")


@dataclass(frozen=True)
class Fuzzed:
    """A served API with a world, a player and a quest in it, and another world beside."""

    url: str
    database: str
    secret: str
    world_id: str
    quest_id: str

    def state(self) -> str:
        """All rows that a request could change, as one digest; chronicle heads among them."""
        with psycopg.connect(self.database.replace("+psycopg", "")) as connection:
            digest = "coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '')"
            parts = [f"(SELECT {digest} FROM {table} t)" for table in (*PLAYED, *WRITTEN)]
            row = connection.execute(f"SELECT {' || '.join(parts)}".encode()).fetchone()
            assert row is not None
            return str(row[0])


def refuses(body: bytes, signature: str) -> ToldEvent:
    """No body that a fuzzer makes is signed by the provider."""
    raise BadWebhook


@pytest.fixture(scope="module")
def fuzzed(
    _template_url: str, temporal_address: str, temporal_namespace: str, embedder: Embedder
) -> Iterator[Fuzzed]:
    """An API in a thread of its own, so that a test that blocks can call it. No worker runs, so
    that nothing but requests changes anything."""
    database = copy_database(_template_url)
    started, stop = threading.Event(), threading.Event()
    found: list[Fuzzed] = []

    async def run() -> None:
        store = Store(database)
        temporal = await Client.connect(
            temporal_address, namespace=temporal_namespace, data_converter=pydantic_data_converter
        )
        config = ApiConfig(
            queue_prefix="fuzz", act_seconds=0.2, regions=("Harbour",), sweep_seconds=3600
        )
        item = StoreItem(
            item="coin", kind=ItemKind.COIN_PACK, name="Coin", about="", prices={"USD": 99}, coin=9
        )
        parts = AppParts(
            store=store,
            temporal=temporal,
            embedder=embedder,
            config=config,
            shop=Shop(book=PriceBook(items=(item,)), read_webhook=refuses),
        )
        async with serving(parts) as api:
            world_id = (await api.world())["world_id"]
            await api.player(world_id)
            quest_id = (await api.quest(world_id))["quest_id"]
            found.append(Fuzzed(api.url, database, api.secrets[Scope.OPS], world_id, quest_id))
            started.set()
            await asyncio.to_thread(stop.wait)
        await store.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert started.wait(60)
    yield found[0]
    stop.set()
    thread.join()
    drop_database(database)


@pytest.fixture(scope="module")
def api_schema(fuzzed: Fuzzed) -> BaseSchema:
    """The OpenAPI page as it is served."""
    return schemathesis.openapi.from_url(f"{fuzzed.url}/openapi.json")


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.mark.parametrize(
    "examples", [EXAMPLES, pytest.param(MORE_EXAMPLES, marks=pytest.mark.soak)]
)
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_request_breaks_anything(
    api_schema: BaseSchema, fuzzed: Fuzzed, mode: GenerationMode, examples: int
) -> None:
    tried = 0
    for found in api_schema.exclude(path_regex="^/(healthz|readyz|metrics)").get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        tried += 1

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def holds(case: schemathesis.Case[Any]) -> None:
            check(case, fuzzed)

        holds()
    assert tried > 20


def check(case: schemathesis.Case[Any], fuzzed: Fuzzed) -> None:
    """Send the case; it is answered as the page says, and changes nothing if it is refused."""
    aim(case, fuzzed)
    before = fuzzed.state()
    answer = case.call(headers={"Authorization": f"Bearer {fuzzed.secret}"})
    if answer.status_code == 503:
        # No worker answers acts here, and that is said so.
        assert answer.json()["code"] == "act_unanswered"
        return
    case.validate_response(answer, checks=CHECKS)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == ["application/problem+json"]
        assert fuzzed.state() == before


def aim(case: schemathesis.Case[Any], fuzzed: Fuzzed) -> None:
    """Let half of the cases name what is there."""
    real = {"world_id": fuzzed.world_id, "quest_id": fuzzed.quest_id, "region": "Harbour"}
    for name, value in real.items():
        if len(str(case.path_parameters.get(name, "x"))) % 2 == 0:
            case.path_parameters[name] = value


def test_ids_of_another_world_change_nothing(fuzzed: Fuzzed) -> None:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {fuzzed.secret}"
    other = session.post(f"{fuzzed.url}/v1/worlds", json={"name": "Other"}).json()["world_id"]
    before = fuzzed.state()
    tries = [
        ("POST", f"/v1/worlds/{other}/quests", {"player_id": "mara"}, 404),
        ("GET", f"/v1/worlds/{other}/players/mara", None, 404),
        ("POST", f"/v1/worlds/{fuzzed.world_id}/quests", {"player_id": "nobody"}, 404),
        ("POST", "/v1/worlds/world_none/players", {"player_id": "x", "name": "X"}, 404),
        ("POST", "/v1/quests/quest_none/accept", None, 404),
        ("PUT", f"/v1/worlds/{other}/regions/Nowhere/weather", {"state": "fog"}, 404),
    ]
    for method, path, body, status in tries:
        answer = session.request(method, fuzzed.url + path, json=body)
        assert answer.status_code == status, path
    assert fuzzed.state() == before
