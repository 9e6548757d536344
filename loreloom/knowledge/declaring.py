"""What a document says of entities: those that its front matter declares, those that it names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from loreloom.domain.canon import Rating, Telling
from loreloom.domain.ids import FactId, PassageId
from loreloom.knowledge.discovery import discover
from loreloom.knowledge.front_matter import FrontMatter, split_front_matter
from loreloom.knowledge.naming import fold
from loreloom.knowledge.resolving import Declaration


@dataclass(frozen=True, slots=True)
class Declared:
    """A document's passages, and what it says of entities."""

    passages: tuple[PassageId, ...]
    declarations: tuple[Declaration, ...]


def declared_in(markdown: str, staged: Sequence[Any]) -> Declared:
    """What a document says, from its text and the rows of its staged passages.

    Takes a second of processor time for every few megabytes.
    """
    front, _ = split_front_matter(markdown)
    declarations = list(_in_front_matter(front))
    known = frozenset(fold(n) for d in declarations for n in (d.name, *d.aliases))
    return Declared(
        passages=tuple(PassageId(row.passage_id) for row in staged),
        declarations=(*declarations, *_in_text(staged, known)),
    )


def _in_front_matter(front: FrontMatter) -> Iterator[Declaration]:
    for entity in front.entities:
        yield Declaration(
            name=entity.name,
            kind=entity.kind,
            aliases=entity.aliases,
            ties=tuple((tie.to, tie.label) for tie in entity.ties),
            telling=front.telling,
            fact=front.fact,
            rating=front.rating,
        )


def _in_text(staged: Sequence[Any], known: frozenset[str]) -> Iterator[Declaration]:
    """Names found in the text, each told as far as the most open passage that mentions it."""
    texts = (f"{' . '.join(row.heading_path)}\n{row.text}" for row in staged)
    for found in discover(texts, known):
        mentioning = [staged[number] for number in found.texts]
        most_open = min(
            mentioning, key=lambda row: (row.telling == Telling.SECRET, row.rating_rank)
        )
        yield Declaration(
            name=found.name,
            kind=found.kind,
            telling=Telling(most_open.telling),
            fact=None if most_open.fact is None else FactId(most_open.fact),
            rating=list(Rating)[most_open.rating_rank],
            found=True,
        )
