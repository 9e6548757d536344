"""Entities as rows, and which passage names which, in step with documents and corrections.

Every function here belongs to a transaction that holds the canon's lock.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, text
from sqlalchemy import insert as sql_insert
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.domain.canon import Telling
from loreloom.domain.ids import CanonName, EntityId, FactId, PassageId
from loreloom.knowledge.naming import NameFinder, fold, telling_words
from loreloom.knowledge.resolving import Change, Declaration, KnownName, Resolved, Told, resolve
from loreloom.state.store import Transaction
from loreloom.state.tables.knowledge import (
    EntityChange,
    EntityDeclaration,
    EntityName,
    EntityRow,
    EntityTie,
    Passage,
    PassageEntity,
)

_LINK_BATCH = 1000
_MOST_ASKED_FOR = 100
"""How many names the index is asked for one by one; for more, every passage is read."""

_PASSAGES_NAMING = text(
    """
    SELECT DISTINCT found.passage_id
    FROM unnest(CAST(:names AS text[])) AS name,
    LATERAL (
        SELECT t.passage_id
        FROM passage_terms t
        WHERE t.canon = :canon
          AND t.term = ANY (tsvector_to_array(to_tsvector('english', name)))
        GROUP BY t.passage_id
        HAVING count(*) >= cardinality(tsvector_to_array(to_tsvector('english', name)))
        UNION ALL
        SELECT p.passage_id
        FROM passages p
        WHERE p.canon = :canon AND length(to_tsvector('english', name)) = 0
    ) AS found
    """
)
"""A name of words that are too common for the index may be in any passage."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """An entity as its rows say, in a form that two states can be compared in."""

    row: tuple[str, str, bool, bool]
    names: tuple[tuple[str, Told], ...]
    ties: tuple[tuple[str | None, str, str, Told], ...]


async def rebuild_entities(
    tx: Transaction, canon: CanonName, *, passages: Collection[PassageId]
) -> None:
    """Bring a canon's entities in step with its documents and corrections, and link ``passages``.

    Passages of other documents are linked anew where a name came or went.
    """
    wanted = _as_stored(await _resolved(tx, canon))
    stored = await _stored(tx, canon)
    await _write(tx, canon, stored, wanted)
    changed = _changed_names(stored, wanted)
    touched = set(passages)
    if changed:
        touched.update(await _passages_naming(tx, canon, changed))
    await _link(tx, wanted, sorted(touched))


async def _passages_naming(
    tx: Transaction, canon: CanonName, names: Collection[str]
) -> list[PassageId]:
    """The passages that may name one of these."""
    if len(names) > _MOST_ASKED_FOR:
        found = await tx.run(select(Passage.passage_id).where(Passage.canon == canon))
    else:
        found = await tx.run(_PASSAGES_NAMING, {"canon": canon, "names": sorted(names)})
    return [PassageId(row.passage_id) for row in found]


async def _resolved(tx: Transaction, canon: CanonName) -> dict[EntityId, Resolved]:
    declared = await tx.run(
        select(EntityDeclaration.declaration).where(EntityDeclaration.canon == canon)
    )
    changed = await tx.run(
        select(EntityChange.entity_id, EntityChange.change).where(EntityChange.canon == canon)
    )
    return resolve(
        canon,
        [Declaration.model_validate(row.declaration) for row in declared],
        {EntityId(row.entity_id): Change.model_validate(row.change) for row in changed},
    )


def _as_stored(entities: dict[EntityId, Resolved]) -> dict[EntityId, _Stored]:
    bearers: dict[str, tuple[EntityId, str]] = {}
    for entity in sorted(entities.values(), key=lambda e: e.entity_id):
        for known in entity.names[1:]:
            bearers.setdefault(fold(known.name), (entity.entity_id, known.name))
    for entity in entities.values():
        own = entity.names[0].name
        bearers[fold(own)] = (entity.entity_id, own)
    return {
        entity.entity_id: _Stored(
            row=(entity.names[0].name, entity.kind, entity.hidden, entity.corrected),
            names=tuple((known.name, known.told) for known in entity.names),
            # A tie names its end as that end's own row of the name does, so that whoever may not
            # know the name is not told the tie.
            ties=tuple(
                (*bearers.get(fold(tie.to), (None, tie.to)), tie.label, tie.told)
                for tie in entity.ties
            ),
        )
        for entity in entities.values()
    }


async def _stored(tx: Transaction, canon: CanonName) -> dict[EntityId, _Stored]:
    names: dict[str, list[tuple[str, Told]]] = {}
    for row in await tx.run(
        select(EntityName)
        .where(EntityName.canon == canon)
        .order_by(EntityName.position)
        .with_only_columns(*EntityName.__table__.columns)
    ):
        names.setdefault(row.entity_id, []).append((row.name, _told(row)))
    ties: dict[str, list[tuple[str | None, str, str, Told]]] = {}
    for row in await tx.run(
        select(*EntityTie.__table__.columns)
        .join(EntityRow, EntityRow.entity_id == EntityTie.entity_id)
        .where(EntityRow.canon == canon)
        .order_by(EntityTie.position)
    ):
        ties.setdefault(row.entity_id, []).append((row.to_id, row.to_name, row.label, _told(row)))
    found = await tx.run(select(*EntityRow.__table__.columns).where(EntityRow.canon == canon))
    return {
        EntityId(row.entity_id): _Stored(
            row=(row.name, row.kind, row.hidden, row.corrected),
            names=tuple(names.get(row.entity_id, ())),
            ties=tuple(ties.get(row.entity_id, ())),
        )
        for row in found
    }


def _told(row: Any) -> Told:
    fact = None if row.fact is None else FactId(row.fact)
    return Told(Telling(row.telling), fact, row.rating_rank)


def _changed_names(stored: dict[EntityId, _Stored], wanted: dict[EntityId, _Stored]) -> set[str]:
    before = {(i, name) for i, entity in stored.items() for name in entity.names}
    after = {(i, name) for i, entity in wanted.items() for name in entity.names}
    return {fold(name) for _, (name, _) in before ^ after}


async def _write(
    tx: Transaction,
    canon: CanonName,
    stored: dict[EntityId, _Stored],
    wanted: dict[EntityId, _Stored],
) -> None:
    gone = sorted(stored.keys() - wanted.keys())
    if gone:
        await tx.run(delete(EntityRow).where(EntityRow.entity_id.in_(gone)))
    different = [i for i in sorted(wanted) if stored.get(i) != wanted[i]]
    if not different:
        return
    await tx.run(delete(EntityName).where(EntityName.entity_id.in_(different)))
    await tx.run(delete(EntityTie).where(EntityTie.entity_id.in_(different)))
    rows = [
        dict(zip(("name", "kind", "hidden", "corrected"), wanted[i].row, strict=True))
        | {"entity_id": i, "canon": canon}
        for i in different
    ]
    upsert = pg_insert(EntityRow).values(rows)
    replaced = {key: upsert.excluded[key] for key in ("name", "kind", "hidden", "corrected")}
    await tx.run(upsert.on_conflict_do_update(index_elements=[EntityRow.entity_id], set_=replaced))
    await _insert(tx, EntityName, [r for i in different for r in _name_rows(canon, i, wanted[i])])
    await _insert(tx, EntityTie, [r for i in different for r in _tie_rows(i, wanted[i])])


def _name_rows(canon: CanonName, entity_id: EntityId, entity: _Stored) -> Iterable[dict[str, Any]]:
    for position, (name, told) in enumerate(entity.names):
        folded = fold(name)
        yield {
            "entity_id": entity_id,
            "position": position,
            "canon": canon,
            "name": name,
            "folded": folded,
            "words": telling_words(folded),
            **_told_columns(told),
        }


def _tie_rows(entity_id: EntityId, entity: _Stored) -> Iterable[dict[str, Any]]:
    for position, (to_id, to_name, label, told) in enumerate(entity.ties):
        yield {
            "entity_id": entity_id,
            "position": position,
            "to_id": to_id,
            "to_name": to_name,
            "label": label,
            **_told_columns(told),
        }


def _told_columns(told: Told) -> dict[str, Any]:
    return {"telling": told.telling, "fact": told.fact, "rating_rank": told.rating_rank}


async def _insert(tx: Transaction, table: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        await tx.run(sql_insert(table), rows)


async def _link(
    tx: Transaction, entities: dict[EntityId, _Stored], passage_ids: Sequence[PassageId]
) -> None:
    """Find the names in these passages anew."""
    known = [
        (entity_id, KnownName(name, told))
        for entity_id, entity in sorted(entities.items())
        for name, told in entity.names
    ]
    finder = NameFinder(name.name for _, name in known)
    for start in range(0, len(passage_ids), _LINK_BATCH):
        batch = passage_ids[start : start + _LINK_BATCH]
        await tx.run(delete(PassageEntity).where(PassageEntity.passage_id.in_(batch)))
        query = select(Passage.passage_id, Passage.heading_path, Passage.text).where(
            Passage.passage_id.in_(batch)
        )
        passages = (await tx.run(query)).all()
        await _insert(
            tx, PassageEntity, await asyncio.to_thread(_links_in, passages, known, finder)
        )


def _links_in(
    passages: Sequence[Any], known: list[tuple[EntityId, KnownName]], finder: NameFinder
) -> list[dict[str, Any]]:
    return [
        link
        for passage in passages
        for link in _links_of(passage.passage_id, passage.heading_path, passage.text, known, finder)
    ]


def _links_of(
    passage_id: str,
    heading_path: list[str],
    body: str,
    known: list[tuple[EntityId, KnownName]],
    finder: NameFinder,
) -> Iterable[dict[str, Any]]:
    mentions: dict[EntityId, int] = {}
    told: dict[EntityId, Told] = {}
    in_heading: set[EntityId] = set()
    for position, part in enumerate((*heading_path, body)):
        for mention in finder.find(part):
            entity_id, name = known[mention.name]
            mentions[entity_id] = mentions.get(entity_id, 0) + 1
            if position < len(heading_path):
                in_heading.add(entity_id)
            if entity_id not in told or name.told.openness < told[entity_id].openness:
                told[entity_id] = name.told
    for entity_id, count in mentions.items():
        yield {
            "passage_id": passage_id,
            "entity_id": entity_id,
            "mentions": min(count, 30_000),
            "in_heading": entity_id in in_heading,
            **_told_columns(told[entity_id]),
        }
