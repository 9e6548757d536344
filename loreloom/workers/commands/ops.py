"""`loreloom ops`: what failed and why, replaying it, and what a deploy would break."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from loreloom.api.schemas.ops import StoryKind, StoryQuery, StoryState
from loreloom.workers.client import ApiClient, Json
from loreloom.workers.commands.output import AsJson, calling, show
from loreloom.workers.verifying import Held, NoHistory, Recorded, read_recorded, verify

ops = typer.Typer(help="What failed and why, and replaying it.", no_args_is_help=True)
ROOT = "/v1/ops"
MOST_LOOKED_AT = 200
"""Running stories of a kind among which ``verify`` chooses: the newest and the oldest half."""

NOT_VERIFIED = 2
"""What ``verify`` ends with where it could not hold the histories against the code."""

AGAIN = "stopped: some that were replayed have failed again; mend the cause first"
MORE = "there are more than were looked at; ask again, or for less at a time"

Kind = Annotated[StoryKind | None, typer.Option(help="Only this kind.")]
World = Annotated[str | None, typer.Option(help="Only of this world.")]
Player = Annotated[str | None, typer.Option(help="Only of this player.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(ops, name="ops")


@ops.command()
def failed(
    kind: Kind = None, world: World = None, player: Player = None, as_json: AsJson = False
) -> None:
    """Show what failed or is stuck, grouped by cause."""
    with calling() as api:
        found = api.get(f"{ROOT}/causes", kind=kind, world_id=world, player_id=player)
    show(found, as_json, _causes)


@ops.command()
def workflows(
    kind: Kind = None,
    state: Annotated[
        StoryState | None, typer.Option(help="Only in this state; unset, all but what ended well.")
    ] = None,
    world: World = None,
    player: Player = None,
    cause: Annotated[str | None, typer.Option(help="A cause, as `ops failed` names it.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what runs, the last begun first, and what failed, at which step and why."""
    wanted = {"kind": kind, "state": state, "world_id": world, "player_id": player, "cause": cause}
    with calling() as api:
        found = list(islice(api.pages(f"{ROOT}/workflows", **wanted), limit))
    show(found, as_json, _workflows)


@ops.command()
def health(as_json: AsJson = False) -> None:
    """Show queues, model servers, budgets and what waits. Exit 1 if something is wrong."""
    with calling() as api:
        found = api.get(f"{ROOT}/health")
    show(found, as_json, _health)
    if found["wrong"]:
        raise typer.Exit(1)


@ops.command()
def steps(workflow_id: str, as_json: AsJson = False) -> None:
    """Show the points that a workflow can be replayed from."""
    with calling() as api:
        found = api.get(f"{_path(workflow_id)}/steps")
    show(found, as_json, _steps)


@ops.command()
def replay(
    reason: Reason,
    workflow_id: Annotated[str | None, typer.Argument(help="One workflow.")] = None,
    query: Annotated[
        str | None,
        typer.Option(help="Many: kind=…,state=…,world_id=…,player_id=…,cause=…"),
    ] = None,
    from_point: Annotated[
        str, typer.Option("--from", help="failure, start or a step's name.")
    ] = "failure",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Replay a workflow, or all that a query finds. Exit 1 if any was refused.

    Nothing is granted, charged or told twice. A query is of what failed, a hundred at a time,
    until nothing is left, or until one that was replayed has failed again, which exits 1 too.
    """
    if (workflow_id is None) == (query is None):
        raise typer.BadParameter("name a workflow or a --query")
    body: Json = {"from": from_point, "reason": reason, "dry_run": dry_run}
    with calling() as api:
        if workflow_id is not None:
            items, left = [api.post(f"{_path(workflow_id)}/replay", body)], None
        else:
            items, left = _replay_all(api, {**body, "query": _query(query or "")})
    show({"items": items, "more": left is not None}, as_json, _replayed)
    if left is not None:
        typer.echo(left, err=True)
    if left is AGAIN or any(item["outcome"] == "refused" for item in items):
        raise typer.Exit(1)


@ops.command("repair-player")
def repair_player(
    world_id: str,
    player_id: str,
    reason: Reason,
    name: Annotated[str | None, typer.Option(help="The player's name.")] = None,
    experience: Annotated[int | None, typer.Option(min=0, help="All of it.")] = None,
    coin: Annotated[int | None, typer.Option(min=0, help="All of it.")] = None,
    item: Annotated[list[str] | None, typer.Option(help="THING=COUNT, how many it is.")] = None,
    standing: Annotated[
        list[str] | None, typer.Option(help="FACTION=STANDING, what it is.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put right what a player has. What is named is so afterwards; the rest stays."""
    wanted = {
        "name": name,
        "experience": experience,
        "coin": coin,
        "items": _counts(item) or None,
        "standing": _counts(standing) or None,
    }
    body = {"reason": reason} | {k: v for k, v in wanted.items() if v is not None}
    with calling() as api:
        player = api.patch(f"{ROOT}/worlds/{world_id}/players/{player_id}", body)
    show(player, as_json, _player)


@ops.command("export-player")
def export_player(
    world_id: str,
    player_id: str,
    to: Annotated[Path | None, typer.Option(help="The file to write; else it is printed.")] = None,
) -> None:
    """Take out all that is kept of a player: rows, stories, histories."""
    path = f"{ROOT}/worlds/{world_id}/players/{player_id}/export"
    with calling() as api:
        found = api.get(path)
        while found["next"] is not None:
            page = api.get(path, workflows_after=found["next"])
            found["workflows"] += page["workflows"]
            found["next"] = page["next"]
    text = json.dumps(found, indent=2, ensure_ascii=False)
    if to is None:
        typer.echo(text)
        return
    to.write_text(f"{text}\n", encoding="utf-8")
    typer.echo(f"{len(found['workflows'])} stories written to {to}")


@ops.command("erase-player")
def erase_player(
    world_id: str,
    player_id: str,
    reason: Reason,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Erase a player, rows and histories. What the books need stays under a pseudonym."""
    body = {"reason": reason, "dry_run": dry_run}
    with calling() as api:
        made = api.post(f"{ROOT}/worlds/{world_id}/players/{player_id}/erase", body)
    show(made, as_json, _erasure)


@ops.command()
def erasures(
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show who erased players when and why; of whom there is only the pseudonym."""
    with calling() as api:
        found = api.get(f"{ROOT}/erasures", limit=limit)
    show(found, as_json, _erased)


@ops.command()
def skip(workflow_id: str, reason: Reason, as_json: AsJson = False) -> None:
    """Skip the step that a story does not get past: an epilogue, or what an arc's beat tells.

    What grants, charges or decides something is refused.
    """
    with calling() as api:
        skipped = api.post(f"{_path(workflow_id)}/skip", {"reason": reason})
    show(skipped, as_json, lambda made: [f"{made['workflow_id']}: skipped “{made['told']}”"])


@ops.command()
def settle(
    quest_id: Annotated[str, typer.Argument(help="A quest that cannot be played on.")],
    outcome: Annotated[str, typer.Option(help="completed or failed.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept and shown.")],
    experience: Annotated[int, typer.Option(min=0, help="Given to the player.")] = 0,
    coin: Annotated[int, typer.Option(min=0, help="Given to the player.")] = 0,
    item: Annotated[
        list[str] | None, typer.Option(help="THING=COUNT, given to the player.")
    ] = None,
    standing: Annotated[
        list[str] | None, typer.Option(help="FACTION=CHANGE of the player's standing.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """End a quest with an outcome and a compensation, once; it is replayed no more."""
    body = {
        "outcome": outcome,
        "compensation": {
            "experience": experience,
            "coin": coin,
            "items": _counts(item),
            "standing": _counts(standing),
        },
        "reason": reason,
    }
    with calling() as api:
        settled = api.post(f"{ROOT}/quests/{quest_id}/settle", body)
    show(settled, as_json, _settled)


@ops.command()
def replays(
    workflow: Annotated[str | None, typer.Option(help="Only of this workflow.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show who replayed what, when, from where and why."""
    with calling() as api:
        found = api.get(f"{ROOT}/replays", workflow_id=workflow, limit=limit)
    show(found, as_json, _kept)


@ops.command()
def export(
    workflow_id: str,
    to: Annotated[Path | None, typer.Option(help="The file; unset, it is printed.")] = None,
) -> None:
    """Write a workflow into one file: its histories, its chronicle, its texts and its replays.

    `loreloom ops verify --histories FILE --live 0` replays it where there is no engine.
    """
    with calling() as api:
        found = api.get(f"{_path(workflow_id)}/export")
    text = json.dumps(found, indent=2, ensure_ascii=False)
    if to is None:
        typer.echo(text)
        return
    to.write_text(f"{text}\n", encoding="utf-8")
    typer.echo(f"{len(found['runs'])} runs, {len(found['generations'])} texts written to {to}")


@ops.command("verify")
def verify_command(
    histories: Annotated[
        list[Path] | None,
        typer.Option(exists=True, help="A recorded history, or a folder of them."),
    ] = None,
    live: Annotated[int, typer.Option(min=0, help="How many running stories of each kind.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Replay recorded and running stories against the code as it stands. Changes nothing.

    Exit 1 if a story would break, 2 if that could not be told: the API does not answer, or a file
    holds no history. Of each kind the oldest, the newest and the longest are taken, from the 100
    that began first and the 100 that began last, stuck or not.
    """
    try:
        recorded = [each for path in histories or () for each in read_recorded(path)]
    except NoHistory as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(NOT_VERIFIED) from problem
    if live:
        with calling(NOT_VERIFIED) as api:
            recorded += _sample(api, live)
    # Imported here because it takes seconds, which no other command should.
    from loreloom.workers.worker import WORKFLOWS

    found = asyncio.run(verify(recorded, WORKFLOWS))
    show([each.model_dump() for each in found], as_json, _verified)
    if any(each.breaks for each in found):
        raise typer.Exit(1)


def _counts(given: Iterable[str] | None) -> dict[str, int]:
    """Names with their numbers, from ``NAME=NUMBER``."""
    found: dict[str, int] = {}
    for each in given or ():
        name, _, number = each.rpartition("=")
        try:
            found[name.strip()] = int(number)
        except ValueError:
            raise typer.BadParameter(f"{each}: write NAME=NUMBER") from None
    return found


def _path(workflow_id: str) -> str:
    return f"{ROOT}/workflows/{quote(workflow_id, safe='/')}"


def _query(text: str) -> Json:
    pairs = [part.partition("=") for part in text.split(",") if part]
    given = {name.strip(): value.strip() for name, _, value in pairs}
    unknown = set(given) - set(StoryQuery.model_fields)
    if unknown or not given:
        names = ", ".join(StoryQuery.model_fields)
        raise typer.BadParameter(f"a query names some of {names}")
    return dict(given)


def _replay_all(api: ApiClient, body: Json) -> tuple[list[Json], str | None]:
    """Replay page after page; what to say if something is left.

    Stops where a page replays nothing, and where one that was replayed is found again: what it
    failed by is not mended, and it would fail for ever.
    """
    items: list[Json] = []
    replayed: set[str] = set()
    while True:
        page = api.post(f"{ROOT}/replays", body)
        items += page["items"]
        made = {i["workflow_id"] for i in page["items"] if i["outcome"] == "replayed"}
        if replayed & made:
            return items, AGAIN
        if not page["more"]:
            return items, None
        if not page["replayed"]:
            return items, MORE
        replayed |= made


def _sample(api: ApiClient, count: int) -> Iterator[Recorded]:
    for kind in StoryKind:
        running = api.get(f"{ROOT}/sample", kind=kind, limit=MOST_LOOKED_AT)["items"]
        for story in _spread(running, count):
            history = api.get(f"{_path(story['workflow_id'])}/history")
            yield Recorded(workflow_id=story["workflow_id"], kind=kind, events=history)


def _spread(running: list[Json], count: int) -> list[Json]:
    """The longest, the oldest and the newest, a third of each."""
    if len(running) <= count:
        return running
    by_size = sorted(running, key=lambda story: -story["events"])
    by_age = sorted(running, key=lambda story: story["started_at"])
    orders = zip(by_size, by_age, reversed(by_age), strict=True)
    taken: dict[str, Json] = {}
    for story in (each for order in orders for each in order):
        taken.setdefault(story["workflow_id"], story)
        if len(taken) == count:
            break
    return list(taken.values())


def _causes(found: Json) -> Iterable[str]:
    for cause in found["items"]:
        yield f"{cause['count']:>5} of {cause['players']} players  {cause['cause']}"
        yield f"      {cause['told']}: {cause['message']} (since {cause['since'][:19]})"
    if not found["items"]:
        yield "nothing failed"
    if not found["complete"]:
        yield "there are more: only the newest, and the oldest that run, were looked at"


def _workflows(found: list[Json]) -> Iterable[str]:
    for story in found:
        failing = story["failing"]
        why = f"  {failing['told']}: {failing['message']}" if failing else ""
        yield f"{story['started_at'][:19]}  {story['state']:<10} {story['workflow_id']}{why}"
    if not found:
        yield "no workflows"


def _health(found: Json) -> Iterable[str]:
    for queue in found["queues"]:
        builds = f"  {', '.join(queue['builds'])}" if queue["builds"] else ""
        yield (
            f"{queue['queue']} ({queue['tasks']}): {queue['backlog']} waiting,"
            f" {queue['pollers']} workers{builds}"
        )
    for tier in found["tiers"]["items"]:
        for server in tier["servers"]:
            calls = server["calls"]
            yield (
                f"{tier['tier']} {server['address']}: {server['detail'] or 'answers'},"
                f" {calls['made']} calls in the last hour, {calls['failed']} failed"
            )
    for texts in found["texts"]:
        yield f"{texts['purpose']}: {texts['by_template']} of {texts['made']} texts by template"
    for wrong in found["wrong"] or ["nothing is wrong"]:
        yield f"! {wrong}" if found["wrong"] else wrong


def _steps(found: Json) -> Iterable[str]:
    for step in found["items"]:
        error = f"  FAILED: {step['error']}" if step["failed"] else ""
        yield f"{step['step']:<18} {step['at'][:19]}  {step['told']}{error}"


def _player(player: Json) -> Iterable[str]:
    yield f"{player['player_id']}  {player['name']}, level {player['level']}"
    yield f"{player['experience']} experience, {player['coin']} coin"
    for name, count in (player["inventory"] | player["standing"]).items():
        yield f"{name}: {count}"


def _erasure(made: Json) -> Iterable[str]:
    for table, count in made["rows"].items():
        if count:
            yield f"{table}: {count}"
    yield f"{made['workflows']} stories"
    yield f"erased by {made['workflow_id']}" if made["workflow_id"] else "nothing was erased"


def _erased(found: Json) -> Iterable[str]:
    for kept in found["items"]:
        when, who = kept["at"][:19], kept["by"]
        yield f"{when}  {who}  {kept['pseudonym']} of {kept['world_id']}: {kept['reason']}"


def _settled(settled: Json) -> Iterable[str]:
    given = settled["compensation"]
    said = [f"{given['experience']} experience", f"{given['coin']} coin"]
    said += [f"{count} {name}" for name, count in given["items"].items()]
    said += [f"{change:+} standing with {name}" for name, change in given["standing"].items()]
    yield f"{settled['quest_id']} ended {settled['outcome']}; given: {', '.join(said)}"
    if settled["arc_told"] is not None:
        yield f"{settled['arc_told']} goes on from it"


def _replayed(found: Json) -> Iterable[str]:
    for item in found["items"]:
        said = item["detail"] or item["told"] or ""
        yield f"{item['workflow_id']}  {item['outcome']}: {said}"
    yield f"{len(found['items'])} workflows"


def _kept(found: Json) -> Iterable[str]:
    for kept in found["items"]:
        when, who = kept["at"][:19], kept["by"]
        yield f"{when}  {who}  {kept['workflow_id']} from {kept['from']}: {kept['reason']}"


def _verified(found: list[dict[str, Any]]) -> Iterable[str]:
    broken = [Held.model_validate(each) for each in found if each["breaks"]]
    for each in broken:
        yield f"{each.workflow_id}: event {each.event_id}: {each.breaks}"
    yield f"{len(found)} histories replayed, {len(broken)} would break"
