"""What the knowledge room takes and gives: values only, shared by its files and its callers."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from loreloom.domain.canon import (
    CitedPassage,
    Entity,
    EntityKind,
    Rating,
    Telling,
    Viewpoint,
)
from loreloom.domain.ids import CanonName, DocumentId, EntityId, PassageId

DEFAULT_CANON = CanonName("default")
MAX_DOCUMENT_BYTES = 5 * 1024 * 1024
MAX_QUERY_CHARACTERS = 1000


class KnowledgeModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DocumentState(StrEnum):
    """Where a document stands. While ``ingesting`` its previous revision stays readable."""

    INGESTING = "ingesting"
    READY = "ready"
    FAILED = "failed"


class DocumentUpload(KnowledgeModel):
    """A document as a designer hands it in; bytes are decoded here, whatever their encoding."""

    canon: CanonName = DEFAULT_CANON
    name: str = Field(min_length=1, max_length=300)
    content: bytes | str


class DocumentView(KnowledgeModel):
    """What is known of a document. ``passages_done`` of ``passages`` have their embedding.

    ``passages`` is ``None`` until the text has been split; ``reason`` says why it failed.
    """

    document_id: DocumentId
    canon: CanonName
    name: str
    title: str
    about: str | None
    state: DocumentState
    reason: str | None
    revision: int
    readable: bool
    passages: int | None
    passages_done: int
    created_at: datetime
    updated_at: datetime


class Receipt(KnowledgeModel):
    """The answer to an upload. ``started`` is false if nothing had to be done.

    ``workflow_id`` names the ingestion that the caller may launch at once; the sweep would too.
    """

    document: DocumentView
    started: bool
    workflow_id: str | None


class DocumentPage(KnowledgeModel):
    """Documents in the order of their names; ``next`` is the cursor for what follows, if any."""

    items: tuple[DocumentView, ...]
    next: str | None


class Way(StrEnum):
    """A way of finding a passage: by the names in it, by its words, by its meaning."""

    NAMES = "names"
    TEXT = "text"
    MEANING = "meaning"


class SearchRequest(KnowledgeModel):
    """A question to one canon, and what the asker may see.

    ``document`` is an id or a name; ``entity`` an id, a name or an alias. ``ways`` restricts how
    passages are looked for, for measuring; all ways together are the product.
    """

    canon: CanonName = DEFAULT_CANON
    query: str = Field(min_length=1, max_length=MAX_QUERY_CHARACTERS)
    limit: int = Field(default=10, ge=1, le=100)
    document: str | None = None
    entity: str | None = None
    viewpoint: Viewpoint = Viewpoint()
    ways: frozenset[Way] = frozenset(Way)


class Reason(KnowledgeModel):
    """Why a hit is there, by one way: ``rank`` among what that way found, from 1, and its score.

    ``matched`` holds the names or words found; a score by meaning is a cosine similarity.
    """

    way: Way
    rank: int
    score: float
    matched: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The reason as a person reads it."""
        if self.way is Way.NAMES:
            return f"name matched: {', '.join(self.matched)}"
        if self.way is Way.TEXT:
            return f"words matched: {', '.join(self.matched)}"
        return f"meaning similarity {self.score:.2f}"


class NamedEntity(KnowledgeModel):
    """An entity as it is listed beside a passage."""

    entity_id: EntityId
    name: str
    kind: EntityKind


class Hit(KnowledgeModel):
    """A passage that answers, best first. ``score`` orders hits of one question only.

    ``document`` is the document's name; ``heading`` the innermost heading above the passage.
    """

    passage_id: PassageId
    document_id: DocumentId
    document: str
    title: str
    heading: str
    heading_path: tuple[str, ...]
    text: str
    tokens: int
    telling: Telling
    rating: Rating
    score: float
    reasons: tuple[Reason, ...]
    entities: tuple[NamedEntity, ...] = ()

    def cited(self) -> CitedPassage:
        """The hit as it is handed to a prompt."""
        return CitedPassage(
            passage_id=self.passage_id,
            document=self.document,
            heading=self.heading,
            text=self.text,
            tokens=self.tokens,
            telling=self.telling,
        )


class Tie(KnowledgeModel):
    """How an entity stands to another: ``to`` that one it is ``label`` ("keeper", "stands on")."""

    to_id: EntityId | None
    to: str
    label: str


class EntityView(KnowledgeModel):
    """An entity with its ties and the number of passages that name it, as the viewer may know."""

    entity_id: EntityId
    canon: CanonName
    name: str
    kind: EntityKind
    aliases: tuple[str, ...]
    ties: tuple[Tie, ...]
    passages: int
    hidden: bool
    corrected: bool

    def as_entity(self) -> Entity:
        """The entity as the rules and prompts know it."""
        return Entity(
            entity_id=self.entity_id, name=self.name, kind=self.kind, aliases=self.aliases
        )


class EntityQuery(KnowledgeModel):
    """Which entities to list, in the order of their names; hidden ones only on request."""

    canon: CanonName = DEFAULT_CANON
    kind: EntityKind | None = None
    name: str | None = None
    viewpoint: Viewpoint = Viewpoint(sees_all=True)
    include_hidden: bool = False
    after: str | None = None
    limit: int = Field(default=50, ge=1, le=500)


class EntityPage(KnowledgeModel):
    """Entities in the order of their names; ``next`` is the cursor for what follows, if any."""

    items: tuple[EntityView, ...]
    next: str | None


class EntityCorrection(KnowledgeModel):
    """What a designer changes in an entity; what is ``None`` stays. It survives re-ingestion."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    kind: EntityKind | None = None
    add_aliases: tuple[str, ...] = ()
    drop_aliases: tuple[str, ...] = ()
    hidden: bool | None = None


class NewEntity(KnowledgeModel):
    """An entity that a designer adds by hand."""

    canon: CanonName = DEFAULT_CANON
    name: str = Field(min_length=1, max_length=200)
    kind: EntityKind
    aliases: tuple[str, ...] = ()


class CastRequest(KnowledgeModel):
    """What a quest designer needs: a cast of entities that belong together, and their passages.

    ``giver`` and ``region`` are names that should be in the cast if the viewer may know them;
    ``theme`` is the caller's wish in words. The same ``seed`` gives the same cast.
    """

    canon: CanonName = DEFAULT_CANON
    viewpoint: Viewpoint
    seed: int
    giver: str | None = None
    region: str | None = None
    theme: str | None = None
    passages: int = Field(default=6, ge=1, le=20)


class Cast(KnowledgeModel):
    """Entities that a quest may name, and the passages that it may rest on.

    ``giver`` and ``region`` are the entities found for those asked for, if any.
    """

    entities: tuple[Entity, ...]
    passages: tuple[Hit, ...]
    giver: Entity | None
    region: Entity | None
