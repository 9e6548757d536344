"""Filling in a page's template. Whatever comes from players, models and documents is escaped."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.templating import Jinja2Templates

from loreloom.api.console.session import token_of
from loreloom.api.context import context_of
from loreloom.api.schemas.fields import GameTimeView
from loreloom.domain.calendar import GameTime
from loreloom.domain.money import units
from loreloom.state.keys import KeyIdentity, Scope

TEMPLATES = Path(__file__).with_name("templates")


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **shown: Any,
) -> Response:
    """A page for whoever is signed in."""
    return _PAGES.TemplateResponse(
        request, template, _shared(request) | shown, status, headers=headers
    )


def fragment(template: str, **shown: Any) -> str:
    """A part of a page, for those that are open already."""
    return _ENVIRONMENT.get_template(template).render(shown)


def _shared(request: Request) -> dict[str, Any]:
    reader: KeyIdentity | None = getattr(request.state, "reader", None)
    return {
        "reader": reader,
        "is_ops": reader is not None and Scope.OPS in reader.scopes,
        "form_token": token_of(request),
        "world": None,
        "temporal_ui": temporal_link_of(request),
    }


def temporal_link_of(request: Request) -> "TemporalLinks | None":
    """Where Temporal's own pages of workflows are, if that is known."""
    parts = context_of(request).parts
    address = parts.config.temporal_ui_url
    return TemporalLinks(address, parts.temporal.namespace) if address else None


class TemporalLinks:
    """Addresses in Temporal's own UI."""

    def __init__(self, address: str, namespace: str) -> None:
        self._base = f"{address.rstrip('/')}/namespaces/{quote(namespace, safe='')}/workflows"

    def of(self, workflow_id: str) -> str:
        """The page of a workflow's newest run."""
        return f"{self._base}/{quote(workflow_id, safe='')}"


def game_words(time: GameTime | GameTimeView) -> str:
    """A moment of a world as people say it: ``day 3 of autumn, 14:05``."""
    day = (
        f"{time.day_of_month} {time.month}"
        if time.month is not None
        else f"day {time.day} of {time.season}"
    )
    return f"{day}, {time.hour:02}:{time.minute:02}"


def in_words(name: object) -> str:
    """A code or a state as people read it."""
    return str(name).replace("_", " ")


def said(value: object) -> object:
    """What an entry carries as people read it: names with their values, and lists, in a row."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {said(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(str(said(each)) for each in value)
    return value


def grouped(number: float | Decimal) -> str:
    """A number with thin spaces between its thousands."""
    return f"{number:,}".replace(",", "\N{THIN SPACE}")


def degrees(number: float) -> str:
    """A temperature without fractions, with a true minus; what is near nothing has no sign."""
    return f"{round(number)}".replace("-", "\N{MINUS SIGN}")


def grouped_units(amount: int, currency: str) -> str:
    """An amount in minor units as a number of the currency's own units."""
    return grouped(units(amount, currency))


def in_address(text: object) -> str:
    """Text as one step of an address's path."""
    return quote(str(text), safe="")


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        said=said,
        game=game_words,
        in_words=in_words,
        grouped=grouped,
        in_units=grouped_units,
        in_address=in_address,
        degrees=degrees,
    )
    return made


_ENVIRONMENT = _environment()
_PAGES = Jinja2Templates(env=_ENVIRONMENT)
