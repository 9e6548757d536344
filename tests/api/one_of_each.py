"""The engine as it is deployed, selling, with a world that holds one of everything in it.

Its clock is paused, so that only what is asked for moves it. Beside it is a world of others.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
from pydantic import SecretStr

from loreloom.state.databases import drop_database
from loreloom.workers.client import ApiClient, Json
from loreloom.workers.embedded.keys import StackKeys
from loreloom.workers.embedded.ports import free_port
from loreloom.workers.embedded.stack import PartName, Stack
from tests.conftest import copy_database
from tests.payments.conftest import an_event, signed
from tests.support.servers import settings_for_tests
from tests.support.whole_store import digests_through

Rows = dict[str, str | None]
"""A digest of each table's rows."""

QUIET_SECONDS = 0.25
PATIENCE_SECONDS = 30.0
EVENT = "evt_one"
ARC, WAITS = "the-two-copies", "while-it-lasts"
CURSORS = (("arcs", "heard"), ("arcs", "clock_seen"))
"""How far a sweep has read for an arc: it goes on by itself every few seconds."""
VERDICTS = frozenset({"refused_acts"})
"""What stood against an act that was refused for the hour or the weather is kept, so that a reset
of its quest refuses it again. Nothing that is played or read changes by it."""


@dataclass(frozen=True)
class OneOfEach:
    """Where the API is, its keys, and the ids of what there is, by their names in paths and bodies.

    ``others`` holds ids of the other world.
    """

    url: str
    keys: StackKeys
    ids: dict[str, str]
    others: dict[str, str]
    database: psycopg.Connection[tuple[str, str | None]]

    def state(self) -> Rows:
        """Every table's rows, as a digest each, but for what a refusal or a sweep leaves."""
        found = digests_through(self.database, CURSORS)
        return {table: rows for table, rows in found.items() if table not in VERDICTS}

    def settled(self) -> Rows:
        """The state once nothing that was set going changes it any more."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        before = self.state()
        while True:
            time.sleep(QUIET_SECONDS)
            now = self.state()
            if now == before:
                return now
            assert time.monotonic() < deadline, f"{changed(before, now)} are never quiet"
            before = now

    def pause(self, world_id: str) -> None:
        """Stop a world's clock, so that only requests change anything in it."""
        with ApiClient(self.url, self.keys.ops) as api:
            api.patch(f"/v1/worlds/{world_id}/clock", {"paused": True})


def changed(before: Rows, after: Rows) -> set[str]:
    """The tables that are not as they were."""
    return {table for table in after if before[table] != after[table]}


@contextmanager
def one_of_each(
    template_url: str, temporal_address: str, temporal_namespace: str, home: Path
) -> Iterator[OneOfEach]:
    """Start the engine and fill it through its own API."""
    database = copy_database(template_url)
    settings = settings_for_tests(
        home,
        database_url=database,
        temporal_address=temporal_address,
        temporal_namespace=temporal_namespace,
        task_queue_prefix=f"test-{secrets.token_hex(6)}",
        loreloom_port=free_port(),
    )
    with (
        dropped_at_the_end(database),
        Stack(settings, parts=[PartName.STRIPE, PartName.WORKER, PartName.API]) as stack,
        psycopg.connect(database.replace("+psycopg", ""), autocommit=True) as connection,
    ):
        assert stack.keys is not None
        with ApiClient(stack.settings.api_url, stack.keys.ops) as api:
            ids, others = _filled(api), _others(api)
        (secret,) = stack.settings.stripe_webhook_secrets
        _told_by_the_provider(stack.settings.api_url, secret, ids["payment_id"])
        each = OneOfEach(stack.settings.api_url, stack.keys, ids, others, connection)
        each.settled()
        yield each


@contextmanager
def dropped_at_the_end(database: str) -> Iterator[None]:
    """The database goes when the block ends, however it ends."""
    try:
        yield
    finally:
        drop_database(database)


def _others(api: ApiClient) -> dict[str, str]:
    world_id = _world(api, "stranger")
    quest = api.post(f"/v1/worlds/{world_id}/quests", {"player_id": "stranger"})
    api.wait(f"/v1/quests/{quest['quest_id']}", _is("offered"), "the offer")
    entity = api.post("/v1/lore/entities", {"canon": "others", "name": "Wick", "kind": "person"})
    return {
        "world_id": world_id,
        "player_id": "stranger",
        "quest_id": quest["quest_id"],
        "arc_id": _arc(api, world_id, "stranger"),
        "entity_id": entity["entity_id"],
    }


def _world(api: ApiClient, player_id: str) -> str:
    world_id: str = api.post("/v1/worlds", {"name": f"Of {player_id}", "seed": 7})["world_id"]
    api.patch(f"/v1/worlds/{world_id}/clock", {"paused": True})
    api.post(f"/v1/worlds/{world_id}/players", {"player_id": player_id, "name": player_id})
    return world_id


def _filled(api: ApiClient) -> dict[str, str]:
    world_id = _world(api, "mara")
    world = f"/v1/worlds/{world_id}"
    lore = b"# Mother Ash\n\nMother Ash keeps the lamps of the Tenpenny Steps.\n"
    document = api.post_markdown("/v1/lore/documents", lore, name="ash.md")["document_id"]
    api.wait(f"/v1/lore/documents/{document}", _is("ready"), "the document")
    entity = api.post("/v1/lore/entities", {"name": "Wick", "kind": "person"})
    api.post(f"{world}/facts", {"fact": "lamps_are_lit", "player_id": "mara"})
    asked = api.post(f"{world}/quests", {"player_id": "mara"})
    path = f"/v1/quests/{asked['quest_id']}"
    quest = api.wait(path, _is("offered"), "the offer")
    api.post(f"{path}/accept")
    steps = api.get(f"{path}/history")["steps"]
    generation = next(step["generation"] for step in steps if step["generation"])
    payment, subscribed = (_bought(api, world_id, item) for item in ("coin-300", "guild-wick"))
    return {
        "world_id": world_id,
        "player_id": "mara",
        "region": "Staithe Side",
        "document_id": document,
        "entity_id": entity["entity_id"],
        "quest_id": asked["quest_id"],
        "objective_id": quest["objectives"][0]["objective_id"],
        "workflow_id": asked["workflow_id"],
        "generation_id": generation["generation_id"],
        "arc_id": _arc(api, world_id, "mara"),
        "arc": ARC,
        "item": "grey-lamp-coat",
        "payment_id": payment["payment_id"],
        "subscription_id": subscribed["subscription_id"],
        "event_id": EVENT,
    }


def _told_by_the_provider(url: str, secret: SecretStr, payment_id: str) -> None:
    body = an_event("checkout.session.completed", payment_id, EVENT)
    headers = {"Stripe-Signature": signed(body, secret.get_secret_value())}
    httpx.post(f"{url}/v1/webhooks/stripe", content=body, headers=headers).raise_for_status()


def _arc(api: ApiClient, world_id: str, player_id: str) -> str:
    """An arc that waits for its first quest, which is offered."""
    body = {"arc": ARC, "player_id": player_id}
    arc_id: str = api.post(f"/v1/worlds/{world_id}/arcs", body)["arc_id"]
    path = f"/v1/arcs/{arc_id}"
    arc = api.wait(path, lambda found: bool(found["beat"] == WAITS), "the arc's quest")
    (quest_id,) = (step["quest_id"] for step in arc["way"] if step["quest_id"])
    api.wait(f"/v1/quests/{quest_id}", _is("offered"), "the offer")
    return arc_id


def _bought(api: ApiClient, world_id: str, item: str) -> Json:
    body = {"world_id": world_id, "player_id": "mara", "item": item}
    path = f"/v1/payments/{api.post('/v1/payments', body)['payment_id']}"
    payment = api.wait(path, _is("awaiting_payment"), "the checkout")
    httpx.post(payment["checkout"]["url"]).raise_for_status()
    return api.wait(path, _is("fulfilled"), "the delivery")


def _is(state: str) -> Callable[[Json], bool]:
    return lambda found: bool(found["state"] == state)
