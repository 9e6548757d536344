"""Entities as designers and stories see them, and the designers' corrections to them."""

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from loreloom.domain.canon import EntityKind, Viewpoint
from loreloom.domain.ids import CanonName, EntityId
from loreloom.knowledge.index import lock_canon
from loreloom.knowledge.linking import rebuild_entities
from loreloom.knowledge.models import (
    EntityCorrection,
    EntityPage,
    EntityQuery,
    EntityView,
    NewEntity,
    Tie,
)
from loreloom.knowledge.naming import fold
from loreloom.knowledge.problems import LoreCode, LoreProblem
from loreloom.knowledge.resolving import Change, entity_id_of
from loreloom.knowledge.visibility import visible, visible_values
from loreloom.state.store import Store, Transaction
from loreloom.state.tables.knowledge import EntityChange, EntityName, EntityRow

EVERYTHING = Viewpoint(sees_all=True)

_VIEWS = f"""
    SELECT * FROM (
        SELECT e.entity_id, e.canon, e.kind, e.hidden, e.corrected, (
            SELECT array_agg(n.name ORDER BY n.position) FROM entity_names n
            WHERE n.entity_id = e.entity_id AND {visible("n")}
        ) AS names, (
            SELECT count(*) FROM passage_entities link JOIN passages p USING (passage_id)
            WHERE link.entity_id = e.entity_id AND {visible("link")} AND {visible("p")}
        ) AS passages, (
            SELECT json_agg(json_build_array(t.to_id, t.to_name, t.label) ORDER BY t.position)
            FROM entity_ties t
            WHERE t.entity_id = e.entity_id AND {visible("t")}
              AND (:sees_all OR EXISTS (
                  SELECT 1 FROM entities other JOIN entity_names n USING (entity_id)
                  JOIN passage_entities link USING (entity_id) JOIN passages p USING (passage_id)
                  WHERE other.entity_id = t.to_id AND NOT other.hidden AND n.name = t.to_name
                    AND {visible("n")} AND {visible("link")} AND {visible("p")}))
        ) AS ties
        FROM entities e
        WHERE {{condition}}
    ) AS views
    WHERE names IS NOT NULL AND (:sees_all OR passages > 0)
"""
_ONE = text(_VIEWS.format(condition="e.entity_id = :entity"))
_SOME = text(_VIEWS.format(condition="e.entity_id = ANY (:entities) AND NOT e.hidden"))
_LIST = text(
    _VIEWS.format(
        condition=f"""e.canon = :canon AND (:include_hidden OR NOT e.hidden)
          AND (CAST(:kind AS text) IS NULL OR e.kind = :kind)
          AND (CAST(:folded AS text) IS NULL OR EXISTS (
              SELECT 1 FROM entity_names m
              WHERE m.entity_id = e.entity_id AND m.folded = :folded AND {visible("m")}))"""
    )
    + """
      AND (CAST(:after_name AS text) IS NULL
           OR (names[1] COLLATE "C", entity_id) > (:after_name COLLATE "C", :after_id))
    ORDER BY names[1] COLLATE "C", entity_id
    LIMIT :limit
    """
)


async def list_entities(store: Store, query: EntityQuery) -> EntityPage:
    """A canon's entities in the order of their names, as far as the viewer may know them."""
    after_name, _, after_id = (query.after or "").rpartition("|")
    values = {
        "canon": query.canon,
        "kind": query.kind,
        "folded": fold(query.name) if query.name else None,
        "include_hidden": query.include_hidden,
        "after_name": after_name if query.after else None,
        "after_id": after_id,
        "limit": query.limit + 1,
        **visible_values(query.viewpoint),
    }
    async with store.reading() as connection:
        rows = (await connection.execute(_LIST, values)).all()
    items = tuple(_view(row) for row in rows[: query.limit])
    more = len(rows) > query.limit
    return EntityPage(items=items, next=f"{items[-1].name}|{items[-1].entity_id}" if more else None)


async def get_entity(
    store: Store, entity_id: EntityId, viewpoint: Viewpoint = EVERYTHING
) -> EntityView:
    """The entity of that id. Raises ``LoreProblem`` if the viewer knows none."""
    values = {"entity": entity_id, **visible_values(viewpoint)}
    async with store.reading() as connection:
        row = (await connection.execute(_ONE, values)).first()
    if row is None:
        raise _unknown(entity_id)
    return _view(row)


async def views_of(
    connection: AsyncConnection, entity_ids: list[EntityId], viewpoint: Viewpoint
) -> dict[EntityId, EntityView]:
    """These entities as the viewer may know them; those that are hidden or unknown are left out."""
    values = {"entities": entity_ids, **visible_values(viewpoint)}
    rows = await connection.execute(_SOME, values)
    return {EntityId(row.entity_id): _view(row) for row in rows}


async def add_entity(store: Store, new: NewEntity) -> EntityView:
    """Add an entity by hand. Raises ``LoreProblem`` if the canon has one of that name."""
    entity_id = entity_id_of(new.canon, new.name)
    async with store.transaction() as tx:
        await lock_canon(tx, new.canon)
        for name in (new.name, *new.aliases):
            await _refuse_taken(tx, new.canon, name, None)
        change = Change(name=new.name, kind=new.kind, add_aliases=new.aliases, added=True)
        await _keep(tx, new.canon, entity_id, change)
        await rebuild_entities(tx, new.canon, passages=())
    return await get_entity(store, entity_id)


async def correct_entity(
    store: Store, entity_id: EntityId, correction: EntityCorrection
) -> EntityView:
    """Correct an entity; the correction is applied anew after every ingestion.

    Its old name stays an alias, since documents go on using it. Raises ``LoreProblem`` if there is
    no such entity, or another one bears the new name.
    """
    async with store.transaction() as tx:
        canon = await _lock_canon_of(tx, entity_id)
        for name in (correction.name, *correction.add_aliases):
            if name is not None:
                await _refuse_taken(tx, canon, name, entity_id)
        known = await _change_of(tx, canon, entity_id)
        dropped = {fold(alias) for alias in correction.drop_aliases}
        added = {fold(alias) for alias in correction.add_aliases}
        kept = (a for a in known.add_aliases if fold(a) not in dropped | added)
        gone = (a for a in known.drop_aliases if fold(a) not in dropped | added)
        change = known.model_copy(
            update={
                "name": correction.name or known.name,
                "kind": correction.kind or known.kind,
                "add_aliases": (*kept, *correction.add_aliases),
                "drop_aliases": (*gone, *correction.drop_aliases),
                "hidden": known.hidden if correction.hidden is None else correction.hidden,
            }
        )
        await _keep(tx, canon, entity_id, change)
        await rebuild_entities(tx, canon, passages=())
    return await get_entity(store, entity_id)


async def merge_entities(store: Store, entity_id: EntityId, *, into: EntityId) -> EntityView:
    """Say that an entity is another: its names become aliases of that one, which is answered.

    Raises ``LoreProblem`` if either is unknown, or they are the same or of different canons.
    """
    async with store.transaction() as tx:
        canon = await _lock_canon_of(tx, into)
        query = select(EntityRow.canon).where(EntityRow.entity_id == entity_id)
        other = (await tx.run(query)).scalar_one_or_none()
        if other is None:
            raise _unknown(entity_id)
        if entity_id == into or other != canon:
            raise LoreProblem(
                LoreCode.BAD_CORRECTION, "only two different entities of one canon can be merged"
            )
        known = await _change_of(tx, canon, entity_id)
        await _keep(tx, canon, entity_id, known.model_copy(update={"merged_into": into}))
        await rebuild_entities(tx, canon, passages=())
    return await get_entity(store, into)


async def _lock_canon_of(tx: Transaction, entity_id: EntityId) -> CanonName:
    query = select(EntityRow.canon).where(EntityRow.entity_id == entity_id)
    canon = (await tx.run(query)).scalar_one_or_none()
    if canon is None:
        raise _unknown(entity_id)
    await lock_canon(tx, CanonName(canon))
    return CanonName(canon)


async def _refuse_taken(tx: Transaction, canon: CanonName, name: str, own: EntityId | None) -> None:
    folded = fold(name)
    if not folded:
        raise LoreProblem(LoreCode.BAD_CORRECTION, f"{name!r} holds no word that could be found")
    query = select(EntityName.entity_id).where(
        EntityName.canon == canon, EntityName.folded == folded
    )
    if own is not None:
        query = query.where(EntityName.entity_id != own)
    if (await tx.run(query)).first() is not None:
        raise LoreProblem(LoreCode.NAME_TAKEN, f"another entity of the canon is called {name!r}")


async def _change_of(tx: Transaction, canon: CanonName, entity_id: EntityId) -> Change:
    query = select(EntityChange.change).where(
        EntityChange.canon == canon, EntityChange.entity_id == entity_id
    )
    found = (await tx.run(query)).scalar_one_or_none()
    return Change() if found is None else Change.model_validate(found)


async def _keep(tx: Transaction, canon: CanonName, entity_id: EntityId, change: Change) -> None:
    row: dict[str, Any] = {
        "canon": canon,
        "entity_id": entity_id,
        "change": change.model_dump(mode="json"),
    }
    upsert = pg_insert(EntityChange).values(row)
    await tx.run(
        upsert.on_conflict_do_update(
            index_elements=[EntityChange.canon, EntityChange.entity_id],
            set_={"change": upsert.excluded.change},
        )
    )


def _unknown(entity_id: EntityId) -> LoreProblem:
    return LoreProblem(LoreCode.UNKNOWN_ENTITY, f"there is no entity {entity_id!r}")


def _view(row: Any) -> EntityView:
    name, *aliases = row.names
    return EntityView(
        entity_id=EntityId(row.entity_id),
        canon=CanonName(row.canon),
        name=name,
        kind=EntityKind(row.kind),
        aliases=tuple(aliases),
        ties=tuple(
            Tie(to_id=None if to_id is None else EntityId(to_id), to=to, label=label)
            for to_id, to, label in row.ties or ()
        ),
        passages=row.passages,
        hidden=row.hidden,
        corrected=row.corrected,
    )
