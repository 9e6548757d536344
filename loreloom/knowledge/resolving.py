"""Entities as they follow from what all documents declare and what designers have corrected.

A function of its input alone, so that the same documents and corrections give the same entities in
whatever order they came.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from loreloom.domain.canon import EntityKind, Rating, Telling
from loreloom.domain.ids import CanonName, EntityId, FactId
from loreloom.knowledge.naming import fold


class RecordModel(BaseModel):
    """Base of what is kept as JSON in the database: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Declaration(RecordModel):
    """What one document says of one entity, and how far that may be told.

    ``found`` marks one that was found in the text rather than declared.
    """

    name: str
    kind: EntityKind
    aliases: tuple[str, ...] = ()
    ties: tuple[tuple[str, str], ...] = ()
    telling: Telling
    fact: FactId | None
    rating: Rating
    found: bool = False

    @property
    def told(self) -> "Told":
        """Who may know what it says."""
        return Told(self.telling, self.fact, self.rating.rank)


class Change(RecordModel):
    """All that designers have corrected in one entity. ``added`` is one that they made."""

    name: str | None = None
    kind: EntityKind | None = None
    add_aliases: tuple[str, ...] = ()
    drop_aliases: tuple[str, ...] = ()
    hidden: bool = False
    merged_into: EntityId | None = None
    added: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """How far something may be told; the order is from the most open to the most closed."""

    telling: Telling = Telling.PUBLIC
    fact: FactId | None = None
    rating_rank: int = 0

    @property
    def openness(self) -> tuple[bool, int, str]:
        """Sorts the most open first."""
        return (self.telling is Telling.SECRET, self.rating_rank, self.fact or "")

    def covers(self, other: "Told") -> bool:
        """Whether everyone who may be told the other may be told this."""
        same_secret = other.telling is Telling.SECRET and self.fact == other.fact
        opened = self.telling is not Telling.SECRET or same_secret
        return opened and self.rating_rank <= other.rating_rank


@dataclass(frozen=True, slots=True)
class KnownName:
    """A name or an alias, and who may know that the entity bears it."""

    name: str
    told: Told


@dataclass(frozen=True, slots=True)
class KnownTie:
    """A tie to what bears that name, and who may know of it."""

    to: str
    label: str
    told: Told


@dataclass(slots=True)
class Resolved:
    """An entity with its names (its own first) and its ties."""

    entity_id: EntityId
    kind: EntityKind
    names: list[KnownName]
    ties: list[KnownTie] = field(default_factory=list)
    hidden: bool = False
    corrected: bool = False
    declared: bool = False


def entity_id_of(canon: CanonName, name: str) -> EntityId:
    """The id of the entity first known by that name in a canon; a later name does not change it."""
    digest = hashlib.sha256(f"{canon}\x1f{fold(name)}".encode()).hexdigest()
    return EntityId(f"ent_{digest[:24]}")


def resolve(
    canon: CanonName, declarations: Iterable[Declaration], changes: Mapping[EntityId, Change]
) -> dict[EntityId, Resolved]:
    """The entities of a canon by id; one merged into another is not among them.

    Of two documents that differ on a kind or a spelling the more open one decides, since an
    entity's kind is told to all who know of it.
    """
    entities: dict[EntityId, Resolved] = {}
    ordered = sorted(declarations, key=lambda d: (d.found, d.told.openness, d.model_dump_json()))
    for declaration in ordered:
        _declare(canon, entities, declaration)
    for entity_id, change in sorted(changes.items()):
        if change.added and entity_id not in entities and change.name and change.kind:
            entities[entity_id] = Resolved(entity_id, change.kind, [KnownName(change.name, Told())])
    _join_by_alias(entities, changes)
    for entity_id, change in sorted(changes.items()):
        if entity_id in entities:
            _correct(entities[entity_id], change)
    for entity_id, change in sorted(changes.items()):
        target = _final(change.merged_into, changes)
        if entity_id in entities and target in entities and target != entity_id:
            _absorb(entities[target], entities.pop(entity_id))
            entities[target].corrected = True
    return entities


def _declare(
    canon: CanonName, entities: dict[EntityId, Resolved], declaration: Declaration
) -> None:
    if not fold(declaration.name):
        return
    entity_id = entity_id_of(canon, declaration.name)
    told = declaration.told
    known = entities.get(entity_id)
    if known is None:
        known = Resolved(entity_id, declaration.kind, [])
        entities[entity_id] = known
    elif declaration.found and known.declared:
        return
    known.declared = known.declared or not declaration.found
    for name in (declaration.name, *declaration.aliases):
        _add_name(known, KnownName(name, told))
    for to, label in declaration.ties:
        if not any(tie.to == to and tie.label == label for tie in known.ties):
            known.ties.append(KnownTie(to, label, told))


def _add_name(entity: Resolved, new: KnownName) -> None:
    """A name that is known already stays where it is, as open as the more open of the two."""
    folded = fold(new.name)
    if not folded:
        return
    for position, name in enumerate(entity.names):
        if fold(name.name) == folded:
            if new.told.openness < name.told.openness:
                entity.names[position] = KnownName(name.name, new.told)
            return
    entity.names.append(new)


def _join_by_alias(entities: dict[EntityId, Resolved], changes: Mapping[EntityId, Change]) -> None:
    """An entity whose own name is another's alias, and of its kind, is that other.

    One that a designer has corrected stays what the designer made of it. An alias that fewer may
    know than the name itself joins nothing: the two stay apart, so that what is told of either
    does not tell that they are one.
    """
    by_alias: dict[str, list[tuple[EntityId, Told]]] = {}
    for entity in entities.values():
        for known in entity.names[1:]:
            by_alias.setdefault(fold(known.name), []).append((entity.entity_id, known.told))
    for entity_id in sorted(entities):
        entity = entities[entity_id]
        own = entity.names[0]
        others = {
            other
            for other, told in by_alias.get(fold(own.name), ())
            if other != entity_id and told.covers(own.told)
        }
        if entity_id in changes or len(others) != 1:
            continue
        other = entities.get(next(iter(others)))
        if other is not None and other.kind is entity.kind:
            _absorb(other, entities.pop(entity_id))


def _absorb(target: Resolved, source: Resolved) -> None:
    for name in source.names:
        _add_name(target, name)
    target.ties += [tie for tie in source.ties if tie not in target.ties]


def _correct(entity: Resolved, change: Change) -> None:
    dropped = {fold(alias) for alias in change.drop_aliases}
    entity.names[1:] = [name for name in entity.names[1:] if fold(name.name) not in dropped]
    if change.name is not None:
        # The old name is how the documents go on calling it, so it stays as an alias.
        old = entity.names[0]
        entity.names = [n for n in entity.names if fold(n.name) != fold(change.name)]
        entity.names.insert(0, KnownName(change.name, old.told))
    entity.kind = change.kind or entity.kind
    for alias in change.add_aliases:
        _add_name(entity, KnownName(alias, entity.names[0].told))
    entity.hidden = change.hidden
    entity.corrected = True


def _final(entity_id: EntityId | None, changes: Mapping[EntityId, Change]) -> EntityId | None:
    """Where a chain of merges ends; a chain that bites its tail ends where it closes."""
    seen: set[EntityId] = set()
    while entity_id is not None and entity_id not in seen:
        seen.add(entity_id)
        change = changes.get(entity_id)
        if change is None or change.merged_into is None:
            return entity_id
        entity_id = change.merged_into
    return entity_id
