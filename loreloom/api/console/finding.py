"""The fields of the forms that find stories, as they come: what was left empty is sent too."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query

from loreloom.api.http.errors import invalid
from loreloom.api.schemas.fields import ID, NAME
from loreloom.domain.ids import PlayerId, WorldId

Empty = Annotated[str, Query(max_length=0)]
OfPlayer = Annotated[PlayerId, Query(pattern=ID)] | Empty | None
OfWorld = Annotated[WorldId, Query(pattern=ID)] | Empty | None
OfName = Annotated[str, Query(max_length=200, pattern=NAME)] | Empty | None
OfDocument = Annotated[str, Query(max_length=300, pattern=NAME)] | Empty | None
Moment = Annotated[str, Query(max_length=30)] | None


def moment(field: str, given: str | None) -> datetime | None:
    """The moment that was given, in UTC unless it says otherwise. Raises ``ApiError``."""
    if not given:
        return None
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        raise invalid(field, "give a day and a time, as 2026-01-31T18:00") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
