"""`loreloom up`, and the processes that it and a real deployment start."""

import asyncio
import re
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from loreloom.workers.commands.output import given_settings, reading_content
from loreloom.workers.embedded.home import HomeInUseError
from loreloom.workers.embedded.parts import PartFailedError
from loreloom.workers.embedded.stack import PartName, Stack
from loreloom.workers.embedded.supervisor import interrupted_by_signals, keep_serving
from loreloom.workers.settings import MissingSettingError, Settings
from loreloom.workflows.roles import Role

INTERRUPTED = 130


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (up, migrate, worker, promote, api):
        app.command()(command)


def up(
    part: Annotated[
        list[PartName] | None, typer.Option(help="Start this part only; may be repeated.")
    ] = None,
) -> None:
    """Start every part that no address is set for, and serve until Ctrl-C."""
    console = Console(highlight=False)

    def say(text: str) -> None:
        console.print(text, markup=False, soft_wrap=True)

    with running_stack(say, part or tuple(PartName)) as stack, suppress(KeyboardInterrupt):
        say(_welcome(stack))
        keep_serving(stack, threading.Event(), say)


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


@contextmanager
def running_stack(
    say: Callable[[str], None], parts: Collection[PartName] = tuple(PartName)
) -> Iterator[Stack]:
    """A started stack, stopped at the end, whatever the end is.

    A part that does not start, and Ctrl-C at any time, end the command with a message and a code.
    A command for which Ctrl-C is a good end takes it itself.
    """
    stack = Stack(given_settings(), parts=parts, say=say)
    with interrupted_by_signals():
        try:
            stack.start()
        except PartFailedError as failure:
            say(failure.report())
            say("everything that was started has been stopped")
            raise typer.Exit(1) from failure
        except HomeInUseError as failure:
            say(str(failure))
            raise typer.Exit(1) from failure
        except KeyboardInterrupt as interrupt:
            say("interrupted while starting; everything has been stopped")
            raise typer.Exit(INTERRUPTED) from interrupt
        try:
            yield stack
        except KeyboardInterrupt as interrupt:
            raise typer.Exit(INTERRUPTED) from interrupt
        finally:
            say("stopping")
            stack.stop()
            say("everything has been stopped")


@contextmanager
def saying_what_is_missing() -> Iterator[None]:
    """Ends the command with a plain message when an address that it needs is not set."""
    try:
        yield
    except MissingSettingError as missing:
        typer.echo(str(missing), err=True)
        raise typer.Exit(2) from missing


def _welcome(stack: Stack) -> str:
    settings = stack.settings
    serves_api = PartName.API in stack.started
    shown = {
        "API": serves_api and f"{settings.api_url} (its pages: {settings.api_url}/docs)",
        "the console": serves_api and f"{settings.api_url}/console",
        "Temporal's UI": settings.temporal_ui_url,
        "Temporal": settings.temporal_address,
        "database": settings.database_url and _without_password(settings.database_url),
        "gold tier": ", ".join(settings.gold_urls) or "none: templates",
        "silver tier": ", ".join(settings.silver_urls) or "none: templates",
        "logs": settings.logs,
        "keys": stack.keys and settings.keys_file,
    }
    lines = ["", "Loreloom serves."]
    lines += [f"  {what:<14} {where}" for what, where in shown.items() if where]
    if stack.keys:
        lines += [f"    {scope:<12} {secret}" for scope, secret in stack.keys.model_dump().items()]
    return "\n".join([*lines, "Ctrl-C stops it; its state is kept."])


def _without_password(url: str) -> str:
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", url)
