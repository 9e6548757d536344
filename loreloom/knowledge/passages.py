"""Passages as designers open them: whole, with where they stand and who may be told of them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from loreloom.domain.canon import CitedPassage, EntityKind, Rating, Telling
from loreloom.domain.ids import CanonName, DocumentId, EntityId, FactId, PassageId
from loreloom.knowledge.models import KnowledgeModel, NamedEntity
from loreloom.state.store import Store

_PASSAGES = """
    SELECT p.*, d.name AS document, d.title, (
        SELECT json_agg(json_build_array(e.entity_id, e.name, e.kind)
                        ORDER BY link.in_heading DESC, link.mentions DESC, e.name)
        FROM passage_entities link JOIN entities e USING (entity_id)
        WHERE link.passage_id = p.passage_id AND NOT e.hidden
    ) AS entities
    FROM passages p JOIN documents d USING (document_id)
"""
_BY_IDS = text(f"{_PASSAGES} WHERE p.passage_id = ANY (:ids)")
_OF_DOCUMENT = text(
    f"{_PASSAGES} WHERE p.document_id = :document AND p.position > :after"
    " ORDER BY p.position LIMIT :limit"
)
_OF_ENTITY = text(
    f"""{_PASSAGES} JOIN passage_entities named USING (passage_id)
    WHERE named.entity_id = :entity
    ORDER BY named.in_heading DESC, named.mentions DESC, d.name, p.position LIMIT :limit"""
)


class PassageView(KnowledgeModel):
    """A passage with its place in its document. With ``telling`` secret, ``fact`` opens it."""

    passage_id: PassageId
    canon: CanonName
    document_id: DocumentId
    document: str
    title: str
    position: int
    heading_path: tuple[str, ...]
    text: str
    tokens: int
    telling: Telling
    fact: FactId | None
    rating: Rating
    entities: tuple[NamedEntity, ...]

    def cited(self) -> CitedPassage:
        """The passage as it is handed to a prompt."""
        return CitedPassage(
            passage_id=self.passage_id,
            document=self.document,
            heading=self.heading_path[-1] if self.heading_path else self.title,
            text=self.text,
            tokens=self.tokens,
            telling=self.telling,
        )


async def passages_by_id(
    store: Store, passage_ids: Sequence[PassageId]
) -> dict[PassageId, PassageView]:
    """Those of the passages that the canon still has; a document that is replaced gets new ones."""
    rows = await _read(store, _BY_IDS, {"ids": list(passage_ids)})
    return {row.passage_id: row for row in rows}


async def passages_of_document(
    store: Store, document_id: DocumentId, *, after: int = -1, limit: int
) -> list[PassageView]:
    """A document's passages in its order, from behind the position ``after``."""
    return await _read(
        store, _OF_DOCUMENT, {"document": document_id, "after": after, "limit": limit}
    )


async def passages_of_entity(store: Store, entity_id: EntityId, *, limit: int) -> list[PassageView]:
    """The passages that name an entity, those that are most about it first."""
    return await _read(store, _OF_ENTITY, {"entity": entity_id, "limit": limit})


async def _read(store: Store, statement: Any, values: dict[str, Any]) -> list[PassageView]:
    async with store.reading() as connection:
        rows = (await connection.execute(statement, values)).all()
    return [_view(row) for row in rows]


def _view(row: Any) -> PassageView:
    return PassageView(
        passage_id=PassageId(row.passage_id),
        canon=CanonName(row.canon),
        document_id=DocumentId(row.document_id),
        document=row.document,
        title=row.title,
        position=row.position,
        heading_path=tuple(row.heading_path),
        text=row.text,
        tokens=row.tokens,
        telling=Telling(row.telling),
        fact=FactId(row.fact) if row.fact is not None else None,
        rating=list(Rating)[row.rating_rank],
        entities=tuple(
            NamedEntity(entity_id=EntityId(entity_id), name=name, kind=EntityKind(kind))
            for entity_id, name, kind in row.entities or ()
        ),
    )
