"""`loreloom world`: the worlds of an engine, and one of them as it goes on."""

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.live import Live

from loreloom.workers.client import ApiClient, Json
from loreloom.workers.commands.output import AsJson, calling, show
from loreloom.workers.watching import SHOWN, Follower, Watched, when

TICK_SECONDS = 0.25
FOR_EVER = float("inf")

world = typer.Typer(help="Worlds: list them, look, watch one live.", no_args_is_help=True)
WorldArgument = Annotated[str | None, typer.Argument(help="Its id; else the newest world.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(world, name="world")


@world.command("list")
def list_worlds(as_json: AsJson = False) -> None:
    """List the worlds."""
    with calling() as api:
        found = list(api.pages("/v1/worlds"))
    show(found, as_json, lambda worlds: [_line(one) for one in worlds] or ["no worlds"])


@world.command("show")
def show_world(world_id: WorldArgument = None, as_json: AsJson = False) -> None:
    """Show a world now: its time, its weather by region, its factions."""
    with calling() as api:
        found = api.get(f"/v1/worlds/{world_id or _newest(api)}")
    show(found, as_json, _lines)


@world.command()
def watch(
    world_id: WorldArgument = None,
    seconds: Annotated[
        float | None, typer.Option("--for", min=0, help="End by itself after so many seconds.")
    ] = None,
    events: Annotated[
        int | None, typer.Option("--events", min=1, help="End by itself after so many events.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each event as a line of JSON, and nothing else.")
    ] = False,
) -> None:
    """Follow a world live: its clock, its weather and what happens. Ctrl-C ends it."""
    until = time.monotonic() + (FOR_EVER if seconds is None else seconds)
    with suppress(KeyboardInterrupt), calling() as api:
        watched = Watched(api, world_id or _newest(api), datetime.now(UTC))
        if as_json:
            _print_events(api, watched, until, events)
        else:
            _show_live(api, watched, until, events)


def _print_events(api: ApiClient, watched: Watched, until: float, events: int | None) -> None:
    follower, told = Follower(api, watched.world_id, watched.head), 0
    while time.monotonic() < until:
        for entry in follower.heard(TICK_SECONDS):
            typer.echo(json.dumps(entry, ensure_ascii=False))
            told += 1
            if told == events:
                return


def _show_live(api: ApiClient, watched: Watched, until: float, events: int | None) -> None:
    # What happened last is shown from the beginning, but is none of the awaited events.
    began = watched.head
    follower, told = Follower(api, watched.world_id, max(0, began - SHOWN)), 0
    with Live(watched.shown(datetime.now(UTC)), auto_refresh=False) as live:
        while time.monotonic() < until and (events is None or told < events):
            heard = follower.heard(TICK_SECONDS)
            told += sum(entry["id"] > began for entry in heard)
            now = datetime.now(UTC)
            watched.hear(heard, now)
            live.update(watched.shown(now), refresh=True)


def _newest(api: ApiClient) -> str:
    worlds = list(api.pages("/v1/worlds"))
    if not worlds:
        typer.echo("there is no world; POST /v1/worlds starts one", err=True)
        raise typer.Exit(1)
    newest: str = max(worlds, key=lambda one: one["created_at"])["world_id"]
    return newest


def _line(found: Json) -> str:
    return f"{found['world_id']}  {when(found['game_time']):<18} {found['name']}"


def _lines(found: Json) -> Iterable[str]:
    time = found["game_time"]
    pace = "paused" if found["paused"] else f"{found['scale']:g} game seconds a second"
    yield f"{found['name']} ({found['world_id']}), of the canon {found['canon']}"
    yield f"year {time['year']}, {when(time)}, {time['part']}; {pace}"
    for region, here in found["weather"].items():
        yield f"  {region}: {here['state']}, {here['temperature']:.0f} °C"
    if found["factions"]:
        yield "factions: " + ", ".join(faction["name"] for faction in found["factions"])
