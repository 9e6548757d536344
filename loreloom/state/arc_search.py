"""Finding arcs among very many, the oldest first."""

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import ColumnElement, cast, or_, select, tuple_
from sqlalchemy import func as sql
from sqlalchemy.dialects.postgresql import JSONPATH

from loreloom.domain.arc_walk import ArcState
from loreloom.domain.ids import PlayerId, WorldId
from loreloom.state.arcs import ArcRecord, arc_rows, record_of
from loreloom.state.paging import Page, page_of
from loreloom.state.store import Store
from loreloom.state.tables.arcs import Arc, ArcDefinitionRow

REGIONS = """$.beats.* ? (
    @.brief.region == $name || @.weather.region == $name
    || @.until.when.weather.region == $name || @.next[*].when.weather.region == $name
)"""
"""The beats of a definition that a region is named by."""
NAMES = """$.beats.* ? (
    @.brief.giver == $name || @.brief.who == $name
    || @.remembered.keyvalue().key == $name || @.factions.keyvalue().key == $name
    || @.standing.keyvalue().key == $name
    || @.until.when.standing.keyvalue().key == $name
    || @.next[*].when.standing.keyvalue().key == $name
)"""
"""The beats that a person or a faction is named by."""


class ArcFilter(BaseModel):
    """Which arcs are looked for; what is ``None`` does not matter.

    ``arc`` is the arc's name in the content. ``region`` and ``entity`` are names that a beat of the
    arc's definition speaks of, whether it has been there or not. ``since`` and ``until`` bound the
    real time at which it began, ``moved_since`` that of its last step.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    player_id: PlayerId | None = None
    state: ArcState | None = None
    arc: str | None = None
    region: str | None = None
    entity: str | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    moved_since: AwareDatetime | None = None


async def list_arcs(
    store: Store, world_id: WorldId, wanted: ArcFilter, *, after: str | None, limit: int
) -> Page[ArcRecord]:
    """A world's arcs, oldest first; ``after`` is the arc that the last page ended with."""
    query = (
        arc_rows()
        .where(Arc.world_id == world_id, *_conditions(wanted))
        .order_by(Arc.created_at, Arc.arc_id)
        .limit(limit + 1)
    )
    if after is not None:
        last = select(Arc.created_at, Arc.arc_id).where(Arc.arc_id == after)
        query = query.where(tuple_(Arc.created_at, Arc.arc_id) > last.scalar_subquery())
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return page_of([record_of(row) for row in rows], limit, lambda arc: arc.arc_id)


def _conditions(wanted: ArcFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.player_id is not None:
        found.append(Arc.player_id == wanted.player_id)
    if wanted.state is not None:
        found.append(Arc.state == wanted.state)
    if wanted.arc is not None:
        found.append(Arc.arc == wanted.arc)
    if wanted.region is not None:
        found.append(_told_by(_speaks_of(REGIONS, wanted.region)))
    if wanted.entity is not None:
        spoken = (_speaks_of(path, wanted.entity) for path in (NAMES, REGIONS))
        found.append(_told_by(or_(*spoken)))
    if wanted.since is not None:
        found.append(Arc.created_at >= wanted.since)
    if wanted.until is not None:
        found.append(Arc.created_at < wanted.until)
    if wanted.moved_since is not None:
        found.append(Arc.updated_at >= wanted.moved_since)
    return found


def _told_by(which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Arcs by such a definition: there are few, which are looked through once, not arc by arc."""
    return Arc.digest.in_(select(ArcDefinitionRow.digest).where(which))


def _speaks_of(path: str, name: str) -> ColumnElement[bool]:
    named = sql.jsonb_build_object("name", name)
    return sql.jsonb_path_exists(ArcDefinitionRow.definition, cast(path, JSONPATH), named)
