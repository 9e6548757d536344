"""What all commands that call the API share: errors in words, and output as text or as JSON."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError

from loreloom.content.arc_files import ArcFileError
from loreloom.content.files import ContentError
from loreloom.generation.templates import TemplateFileError
from loreloom.workers.client import ApiClient, ApiProblem, ApiUnreachable, NoKey
from loreloom.workers.settings import MissingSettingError, Settings

T = TypeVar("T")
AsJson = Annotated[bool, typer.Option("--json", help="Print the data as JSON.")]


def given_settings() -> Settings:
    """The settings of the environment; wrong ones end the command with a line for each."""
    try:
        return Settings()
    except ValidationError as error:
        for wrong in error.errors(include_url=False, include_context=False, include_input=False):
            reason = wrong["msg"].removeprefix("Value error, ")
            typer.echo(f"{str(wrong['loc'][0]).upper()}: {reason}", err=True)
        raise typer.Exit(2) from None


@contextmanager
def calling(code: int = 1) -> Iterator[ApiClient]:
    """A client of the API; what goes wrong ends the command with a line that says so, and with
    ``code``."""
    try:
        with ApiClient.of(given_settings()) as api:
            yield api
    except (ApiProblem, ApiUnreachable, NoKey, TimeoutError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(code) from error


@contextmanager
def saying_what_is_missing() -> Iterator[None]:
    """Ends the command with a plain message when an address that it needs is not set."""
    try:
        yield
    except MissingSettingError as missing:
        typer.echo(str(missing), err=True)
        raise typer.Exit(2) from missing


@contextmanager
def reading_content() -> Iterator[None]:
    """A file of the content that cannot be used ends the command with a line that says why."""
    try:
        yield
    except (ContentError, ArcFileError, TemplateFileError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def show(data: T, as_json: bool, lines: Callable[[T], Iterable[str]]) -> None:
    """Print data, as JSON or in the lines that a person reads."""
    if as_json:
        typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    for line in lines(data):
        typer.echo(line)
