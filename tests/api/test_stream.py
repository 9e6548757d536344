"""The chronicle as pages and as a stream: each entry once, in order, also over a cut."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import httpx

from loreloom.api.parts import AppParts
from loreloom.domain.ids import PlayerId, WorldId
from loreloom.state.keys import Scope, ensure_key, new_secret, revoke_key
from loreloom.state.store import Event, Store
from loreloom.workers.embedded.stack import PartName, Stack
from tests.support.serving import Api, serving

SSE = {"Accept": "text/event-stream"}


async def tell(store: Store, world_id: str, kind: str = "test.told", player: str = "mara") -> None:
    async with store.transaction() as tx:
        tx.tell(
            Event(
                world_id=WorldId(world_id),
                key=secrets.token_hex(8),
                kind=kind,
                subject="test",
                player_id=PlayerId(player),
                data={"words": "line one\nline two"},
            )
        )


async def events(
    client: httpx.AsyncClient, world_id: str, headers: dict[str, str] | None = None, **params: Any
) -> AsyncIterator[dict[str, Any]]:
    """The events of one connection as dicts of their fields."""
    address = f"/v1/worlds/{world_id}/chronicle"
    headers = {**SSE, **(headers or {})}
    async with client.stream("GET", address, headers=headers, params=params) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        event: dict[str, Any] = {}
        async for line in answer.aiter_lines():
            if not line:
                if "data" in event:
                    yield {**event, "data": json.loads(event["data"])}
                event = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = value


async def take(source: AsyncIterator[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    found = []
    async with asyncio.timeout(20), aclosing(source) as stream:  # type: ignore[type-var]
        async for event in stream:
            found.append(event)
            if len(found) == count:
                break
    return found


async def test_a_page_and_a_stream_tell_the_same(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    for _ in range(4):
        await tell(api.parts.store, world_id)
    page = (await api.game.get(f"/v1/worlds/{world_id}/chronicle?limit=3")).json()
    assert [entry["id"] for entry in page["items"]] == [1, 2, 3]
    rest = await api.game.get(f"/v1/worlds/{world_id}/chronicle", params={"after": page["next"]})
    assert [entry["id"] for entry in rest.json()["items"]] == [4, 5]
    assert rest.json()["next"] is None
    streamed = await take(events(api.game, world_id), 5)
    assert [event["data"] for event in streamed] == page["items"] + rest.json()["items"]
    assert [event["id"] for event in streamed] == ["1", "2", "3", "4", "5"]
    assert streamed[-1]["event"] == "test.told"


async def test_a_stream_goes_on_with_what_happens(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    reading = asyncio.create_task(take(events(api.game, world_id, after=1), 3))
    for _ in range(3):
        await tell(api.parts.store, world_id)
        await asyncio.sleep(0.1)
    assert [event["id"] for event in await reading] == ["2", "3", "4"]


async def test_filters_hold_in_pages_and_streams(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    for kind, player in (("a.one", "mara"), ("a.two", "ada"), ("b.one", "mara")):
        await tell(api.parts.store, world_id, kind, player)
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"kind": "a."}, ["2", "3"]),
        ({"kind": "b.one"}, ["4"]),
        ({"player_id": "mara"}, ["2", "4"]),
        ({"player_id": "mara", "kind": "a."}, ["2"]),
    ]
    for params, ids in cases:
        page = await api.game.get(f"/v1/worlds/{world_id}/chronicle", params=params)
        assert [str(entry["id"]) for entry in page.json()["items"]] == ids, params
        streamed = await take(events(api.game, world_id, **params), len(ids))
        assert [event["id"] for event in streamed] == ids, params


async def test_readers_that_come_back_miss_nothing_while_many_write(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    writers, each = 4, 60
    total = 1 + writers * each

    async def write() -> None:
        for _ in range(each):
            await tell(api.parts.store, world_id)

    async def read(cut: int) -> list[int]:
        seen: list[int] = []
        while len(seen) < total:
            headers = {"Last-Event-ID": str(seen[-1])} if seen else {}
            wanted = min(cut, total - len(seen))
            seen += [int(e["id"]) for e in await take(events(api.game, world_id, headers), wanted)]
        return seen

    found, *_ = await asyncio.gather(
        asyncio.gather(*(read(cut) for cut in (1000, 37, 11))), *(write() for _ in range(writers))
    )
    assert found is not None
    for seen in found:
        assert seen == list(range(1, total + 1))


async def test_a_slow_reader_holds_up_nobody_and_misses_nothing(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    slow = events(api.game, world_id)
    assert (await anext(slow))["id"] == "1"
    for _ in range(30):
        await tell(api.parts.store, world_id)
    quick = await take(events(api.game, world_id), 31)
    assert len(quick) == 31
    rest = await take(slow, 30)
    assert [int(event["id"]) for event in rest] == list(range(2, 32))


async def test_there_is_an_end_to_how_many_streams_are_open(parts: AppParts) -> None:
    async with serving(replace(parts, config=replace(parts.config, streams=1))) as api:
        world_id = (await api.world())["world_id"]
        stream = events(api.game, world_id)
        await anext(stream)
        more = await api.game.get(f"/v1/worlds/{world_id}/chronicle", headers=SSE)
        assert (more.status_code, more.json()["code"]) == (429, "too_many_streams")
        assert more.headers["Retry-After"]
        await stream.aclose()  # type: ignore[attr-defined]
        assert await take(events(api.game, world_id), 1)


async def test_a_burst_of_streams_finds_no_more_room_than_there_is(parts: AppParts) -> None:
    room, knocks = 3, 12
    async with serving(replace(parts, config=replace(parts.config, streams=room))) as api:
        world_id = (await api.world())["world_id"]
        statuses: list[int] = []
        all_answered = asyncio.Event()

        async def knock() -> None:
            address = f"/v1/worlds/{world_id}/chronicle"
            async with api.game.stream("GET", address, headers=SSE) as answer:
                statuses.append(answer.status_code)
                if len(statuses) == knocks:
                    all_answered.set()
                await all_answered.wait()

        async with asyncio.timeout(20):
            await asyncio.gather(*(knock() for _ in range(knocks)))
        assert sorted(statuses) == [200] * room + [429] * (knocks - room)


async def test_heartbeats_keep_a_quiet_stream_open(parts: AppParts) -> None:
    config = replace(parts.config, heartbeat_seconds=0.1)
    async with serving(replace(parts, config=config)) as api:
        world_id = (await api.world())["world_id"]
        address = f"/v1/worlds/{world_id}/chronicle?after=1"
        async with api.game.stream("GET", address, headers=SSE) as answer:
            async for line in answer.aiter_lines():
                if line.startswith(":"):
                    return


async def test_a_revoked_key_ends_its_stream(parts: AppParts) -> None:
    config = replace(parts.config, heartbeat_seconds=0.1, auth_cache_seconds=0.0)
    secret = new_secret()
    async with serving(replace(parts, config=config)) as api:
        await ensure_key(api.parts.store, "short", secret, frozenset({Scope.GAME}))
        world_id = (await api.world())["world_id"]
        headers = {"Authorization": f"Bearer {secret}"}
        async with httpx.AsyncClient(base_url=api.url, headers=headers) as client:
            stream = events(client, world_id)
            await anext(stream)
            await revoke_key(api.parts.store, "short")
            async with asyncio.timeout(20):
                assert [event async for event in stream] == []


async def test_the_api_stops_while_streams_are_open(start_engine: Callable[..., Stack]) -> None:
    stack = await asyncio.to_thread(start_engine)
    assert stack.keys is not None
    headers = {"Authorization": f"Bearer {stack.keys.game}"}
    async with httpx.AsyncClient(base_url=stack.settings.api_url, headers=headers) as client:
        made = await client.post("/v1/worlds", json={"name": "Shard"})
        stream = events(client, made.json()["world_id"])
        assert (await anext(stream))["event"] == "world.created"
        began = time.monotonic()
        stopping = asyncio.create_task(asyncio.to_thread(stack.part(PartName.API).stop))
        assert [event async for event in stream] == []
        await stopping
        assert time.monotonic() - began < 4
