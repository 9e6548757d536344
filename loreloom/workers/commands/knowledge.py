"""`loreloom ingest` and `loreloom search`: the canon, through the API of a running deployment."""

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from loreloom.workers.client import POLL_SECONDS, ApiClient, ApiProblem, Json
from loreloom.workers.commands.output import AsJson, calling, show

SUFFIXES = (".md", ".markdown")

Canon = Annotated[str, typer.Option(help="The canon that is meant.")]
CanonOrNone = Annotated[str | None, typer.Option(help="The canon; unset, the world's or default.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (ingest, search):
        app.command()(command)


def ingest(
    paths: Annotated[
        list[Path], typer.Argument(exists=True, help="Markdown files, or folders of them.")
    ],
    canon: Canon = "default",
    as_json: AsJson = False,
) -> None:
    """Bring documents into the canon, and wait until they can be read.

    A file that is there unchanged takes no work; a changed one replaces itself. Files of a folder
    are named by their path inside it; two files of one name are refused before any is sent. Exit 1
    if any document was refused or failed.
    """
    with calling() as api:
        answers = ingest_paths(api, paths, Console(stderr=True, highlight=False), canon)
    show({"documents": answers}, as_json, lambda _: map(_outcome, answers))
    if not answers or any(answer["state"] != "ready" for answer in answers):
        raise typer.Exit(1)


def search(
    text: Annotated[str, typer.Argument(help="The question.")],
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many passages.")] = 5,
    document: Annotated[str | None, typer.Option(help="Only in this document.")] = None,
    entity: Annotated[str | None, typer.Option(help="Only where this is named.")] = None,
    player: Annotated[
        str | None, typer.Option(help="As this player would be answered, who knows what is told.")
    ] = None,
    world: Annotated[
        str | None, typer.Option(help="The player's world; its canon is searched.")
    ] = None,
    canon: CanonOrNone = None,
    as_json: AsJson = False,
) -> None:
    """Find the passages of the canon that answer a question, and why each is there."""
    wanted = {
        "q": text,
        "limit": limit,
        "document": document,
        "entity": entity,
        "player_id": player,
        "world_id": world,
        "canon": canon,
    }
    with calling() as api:
        show(api.get("/v1/lore/search", **wanted), as_json, _hits)


def ingest_paths(
    api: ApiClient, paths: Sequence[Path], console: Console, canon: str = "default"
) -> list[Json]:
    """Hand files in, wait until each is ready, failed or refused, and return what became of them.

    Progress is shown on ``console``. Raises ``typer.BadParameter`` if two files have one name.
    """
    files = _by_name(paths)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("documents", total=len(files))
        answers = [_posted(api, canon, name, path) for name, path in files.items()]
        while waiting := [a for a in answers if a["state"] == "ingesting"]:
            progress.update(task, completed=len(answers) - len(waiting))
            for document in waiting:
                document.update(api.get(f"/v1/lore/documents/{document['document_id']}"))
            time.sleep(POLL_SECONDS)
        progress.update(task, completed=len(answers))
    return answers


def _by_name(paths: Sequence[Path]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for name, path in _files(paths):
        other = files.setdefault(name, path)
        if other is not path and not other.samefile(path):
            raise typer.BadParameter(f"{other} and {path} would both be the document {name!r}")
    return files


def _files(paths: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    for path in paths:
        if path.is_dir():
            found = (f for f in sorted(path.rglob("*")) if f.suffix.lower() in SUFFIXES)
            yield from ((f.relative_to(path).as_posix(), f) for f in found if f.is_file())
        else:
            yield path.name, path


def _posted(api: ApiClient, canon: str, name: str, path: Path) -> Json:
    try:
        received = api.post_markdown(
            "/v1/lore/documents", path.read_bytes(), name=name, canon=canon
        )
    except (ApiProblem, OSError) as problem:
        return {"name": name, "state": "refused", "reason": str(problem), "started": False}
    return {**received["document"], "started": received["started"]}


def _outcome(answer: Json) -> str:
    if answer["state"] != "ready":
        return f"{answer['name']}: {answer['state']}: {answer['reason']}"
    done = f"{answer['passages']} passages" if answer["started"] else "unchanged"
    return f"{answer['name']}: {done}"


def _hits(answer: Json) -> Iterable[str]:
    for number, hit in enumerate(answer["hits"], 1):
        yield f"{number}. {' > '.join([hit['document'], *hit['heading_path']])}"
        yield f"   {'; '.join(map(_said, hit['reasons']))}"
        yield f"{hit['text']}\n"


def _said(reason: dict[str, Any]) -> str:
    if reason["way"] == "meaning":
        return f"meaning {reason['score']:.2f}"
    return f"{reason['way']} matched: {', '.join(reason['matched'])}"
