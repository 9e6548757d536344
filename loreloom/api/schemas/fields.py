"""Kinds of field that several schemas share. None lets through what Postgres cannot hold."""

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from loreloom.api.http.cursors import MAX_CURSOR
from loreloom.domain.calendar import GameTime
from loreloom.domain.ids import (
    ArcId,
    CanonName,
    DocumentId,
    EntityId,
    GenerationId,
    PaymentId,
    PlayerId,
    QuestId,
    WhatIfId,
    WorldId,
)

ID = r"^[A-Za-z0-9_][A-Za-z0-9_.:@~+-]{0,99}$"
NAME = r"^[^\x00-\x20\x7f]([^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?$"
CANON = r"^[a-z0-9][a-z0-9_-]{0,62}$"
MAX_BIGINT = 2**63 - 1
MAX_PAGE = 200

Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NAME)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]
CanonField = Annotated[CanonName, Field(pattern=CANON, examples=["default"])]
PlayerIdField = Annotated[
    PlayerId, Field(pattern=ID, description="The game's own id of the player.", examples=["mara"])
]
WorldIdPath = Annotated[WorldId, Path(pattern=ID, examples=["world_5f2c"])]
PlayerIdPath = Annotated[PlayerId, Path(pattern=ID)]
QuestIdPath = Annotated[QuestId, Path(pattern=ID)]
ArcIdPath = Annotated[ArcId, Path(pattern=ID)]
DocumentIdPath = Annotated[DocumentId, Path(pattern=ID)]
EntityIdPath = Annotated[EntityId, Path(pattern=ID)]
PaymentIdPath = Annotated[PaymentId, Path(pattern=ID)]
EventIdPath = Annotated[str, Path(pattern=ID)]
GenerationIdPath = Annotated[GenerationId, Path(pattern=ID)]
WhatIfIdPath = Annotated[WhatIfId, Path(pattern=ID)]
RegionPath = Annotated[str, Path(max_length=100, pattern=NAME)]

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Most items on a page.")]
After = Annotated[
    str | None, Query(max_length=MAX_CURSOR, description="The `next` of the page before.")
]
CanonQuery = Annotated[CanonName, Query(pattern=CANON, description="The canon.")]
OfCanon = Annotated[CanonName | None, Query(pattern=CANON, description="The canon that is meant.")]


class Body(BaseModel):
    """Base of what callers send: unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class View(BaseModel):
    """Base of what callers get."""

    model_config = ConfigDict(frozen=True)


class GameTimeView(View):
    """A moment of a world. ``seconds`` counts game seconds since the world began.

    ``day`` is the day of the season, ``day_of_month`` that of the month, if the world has months.
    """

    seconds: int
    year: int
    season: str
    day: int
    hour: int
    minute: int
    part: str
    month: str | None
    day_of_month: int | None
    holiday: str | None
    moon: str | None

    @classmethod
    def of(cls, time: GameTime) -> "GameTimeView":
        """The view of a moment."""
        return cls(**time.model_dump())


Data = dict[str, Any]
