"""Creating once, whatever is repeated, at once or later, and whoever dies in between."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text
from temporalio.client import Client

from loreloom.state import idempotency
from tests.api.counting import COUNTED, counts
from tests.quest.stage import eventually
from tests.support.serving import Api

KEYED = {"Idempotency-Key": "k1"}


async def worlds(api: Api) -> int:
    return len((await api.game.get("/v1/worlds?limit=200")).json()["items"])


async def test_a_repeat_gets_the_first_answer(api: Api) -> None:
    first = await api.game.post("/v1/worlds", json={"name": "A"}, headers=KEYED)
    again = await api.game.post(
        "/v1/worlds",
        content=b'{ "name" : "A" }',
        headers={**KEYED, "Content-Type": "application/json"},
    )
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await worlds(api) == 1


async def test_the_key_of_another_request_is_refused(api: Api) -> None:
    await api.game.post("/v1/worlds", json={"name": "A"}, headers=KEYED)
    other = await api.game.post("/v1/worlds", json={"name": "B"}, headers=KEYED)
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    assert await worlds(api) == 1
    # Another caller's key of the same text is its own.
    assert (await api.ops.post("/v1/worlds", json={"name": "B"}, headers=KEYED)).status_code == 201


async def test_duplicates_at_once_create_one(api: Api) -> None:
    async def create() -> httpx.Response:
        while True:
            made = await api.game.post("/v1/worlds", json={"name": "A"}, headers=KEYED)
            if made.status_code != 409:
                return made
            assert made.json()["code"] == "request_in_progress"
            assert int(made.headers["Retry-After"]) >= 1
            await asyncio.sleep(0.02)

    made = await asyncio.gather(*(create() for _ in range(20)))
    assert {answer.status_code for answer in made} == {201}
    assert len({answer.text for answer in made}) == 1
    assert await worlds(api) == 1


async def test_a_refused_request_leaves_its_key_free(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    body = {"player_id": "mara"}
    address = f"/v1/worlds/{world_id}/quests"
    assert (await api.game.post(address, json=body, headers=KEYED)).status_code == 404
    await api.player(world_id)
    assert (await api.game.post(address, json=body, headers=KEYED)).status_code == 202


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("act", ["accept", "abandon"])
async def test_an_act_whose_answer_was_not_kept_is_answered_again_after_the_quest_has_ended(
    api: Api, temporal_client: Client, act: str
) -> None:
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    quest = await api.offered(world_id)
    address = f"/v1/quests/{quest['quest_id']}"
    first = await api.game.post(f"{address}/{act}", headers=KEYED)
    if act == "accept":
        await api.game.post(f"{address}/abandon")
    await temporal_client.get_workflow_handle(quest["workflow_id"]).result()
    async with api.parts.store.transaction() as tx:
        await tx.run(
            text(
                "UPDATE idempotent_requests SET status = NULL, body = NULL,"
                " created_at = now() - interval '1 hour'"
            )
        )
    again = await api.game.post(f"{address}/{act}", headers=KEYED)
    assert (first.status_code, again.status_code) == (200, 200), again.text
    assert again.json() == first.json()
    other = await api.game.post(f"{address}/{act}", headers={"Idempotency-Key": "k2"})
    assert (other.status_code, other.json()["code"]) == (409, "wrong_state")


@pytest.mark.parametrize("noun", ["worlds", "players", "quests"])
async def test_who_dies_before_the_answer_is_kept_creates_nothing_twice(
    api: Api, noun: str
) -> None:
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    address, body = {
        "worlds": ("/v1/worlds", {"name": "A"}),
        "players": (f"/v1/worlds/{world_id}/players", {"player_id": "ada", "name": "Ada"}),
        "quests": (f"/v1/worlds/{world_id}/quests", {"player_id": "mara"}),
    }[noun]
    first = await api.game.post(address, json=body, headers=KEYED)
    before = await counts(api)
    # What a crash between the creation and the keeping of its answer leaves behind.
    async with api.parts.store.transaction() as tx:
        await tx.run(text("UPDATE idempotent_requests SET status = NULL, body = NULL"))
    early = await api.game.post(address, json=body, headers=KEYED)
    assert (early.status_code, early.json()["code"]) == (409, "request_in_progress")
    async with api.parts.store.transaction() as tx:
        await tx.run(text("UPDATE idempotent_requests SET created_at = now() - interval '1 hour'"))
    resumed = await api.game.post(address, json=body, headers=KEYED)
    assert resumed.status_code == first.status_code
    own_id = f"{noun.removesuffix('s')}_id"
    assert resumed.json()[own_id] == first.json()[own_id]
    assert await counts(api) == before


@pytest.mark.parametrize("noun", ["worlds", "quests"])
async def test_a_run_that_was_taken_for_dead_and_the_one_after_it_create_one(
    api: Api, noun: str
) -> None:
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    address, body = {
        "worlds": ("/v1/worlds", {"name": "A"}),
        "quests": (f"/v1/worlds/{world_id}/quests", {"player_id": "mara"}),
    }[noun]
    before = await counts(api)

    async def create() -> httpx.Response:
        return await api.game.post(address, json=body, headers=KEYED)

    async with api.parts.store.transaction() as tx:
        # Both runs have looked for what they are to create, found nothing, and cannot write it yet.
        await tx.run(text(f"LOCK TABLE {noun} IN EXCLUSIVE MODE"))
        stalled = asyncio.create_task(create())
        await until_waiting(api, 1)
        async with api.parts.store.transaction() as other:
            lapsed = "UPDATE idempotent_requests SET created_at = now() - interval '1 hour'"
            await other.run(text(lapsed))
        resumed = asyncio.create_task(create())
        await until_waiting(api, 2)
    first, second = await asyncio.gather(stalled, resumed)
    own_id = f"{noun.removesuffix('s')}_id"
    assert (first.is_success, second.is_success) == (True, True)
    assert first.json()[own_id] == second.json()[own_id]
    grown = [now - then for now, then in zip(await counts(api), before, strict=True)]
    assert grown == [int(table in (noun, "chronicle")) for table in COUNTED]


async def test_the_same_key_for_another_canon_is_another_request(api: Api) -> None:
    async def add(canon: str) -> httpx.Response:
        body = {"name": "Ada Quill", "kind": "person"}
        address = "/v1/lore/entities"
        return await api.designer.post(address, params={"canon": canon}, json=body, headers=KEYED)

    first = await add("one")
    assert first.status_code == 201, first.text
    other = await add("two")
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    again = await add("one")
    assert (again.status_code, again.json()) == (201, first.json())


async def until_waiting(api: Api, count: int) -> None:
    """Return once so many statements of the test's database wait for a lock."""
    asked = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )

    async def there() -> bool:
        async with api.parts.store.reading() as connection:
            return (await connection.execute(asked)).scalar_one() >= count

    await eventually(there, f"{count} statements wait for a lock")


async def test_old_keys_are_forgotten(api: Api) -> None:
    await api.game.post("/v1/worlds", json={"name": "A"}, headers=KEYED)
    assert await idempotency.expire(api.parts.store, timedelta(hours=1)) == 0
    assert await idempotency.expire(api.parts.store, timedelta(0)) == 1
