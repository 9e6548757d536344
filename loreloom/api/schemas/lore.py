"""Documents, search and entities of a canon, as callers send and get them."""

from typing import Annotated

from pydantic import Field, StringConstraints

from loreloom.api.schemas.fields import Body, CanonField, Name, View
from loreloom.domain.canon import EntityKind
from loreloom.domain.ids import EntityId
from loreloom.knowledge.models import DocumentState, DocumentView, EntityView, Hit

DOCUMENT_NAME = r"^[^\x00-\x20\x7f]([^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?$"
DocumentName = Annotated[
    str, StringConstraints(min_length=1, max_length=300, pattern=DOCUMENT_NAME)
]
EntityName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=DOCUMENT_NAME)]


class PostDocument(Body):
    """A document to ingest; one of the same name in the canon is replaced."""

    name: DocumentName = Field(examples=["harbour.md"])
    markdown: str
    canon: CanonField | None = None


class DocumentReceived(View):
    """A document that was taken. ``started`` is false if it was there unchanged."""

    document_id: str
    state: DocumentState
    started: bool
    document: DocumentView


class DocumentList(View):
    """A page of documents."""

    items: tuple[DocumentView, ...]
    next: str | None


class SearchAnswer(View):
    """Passages that answer, best first, each with the reasons why it is there."""

    hits: tuple[Hit, ...]


class EntityList(View):
    """A page of entities."""

    items: tuple[EntityView, ...]
    next: str | None


class AddEntity(Body):
    """An entity that no document names."""

    canon: CanonField | None = None
    name: EntityName
    kind: EntityKind
    aliases: tuple[EntityName, ...] = Field(default=(), max_length=50)


class CorrectEntity(Body):
    """What to correct; what is left out stays. Corrections survive a new ingestion."""

    name: EntityName | None = None
    kind: EntityKind | None = None
    add_aliases: tuple[Name, ...] = Field(default=(), max_length=50)
    drop_aliases: tuple[Name, ...] = Field(default=(), max_length=50)
    hidden: bool | None = None


class MergeEntity(Body):
    """The entity that this one is another name of."""

    into: EntityId = Field(pattern=r"^[!-~]{1,100}$")
