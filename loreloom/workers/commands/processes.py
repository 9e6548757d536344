"""The processes of a deployment, which the embedded stack starts too, and what goes before them."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from loreloom.workers.commands.output import (
    given_settings,
    reading_content,
    saying_what_is_missing,
)
from loreloom.workers.settings import Settings
from loreloom.workflows.roles import Role


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (migrate, worker, promote, api):
        app.command()(command)


def migrate() -> None:
    """Bring the database to the newest schema and register Temporal's search attributes."""
    from loreloom.workers.migrate import migrate_database, migrate_temporal

    settings = given_settings()
    with saying_what_is_missing():
        migrate_database(settings)
        asyncio.run(migrate_temporal(settings))


def worker(
    roles: Annotated[
        str | None, typer.Option(help="Roles of this worker, by commas: " + ", ".join(Role))
    ] = None,
    ready_file: Annotated[
        Path | None, typer.Option(help="A file to write once the worker polls its queues.")
    ] = None,
) -> None:
    """Run a worker until it is told to stop."""
    # Imported here because it takes seconds, which no other command should.
    from loreloom.workers.worker import run_worker

    settings = given_settings()
    if roles is not None:
        settings = settings.with_changes(worker_roles=roles)

    def ready() -> None:
        if ready_file:
            ready_file.touch()

    with saying_what_is_missing(), reading_content():
        uvloop.run(run_worker(settings, settings.worker_roles, ready))


def promote(build: Annotated[str, typer.Argument(help="A build that has workers.")]) -> None:
    """Let new stories begin on a build; those that run stay with theirs."""
    from loreloom.workers.builds import BuildRefused, make_current
    from loreloom.workers.temporal_connection import connect

    async def name_it(settings: Settings) -> str | None:
        return await make_current(await connect(settings), settings, build)

    with saying_what_is_missing():
        try:
            before = asyncio.run(name_it(given_settings()))
        except BuildRefused as refused:
            typer.echo(f"{build} is not taken: {refused}", err=True)
            raise typer.Exit(1) from refused
    typer.echo(f"new stories begin on {build}" + (f", no longer on {before}" if before else ""))


def api() -> None:
    """Serve the API until told to stop."""
    from loreloom.workers.apiserver import run_api

    with saying_what_is_missing(), reading_content():
        run_api(given_settings())
