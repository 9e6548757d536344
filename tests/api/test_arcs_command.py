"""`loreloom arcs migrate`: running arcs moved by the command, and those that do not answer."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loreloom.api.parts import AppParts
from loreloom.domain.ids import ArcId, FactId, WorldId
from loreloom.state.arcs import find_arc, way_of
from loreloom.state.facts import make_known
from loreloom.state.keys import Scope
from tests.quest.stage import eventually
from tests.support.commands import loreloom
from tests.support.serving import Api, serving

OLD = """
arc: bell
title: The Bell
scope: player
start: first
beats:
  first:
    kind: wait
    until: {choice: [{choice_id: stay, text: Stay}, {choice_id: go, text: Go}]}
    next: [{to: hold}]
  hold:
    kind: wait
    until: {when: {facts: {all: [the_bell_rang]}}}
    next: [{to: end}]
  end: {kind: end, outcome: done}
"""
NEWS = "  news: {kind: tell, text: Something is said., next: [{to: end}]}\n"
NEW = OLD.replace("{to: hold}", "{to: news}").replace("{to: end}", "{to: news}") + NEWS
COPIES = 100
AT_ONCE = 10


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The one arc of the content."""
    written = tmp_path / "bell.yaml"
    written.write_text(OLD)
    return written


@pytest.fixture
def parts(parts: AppParts, file: Path) -> AppParts:
    """The API's parts, with that arc."""
    return replace(parts, config=replace(parts.config, arcs_folder=file.parent))


@pytest.fixture
def as_designer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Has the command line find an API, with its designer's key."""

    def find(api: Api) -> None:
        monkeypatch.setenv("LORELOOM_PORT", api.url.rpartition(":")[2])
        monkeypatch.setenv("LORELOOM_KEY", api.secrets[Scope.DESIGNER])

    return find


async def begun(api: Api, world_id: str) -> ArcId:
    """A copy of the arc that was asked for."""
    body = {"arc": "bell", "player_id": "mara"}
    made = await api.game.post(f"/v1/worlds/{world_id}/arcs", json=body)
    assert made.status_code == 202, made.text
    return ArcId(made.json()["arc_id"])


async def choose(api: Api, arc_id: ArcId) -> None:
    act = {"action_id": "act", "choice_id": "go"}
    (await api.game.post(f"/v1/arcs/{arc_id}/choose", json=act)).raise_for_status()


async def some_at_once(calls: Sequence[Awaitable[Any]]) -> list[Any]:
    """What the calls give, a few of them under way at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(call: Awaitable[Any]) -> Any:
        async with gate:
            return await call

    return await asyncio.gather(*map(one, calls))


async def all_at(api: Api, copies: Sequence[ArcId], beat: str) -> None:
    """Wait until all of the copies stand at a beat."""
    for copy in copies:

        async def there(copy: ArcId = copy) -> bool:
            arc = await find_arc(api.parts.store, copy)
            return arc is not None and arc.beat == beat

        await eventually(there, f"{copy} at {beat}")


def edited(file: Path) -> None:
    """The arc's file as it is edited while copies run."""
    file.write_text(NEW)


async def test_a_hundred_running_copies_are_moved_and_none_is_stuck(
    api: Api, worker: None, file: Path, as_designer: Any
) -> None:
    as_designer(api)
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    copies = await some_at_once([begun(api, world_id) for _ in range(COPIES)])
    await all_at(api, copies, "first")
    choosing, holding = copies[0::2], copies[1::2]
    await some_at_once([choose(api, copy) for copy in holding])
    await all_at(api, holding, "hold")
    edited(file)

    async def outcomes(*options: str) -> Counter[str]:
        said = await loreloom("arcs", "migrate", "bell", "--json", *options)
        assert said.exit_code == 0, said.output
        items = json.loads(said.output)["items"]
        assert {item["arc_id"] for item in items} == set(copies)
        return Counter(item["outcome"] for item in items)

    assert await outcomes("--dry-run") == {"would_move": COPIES}
    assert await outcomes() == {"moved": COPIES}
    assert await outcomes() == {"current": COPIES}
    await some_at_once([choose(api, copy) for copy in choosing])
    await make_known(api.parts.store, WorldId(world_id), None, FactId("the_bell_rang"), "test")
    await all_at(api, copies, "end")
    for copy in copies:
        way = [step.beat for step in await way_of(api.parts.store, copy)]
        through = ["first", "hold", "news", "end"] if copy in holding else ["first", "news", "end"]
        assert way == through


async def test_what_was_moved_is_said_although_the_api_goes_away_midway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = {"arc_id": "arc_1", "beat": "first", "outcome": "moved", "reason": None}
    page = json.dumps({"arc": "bell", "items": [one], "next": "more"}).encode()

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not asked:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page)
            await writer.drain()
            asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    for options, expected in ((), "arc_1  at first  moved"), (("--json",), '"arc_id": "arc_1"'):
        asked: list[bytes] = []
        async with await asyncio.start_server(once, "127.0.0.1", 0) as server:
            monkeypatch.setenv("LORELOOM_PORT", str(server.sockets[0].getsockname()[1]))
            monkeypatch.setenv("LORELOOM_KEY", "key")
            moved = await loreloom("arcs", "migrate", "bell", *options)
        assert moved.exit_code == 1
        assert expected in moved.output
        assert "nothing answers" in moved.output
        assert "running arcs" not in moved.output


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"act_seconds": 0.2}, "no worker has answered in time"),
        ({"act_gate": 0}, "acts on this arc are under way"),
    ],
)
async def test_an_arc_that_does_not_answer_holds_up_no_other(
    parts: AppParts, file: Path, as_designer: Any, limits: dict[str, Any], said: str
) -> None:
    async with serving(replace(parts, config=replace(parts.config, **limits))) as api:
        as_designer(api)
        world_id = (await api.world())["world_id"]
        await api.player(world_id)
        old = await begun(api, world_id)
        edited(file)
        new = await begun(api, world_id)
        moved = await loreloom("arcs", "migrate", "bell")
        assert moved.exit_code == 1
        lines = {line.split()[0]: line for line in moved.output.splitlines()}
        assert lines[new].endswith("current")
        assert "unanswered: " in lines[old]
        assert said in lines[old]
