"""Canon as it is stored: documents, passages and what they are found by, entities and their ties.

What readers see lies in ``passages`` and the tables that hang on it; a revision that is still being
ingested lies in ``staged_passages`` and is moved over in one transaction. ``telling``, ``fact`` and
``rating_rank`` are repeated wherever a search filters, so that visibility is part of each query.
"""

from datetime import datetime

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from loreloom.state.tables.base import Base, Json

EMBEDDING_DIMENSIONS = 384
"""Of every stored vector; another model's dimensions need a migration."""


class Document(Base):
    """A document of a canon. ``revision`` is the newest received, ``published_revision`` the read.

    ``sha256`` and ``model`` are those of the newest revision: the same text under the same model
    needs no second ingestion.
    """

    __tablename__ = "documents"
    __table_args__ = (UniqueConstraint("canon", "name"),)

    document_id: Mapped[str] = mapped_column(primary_key=True)
    canon: Mapped[str]
    name: Mapped[str]
    title: Mapped[str]
    about: Mapped[str | None]
    state: Mapped[str]
    reason: Mapped[str | None]
    revision: Mapped[int]
    published_revision: Mapped[int | None]
    sha256: Mapped[bytes]
    model: Mapped[str]
    passages: Mapped[int | None]
    passages_done: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


def _of_document() -> ForeignKey:
    return ForeignKey("documents.document_id", ondelete="CASCADE")


class DocumentRevision(Base):
    """The Markdown of a revision, decoded; older ones go when a newer one is published."""

    __tablename__ = "document_revisions"

    document_id: Mapped[str] = mapped_column(_of_document(), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    markdown: Mapped[str]
    title: Mapped[str]
    about: Mapped[str | None]
    model: Mapped[str]


class StagedPassage(Base):
    """A passage of a revision that nobody reads yet; ``vectors`` is null until it is embedded."""

    __tablename__ = "staged_passages"
    __table_args__ = (
        ForeignKeyConstraint(
            ["document_id", "revision"],
            ["document_revisions.document_id", "document_revisions.revision"],
            ondelete="CASCADE",
        ),
        Index(
            "ix_staged_passages_open",
            "document_id",
            "revision",
            "position",
            postgresql_where=text("vectors IS NULL"),
        ),
    )

    document_id: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    passage_id: Mapped[str]
    heading_path: Mapped[list[str]]
    text: Mapped[str]
    windows: Mapped[list[str]]
    tokens: Mapped[int]
    telling: Mapped[str]
    fact: Mapped[str | None]
    rating_rank: Mapped[int] = mapped_column(SmallInteger)
    vectors: Mapped[list[str] | None] = mapped_column(ARRAY(HALFVEC(EMBEDDING_DIMENSIONS)))
    """One for each of the windows, in their order."""


class Passage(Base):
    """A passage that readers see. ``length`` is its number of words for the weighting of words."""

    __tablename__ = "passages"
    __table_args__ = (
        Index("ix_passages_document_position", "document_id", "position"),
        Index("ix_passages_canon", "canon", "passage_id"),
    )

    passage_id: Mapped[str] = mapped_column(primary_key=True)
    canon: Mapped[str]
    document_id: Mapped[str] = mapped_column(_of_document())
    position: Mapped[int]
    heading_path: Mapped[list[str]]
    text: Mapped[str]
    tokens: Mapped[int]
    length: Mapped[int]
    telling: Mapped[str]
    fact: Mapped[str | None]
    rating_rank: Mapped[int] = mapped_column(SmallInteger)


def _of_passage() -> ForeignKey:
    return ForeignKey("passages.passage_id", ondelete="CASCADE")


class PassageVector(Base):
    """The embedding of one window of a passage; a passage is as near as its nearest window."""

    __tablename__ = "passage_vectors"
    __table_args__ = (
        Index("ix_passage_vectors_canon_document", "canon", "document_id"),
        Index(
            "ix_passage_vectors_embedding",
            "embedding",
            postgresql_using="hnsw",
            postgresql_ops={"embedding": "halfvec_ip_ops"},
            postgresql_with={"m": 16, "ef_construction": 64},
        ),
    )

    passage_id: Mapped[str] = mapped_column(_of_passage(), primary_key=True)
    window: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    canon: Mapped[str]
    document_id: Mapped[str]
    telling: Mapped[str]
    fact: Mapped[str | None]
    rating_rank: Mapped[int] = mapped_column(SmallInteger)
    embedding: Mapped[list[float]] = mapped_column(HALFVEC(EMBEDDING_DIMENSIONS))


class PassageTerm(Base):
    """How often a word's stem stands in a passage; ``length`` is the passage's own."""

    __tablename__ = "passage_terms"
    __table_args__ = (
        Index(
            "ix_passage_terms_posting",
            "canon",
            "term",
            postgresql_include=["passage_id", "frequency", "length"],
        ),
    )

    passage_id: Mapped[str] = mapped_column(_of_passage(), primary_key=True)
    term: Mapped[str] = mapped_column(primary_key=True)
    canon: Mapped[str]
    frequency: Mapped[int] = mapped_column(SmallInteger)
    length: Mapped[int]


class CanonTerm(Base):
    """In how many passages of a canon a stem stands."""

    __tablename__ = "canon_terms"

    canon: Mapped[str] = mapped_column(primary_key=True)
    term: Mapped[str] = mapped_column(primary_key=True)
    passages: Mapped[int]


class CanonSize(Base):
    """How large a canon is; its row is also what publications of the canon wait for in turn."""

    __tablename__ = "canon_sizes"

    canon: Mapped[str] = mapped_column(primary_key=True)
    passages: Mapped[int] = mapped_column(server_default="0")
    windows: Mapped[int] = mapped_column(server_default="0")
    total_length: Mapped[int] = mapped_column(server_default="0")


class EntityDeclaration(Base):
    """What one document says of one entity, in its front matter or its text."""

    __tablename__ = "entity_declarations"

    document_id: Mapped[str] = mapped_column(_of_document(), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    canon: Mapped[str] = mapped_column(index=True)
    declaration: Mapped[Json]
    """An ``EntityDeclaration`` as the parser made it, with the telling of its document."""


class EntityChange(Base):
    """What a designer has corrected in an entity; applied anew after every ingestion."""

    __tablename__ = "entity_changes"

    canon: Mapped[str] = mapped_column(primary_key=True)
    entity_id: Mapped[str] = mapped_column(primary_key=True)
    change: Mapped[Json]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class EntityRow(Base):
    """An entity as it follows from all documents of its canon and the designers' corrections."""

    __tablename__ = "entities"
    __table_args__ = (Index("ix_entities_listing", "canon", "name", "entity_id"),)

    entity_id: Mapped[str] = mapped_column(primary_key=True)
    canon: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    hidden: Mapped[bool]
    corrected: Mapped[bool]


def _of_entity() -> ForeignKey:
    return ForeignKey("entities.entity_id", ondelete="CASCADE")


class EntityName(Base):
    """A name (at position 0) or alias of an entity, with who may know that it is one."""

    __tablename__ = "entity_names"
    __table_args__ = (
        Index("ix_entity_names_folded", "canon", "folded"),
        Index("ix_entity_names_words", "words", postgresql_using="gin"),
    )

    entity_id: Mapped[str] = mapped_column(_of_entity(), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    canon: Mapped[str]
    name: Mapped[str]
    folded: Mapped[str]
    words: Mapped[list[str]]
    telling: Mapped[str]
    fact: Mapped[str | None]
    rating_rank: Mapped[int] = mapped_column(SmallInteger)


class EntityTie(Base):
    """How one entity stands to another, with who may know it; ``to_id`` is null if that is none."""

    __tablename__ = "entity_ties"

    entity_id: Mapped[str] = mapped_column(_of_entity(), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    to_id: Mapped[str | None] = mapped_column(_of_entity(), index=True)
    to_name: Mapped[str]
    label: Mapped[str]
    telling: Mapped[str]
    fact: Mapped[str | None]
    rating_rank: Mapped[int] = mapped_column(SmallInteger)


class PassageEntity(Base):
    """A passage names an entity. Who may know of the link may know the name that was matched."""

    __tablename__ = "passage_entities"
    __table_args__ = (Index("ix_passage_entities_entity", "entity_id", "passage_id"),)

    passage_id: Mapped[str] = mapped_column(_of_passage(), primary_key=True)
    entity_id: Mapped[str] = mapped_column(_of_entity(), primary_key=True)
    mentions: Mapped[int] = mapped_column(SmallInteger)
    in_heading: Mapped[bool]
    telling: Mapped[str]
    fact: Mapped[str | None]
    rating_rank: Mapped[int] = mapped_column(SmallInteger)
