"""`loreloom arcs`: checking arcs before anybody plays them, and moving those that run."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from loreloom.workers.client import ApiClient, Json
from loreloom.workers.commands.output import (
    AsJson,
    calling,
    given_settings,
    reading_content,
    show,
)

arcs = typer.Typer(help="Story arcs.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(arcs, name="arcs")


@arcs.command("list")
def list_command(
    world_id: str,
    player: Annotated[str | None, typer.Option(help="Of one player.")] = None,
    state: Annotated[str | None, typer.Option(help="In one state.")] = None,
    arc: Annotated[str | None, typer.Option(help="By one name in the content.")] = None,
    region: Annotated[str | None, typer.Option(help="A beat speaks of this region.")] = None,
    entity: Annotated[
        str | None, typer.Option(help="A beat speaks of this person, faction or region.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="Began then or later (RFC 3339).")] = None,
    until: Annotated[str | None, typer.Option(help="Began before.")] = None,
    moved_since: Annotated[str | None, typer.Option(help="Moved then or later.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List a world's arcs that fit, oldest first."""
    with calling() as api:
        found = api.get(
            f"/v1/worlds/{world_id}/arcs",
            player_id=player,
            state=state,
            arc=arc,
            region=region,
            entity=entity,
            since=since,
            until=until,
            moved_since=moved_since,
            limit=limit,
        )
    show(found, as_json, lambda page: [_line(each) for each in page["items"]])


@arcs.command("check")
def check_command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(exists=True, help="Arcs, or folders of them; else the content's."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find beats that cannot be reached, conditions that cannot hold, dead ends and unknown names.

    Needs no server: arcs are held against the rest of the content folder. Exit 1 if anything is
    found.
    """
    # Imported here because it takes half a second, which no other command need wait for.
    from loreloom.content.arc_surroundings import arcs_at, check_arcs

    settings = given_settings()
    files = list(arcs_at(paths or [settings.arcs]))
    with reading_content():
        found = check_arcs(files, settings.content_folder)
    findings = [
        {"file": str(file), **finding.model_dump(mode="json")}
        for file, of_file in found.items()
        for finding in of_file
    ]
    show({"arcs": len(files), "findings": findings}, as_json, _findings)
    if findings:
        raise typer.Exit(1)


@arcs.command("migrate")
def migrate_command(
    arc: Annotated[str, typer.Argument(help="The arc's name.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen and change nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Move running arcs to the definition as the content has it now.

    An arc moves only within its canon, if the beat at which it stands is there still, and if it
    can come to no beat that it would never leave. Exit 1 if any was refused or
    has not answered; one that has not may be asked again. Each page is said as it is answered.
    """
    answered: list[Json] = []
    try:
        with calling() as api:
            for page in _pages(api, {"arc": arc, "dry_run": dry_run}):
                answered.append(page)
                if not as_json:
                    show(page, as_json, _migrated)
    finally:
        # As one document, also where the API went away: what it answered until then stands.
        if as_json and answered:
            show({**answered[-1], "items": _items(answered)}, as_json, _migrated)
    items = _items(answered)
    if not as_json:
        typer.echo(f"{len(items)} running arcs of {arc}")
    if any(item["outcome"] in ("refused", "unanswered") for item in items):
        raise typer.Exit(1)


def _pages(api: ApiClient, wish: Json) -> Iterator[Json]:
    """The answers to a migration, page by page."""
    after: str | None = None
    while True:
        page = api.post("/v1/arcs/migrate", {**wish, "after": after})
        yield page
        after = page["next"]
        if after is None:
            return


def _items(pages: Iterable[Json]) -> list[Json]:
    return [item for page in pages for item in page["items"]]


def _line(arc: Json) -> str:
    whose = arc["player_id"] or "the world's"
    at = arc["outcome"] or arc["beat"] or ""
    return f"{arc['arc_id']}  {arc['state']:<9} {whose:<12} {arc['title']}: {at}"


def _findings(answer: Json) -> Iterable[str]:
    for one in answer["findings"]:
        yield f"{one['file']}: {one['where']}: {one['message']} ({one['code']})"
    yield f"{answer['arcs']} arcs, {len(answer['findings'])} findings"


def _migrated(answer: Json) -> Iterable[str]:
    for one in answer["items"]:
        reason = f": {one['reason']}" if one["reason"] else ""
        yield f"{one['arc_id']}  at {one['beat']}  {one['outcome']}{reason}"
