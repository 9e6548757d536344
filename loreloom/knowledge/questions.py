"""What a question asks for: the names in it, and its words with how rare each is in the canon."""

from dataclasses import dataclass
from math import log
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loreloom.domain.canon import Viewpoint
from loreloom.domain.ids import CanonName, EntityId
from loreloom.knowledge.naming import NameFinder, fold, telling_words, words
from loreloom.knowledge.visibility import visible, visible_values

MAX_TERMS = 24
MAX_POSTINGS = 6000
"""Words are taken from the rarest on until this many passages hold one of them."""
PART_OF_NAME = 0.35
"""What a single word of a name counts beside the whole name."""


@dataclass(frozen=True, slots=True)
class Term:
    """A stem of the question, and its weight: the rarer in the canon, the more it tells."""

    term: str
    weight: float


@dataclass(frozen=True, slots=True)
class NamedInQuestion:
    """An entity that the question names, and how surely: 1 by a whole name, less by a part."""

    entity_id: EntityId
    weight: float


@dataclass(frozen=True, slots=True)
class Question:
    """A question as the search takes it. ``mean_length`` is of the canon's passages, in words."""

    terms: tuple[Term, ...]
    names: tuple[NamedInQuestion, ...]
    mean_length: float
    passages: int
    windows: int


_SIZE = text("SELECT passages, windows, total_length FROM canon_sizes WHERE canon = :canon")

_TERMS = text(
    """
    SELECT w.lexeme AS term, c.passages
    FROM unnest(to_tsvector('english', :query)) AS w
    LEFT JOIN canon_terms c ON c.canon = :canon AND c.term = w.lexeme
    LIMIT 400
    """
)
_NEAR_TERMS = text(
    """
    SELECT term, passages FROM canon_terms
    WHERE canon = :canon AND term LIKE ANY (:patterns) AND length(term) BETWEEN 4 AND 40
    LIMIT 3000
    """
)
_NAMES = text(
    f"""
    SELECT n.entity_id, n.name, n.folded, n.words
    FROM entity_names n JOIN entities e USING (entity_id)
    WHERE n.canon = :canon AND NOT e.hidden AND {visible("n")}
      AND (n.folded = ANY (:runs) OR n.words && CAST(:words AS text[]))
    ORDER BY n.entity_id, n.position
    LIMIT 500
    """
)


async def understand(
    connection: AsyncConnection, canon: CanonName, query: str, viewpoint: Viewpoint
) -> Question | None:
    """Read a question against a canon; ``None`` if the canon has no passage."""
    size = (await connection.execute(_SIZE, {"canon": canon})).first()
    if size is None or size.passages <= 0:
        return None
    return Question(
        terms=await _terms(connection, canon, query, size.passages),
        names=await _names(connection, canon, query, viewpoint),
        mean_length=max(1.0, float(size.total_length) / size.passages),
        passages=size.passages,
        windows=size.windows,
    )


async def _terms(
    connection: AsyncConnection, canon: CanonName, query: str, passages: int
) -> tuple[Term, ...]:
    found = (await connection.execute(_TERMS, {"canon": canon, "query": query})).all()
    counts = {row.term: row.passages for row in found if row.passages}
    unknown = [row.term for row in found if not row.passages and len(row.term) >= 4]
    certainty = dict.fromkeys(counts, 1.0)
    if unknown:
        for term, held_by in (await _nearest(connection, canon, unknown)).items():
            counts.setdefault(term, held_by)
            certainty.setdefault(term, 0.6)
    chosen: list[Term] = []
    postings = 0
    for term, held_by in sorted(counts.items(), key=lambda item: (item[1], item[0])):
        postings += held_by
        if chosen and (len(chosen) >= MAX_TERMS or postings > MAX_POSTINGS):
            break
        rarity = log(1 + (passages - held_by + 0.5) / (held_by + 0.5))
        chosen.append(Term(term, max(0.0, rarity) * certainty[term]))
    return tuple(chosen)


async def _nearest(
    connection: AsyncConnection, canon: CanonName, unknown: list[str]
) -> dict[str, int]:
    """For words that the canon lacks, the words a slip of the pen away."""
    patterns = sorted({f"{_escaped(term[:2])}%" for term in unknown[:6]})
    rows = await connection.execute(_NEAR_TERMS, {"canon": canon, "patterns": patterns})
    known = {row.term: row.passages for row in rows}
    near: dict[str, int] = {}
    for term in unknown[:6]:
        allowed = 1 if len(term) < 7 else 2
        best = min(
            ((slips(term, other, allowed), other) for other in known), default=(allowed + 1, "")
        )
        if best[0] <= allowed:
            near[best[1]] = known[best[1]]
    return near


def _escaped(text_: str) -> str:
    return text_.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def slips(one: str, other: str, most: int) -> int:
    """How many letters were added, lost, changed or swapped; above ``most`` it stops counting."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before_last: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            best = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                best = min(best, before_last[j - 2] + 1)
            row.append(best)
        if min(row) > most:
            return most + 1
        before_last, last = last, row
    return last[-1]


async def _names(
    connection: AsyncConnection, canon: CanonName, query: str, viewpoint: Viewpoint
) -> tuple[NamedInQuestion, ...]:
    folded = [word.folded for word in words(query)][:200]
    runs = sorted({" ".join(folded[i : i + n]) for n in range(1, 8) for i in range(len(folded))})
    values: dict[str, Any] = {
        "canon": canon,
        "runs": runs,
        "words": sorted(set(telling_words(" ".join(folded)))),
        **visible_values(viewpoint),
    }
    rows = (await connection.execute(_NAMES, values)).all()
    whole_rows = [row for row in rows if f" {row.folded} " in f" {' '.join(folded)} "]
    finder = NameFinder([row.name for row in whole_rows], any_case=True)
    named: dict[str, NamedInQuestion] = {}
    covered: set[str] = set()
    for mention in finder.find(query):
        row = whole_rows[mention.name]
        named.setdefault(row.entity_id, NamedInQuestion(EntityId(row.entity_id), 1.0))
        covered.update(fold(row.name).split())
    parts = set(folded) - covered
    for row in rows:
        if row.entity_id not in named and parts & set(row.words):
            named[row.entity_id] = NamedInQuestion(EntityId(row.entity_id), PART_OF_NAME)
    return tuple(named.values())
