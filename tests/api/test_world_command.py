"""`loreloom world`: worlds as the command line lists, shows and follows them."""

import asyncio
import io
import json
import signal
import sys
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console, RenderableType
from sqlalchemy import update

from loreloom.state.keys import Scope
from loreloom.state.tables.worlds import World
from loreloom.workers.commands.output import calling
from loreloom.workers.watching import Watched
from tests.quest.stage import eventually
from tests.support.commands import SECONDS, loreloom
from tests.support.serving import Api
from tests.support.signals import as_at_a_terminal


@pytest.fixture
def found(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """An API that the command line finds."""
    monkeypatch.setenv("LORELOOM_PORT", api.url.rpartition(":")[2])
    monkeypatch.setenv("LORELOOM_KEY", api.secrets[Scope.GAME])
    return api


async def test_worlds_are_listed_and_shown(found: Api) -> None:
    none = await loreloom("world", "show")
    assert none.exit_code == 1
    first = await found.world(name="First")
    second = await found.world(name="Second")
    listed = await loreloom("world", "list")
    assert [line.split()[0] for line in sorted(listed.output.splitlines())] == sorted(
        world["world_id"] for world in (first, second)
    )
    assert {one["name"] for one in json.loads((await loreloom("world", "list", "--json")).output)}
    shown = (await loreloom("world", "show", first["world_id"])).output
    assert "First" in shown
    assert "Upper Market: " in shown
    # Without an id, it is the one that was started last.
    newest = json.loads((await loreloom("world", "show", "--json")).output)
    assert newest["world_id"] == second["world_id"]


async def test_watching_shows_what_changes_meanwhile(found: Api, worker: None) -> None:
    world = (await found.world(name="Shard"))["world_id"]
    clock = f"/v1/worlds/{world}/clock"

    async def moves() -> None:
        (
            await found.game.patch(clock, json={"advance_hours": 17, "paused": True})
        ).raise_for_status()

    watching = asyncio.create_task(loreloom("world", "watch", world, "--events", "4"))
    await eventually(lambda: followed(found), "the stream is open")
    await moves()
    shown = (await watching).output
    assert "Shard · year 1" in shown
    assert ", 01:0" in shown
    assert "paused" in shown
    assert "Harbour" in shown
    assert "clock.dusk" in shown


@pytest.mark.parametrize(
    ("scale", "meanwhile", "then"),
    [
        (1, timedelta(minutes=0), timedelta(hours=1)),
        (10_000, timedelta(seconds=0.9), timedelta(seconds=1)),
    ],
    ids=["with each hour", "once a second at most"],
)
async def test_a_watched_world_is_read_anew_with_the_hour(
    found: Api, scale: float, meanwhile: timedelta, then: timedelta
) -> None:
    world_id = (await found.world(name="Shard"))["world_id"]
    await altered(found, world_id, scale=scale)

    def watched() -> list[str]:
        with calling() as api:
            began = datetime.now(UTC)
            watched = Watched(api, world_id, began)
            changing = altered(found, world_id, name="Renamed")
            asyncio.run_coroutine_threadsafe(changing, loop).result(SECONDS)
            shown = []
            for passed in (meanwhile, then):
                watched.hear([], began + passed)
                shown.append(words_of(watched.shown(began + passed)))
            return shown

    loop = asyncio.get_running_loop()
    before, after = await asyncio.to_thread(watched)
    assert "Shard · " in before
    assert "Renamed · " in after


async def altered(api: Api, world_id: str, **to: str | float) -> None:
    """A world is changed, and no entry tells of it."""
    async with api.parts.store.transaction() as tx:
        await tx.run(update(World).where(World.world_id == world_id).values(to))


def words_of(shown: RenderableType) -> str:
    """What a terminal shows."""
    console = Console(file=io.StringIO(), width=120, record=True)
    console.print(shown)
    return console.export_text()


async def test_watching_as_json_ends_after_so_many_events_or_seconds(
    found: Api, worker: None
) -> None:
    world = (await found.world())["world_id"]
    watching = asyncio.create_task(loreloom("world", "watch", "--json", "--events", "2"))
    await eventually(lambda: followed(found), "the stream is open")
    change = {"advance_hours": 12, "paused": True}
    (await found.game.patch(f"/v1/worlds/{world}/clock", json=change)).raise_for_status()
    entries = [json.loads(line) for line in (await watching).output.splitlines()]
    assert [entry["id"] for entry in entries] == [2, 3]
    assert entries[0]["kind"] == "clock.changed"

    assert (await loreloom("world", "watch", world, "--for", "0.5")).exit_code == 0


async def test_ctrl_c_ends_a_watch_in_order(found: Api) -> None:
    await found.world(name="Shard")
    command = (sys.executable, "-m", "loreloom.workers.cli", "world", "watch")
    pipe = asyncio.subprocess.PIPE
    watching = await asyncio.create_subprocess_exec(
        *command, stdout=pipe, stderr=pipe, preexec_fn=as_at_a_terminal
    )
    await eventually(lambda: followed(found), "the stream is open")
    watching.send_signal(signal.SIGINT)
    async with asyncio.timeout(SECONDS):
        out, error = await watching.communicate()
    assert (watching.returncode, error) == (0, b"")
    assert "Shard · year 1" in out.decode()


async def test_an_unknown_world_and_a_wrong_key_are_said_in_words(
    found: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = await loreloom("world", "watch", "no-such-world")
    assert gone.exit_code == 1
    assert "there is no world no-such-world" in gone.output
    monkeypatch.setenv("LORELOOM_KEY", "wrong")
    assert (await loreloom("world", "list")).exit_code == 1


async def followed(api: Api) -> bool:
    """Whether somebody reads a stream."""
    metrics = (await api.nobody.get("/metrics")).text
    (line,) = (line for line in metrics.splitlines() if line.startswith("loreloom_streams"))
    return float(line.split()[-1]) > 0
