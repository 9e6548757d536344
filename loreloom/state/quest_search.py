"""Finding quests among very many, the newest or the oldest first."""

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import ColumnElement, or_, select, tuple_
from sqlalchemy import func as sql

from loreloom.domain.ids import PlayerId, WorldId
from loreloom.domain.quest import QuestKind, QuestState
from loreloom.state.paging import Page, page_of
from loreloom.state.quests import QuestRecord, record_of
from loreloom.state.store import Store
from loreloom.state.tables.quests import Quest


class QuestFilter(BaseModel):
    """Which quests are looked for; what is ``None`` does not matter.

    ``entity`` is a name that the quest gives, asks for, leads to or rewards with. ``since`` and
    ``until`` bound the real time at which it was asked for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    player_id: PlayerId | None = None
    state: QuestState | None = None
    kind: QuestKind | None = None
    region: str | None = None
    entity: str | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


async def newest_quests(
    store: Store, world_id: WorldId, wanted: QuestFilter, *, after: str | None, limit: int
) -> Page[QuestRecord]:
    """A world's quests, newest first; ``after`` is the quest that the last page ended with."""
    return await _listed(store, world_id, wanted, after, limit, newest_first=True)


async def oldest_quests(
    store: Store, world_id: WorldId, wanted: QuestFilter, *, after: str | None, limit: int
) -> Page[QuestRecord]:
    """The same, oldest first."""
    return await _listed(store, world_id, wanted, after, limit, newest_first=False)


async def _listed(
    store: Store,
    world_id: WorldId,
    wanted: QuestFilter,
    after: str | None,
    limit: int,
    *,
    newest_first: bool,
) -> Page[QuestRecord]:
    place = (Quest.created_at, Quest.quest_id)
    query = (
        select(Quest.__table__)
        .where(Quest.world_id == world_id, *_conditions(wanted))
        .order_by(*(column.desc() if newest_first else column for column in place))
        .limit(limit + 1)
    )
    if after is not None:
        here, last = tuple_(*place), select(*place).where(Quest.quest_id == after)
        at = last.scalar_subquery()
        query = query.where(here < at if newest_first else here > at)
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return page_of([record_of(row) for row in rows], limit, lambda quest: quest.quest_id)


def _conditions(wanted: QuestFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.player_id is not None:
        found.append(Quest.player_id == wanted.player_id)
    if wanted.state is not None:
        found.append(Quest.state == wanted.state)
    if wanted.kind is not None:
        found.append(Quest.request["kind"].astext == wanted.kind)
    if wanted.region is not None:
        region = sql.coalesce(Quest.plan["region"].astext, Quest.request["region"].astext)
        found.append(region == wanted.region)
    if wanted.entity is not None:
        found.append(_names(wanted.entity))
    found += _between(wanted.since, wanted.until)
    return found


def _names(entity: str) -> ColumnElement[bool]:
    """Whether a quest names the entity among what its rules are about."""
    within: list[dict[str, Any]] = [
        {"objectives": [{"target": entity}]},
        {"objectives": [{"to": entity}]},
        {"reward_items": [entity]},
        {"region": entity},
        {"faction": entity},
    ]
    given = Quest.story["giver"].astext == entity
    return or_(given, *(Quest.plan.contains(part) for part in within))


def _between(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    bounds = []
    if since is not None:
        bounds.append(Quest.created_at >= since)
    if until is not None:
        bounds.append(Quest.created_at < until)
    return bounds
