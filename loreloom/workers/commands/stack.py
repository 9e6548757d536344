"""`loreloom up`, and the stack as a command has it: started, then stopped whatever happens.

What starts the stack is imported when it is asked for: a deployment has no need to install it.
"""

import re
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from loreloom.workers.commands.output import given_settings
from loreloom.workers.embedded.part_names import PartName

if TYPE_CHECKING:
    from loreloom.workers.embedded.stack import Stack

INTERRUPTED = 130


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(up)


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
        from loreloom.workers.embedded.supervisor import keep_serving

        say(_welcome(stack))
        keep_serving(stack, threading.Event(), say)


@contextmanager
def running_stack(
    say: Callable[[str], None], parts: Collection[PartName] = tuple(PartName)
) -> "Iterator[Stack]":
    """A started stack, stopped at the end, whatever the end is.

    A part that does not start, and Ctrl-C at any time, end the command with a message and a code.
    A command for which Ctrl-C is a good end takes it itself.
    """
    with _saying_what_is_not_installed():
        from loreloom.workers.embedded.home import HomeInUseError
        from loreloom.workers.embedded.parts import PartFailedError
        from loreloom.workers.embedded.stack import Stack
        from loreloom.workers.embedded.supervisor import interrupted_by_signals

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
def _saying_what_is_not_installed() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as missing:
        typer.echo(
            f"the embedded stack is not installed ({missing.name} is missing): it comes with"
            " `pip install 'loreloom[embedded]'`, or with `make setup` in a checkout",
            err=True,
        )
        raise typer.Exit(2) from missing


def _welcome(stack: "Stack") -> str:
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
