"""`loreloom climates`: checking climates and the calendar before a world is started by them."""

from collections.abc import Iterable

import typer

from loreloom.content.calendar import load_calendar
from loreloom.content.climates import load_climates
from loreloom.content.files import ContentError
from loreloom.workers.client import Json
from loreloom.workers.commands.output import AsJson, given_settings, show

climates = typer.Typer(help="Climates and the calendar.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(climates, name="climates")


@climates.callback()
def group() -> None:
    """Climates and the calendar."""


@climates.command("check")
def check_command(as_json: AsJson = False) -> None:
    """Check the calendar, the climates and which region has which, as the content has them.

    Needs no server. Exit 1 if a file cannot be used, and why.
    """
    content = given_settings().content_folder
    problems: list[str] = []
    try:
        load_calendar(content)
    except ContentError as error:
        problems.append(str(error))
    try:
        book = load_climates(content)
    except ContentError as error:
        problems.append(str(error))
        names: list[str] = []
    else:
        names = sorted(book.climates)
    show({"climates": names, "problems": problems}, as_json, _lines)
    if problems:
        raise typer.Exit(1)


def _lines(answer: Json) -> Iterable[str]:
    yield from answer["problems"]
    if answer["climates"]:
        yield f"{len(answer['climates'])} climates: {', '.join(answer['climates'])}"
