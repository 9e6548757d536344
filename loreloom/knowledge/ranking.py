"""How what each way says of a passage is weighed together, and in which order hits are shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loreloom.domain.ids import PassageId
from loreloom.knowledge.models import Reason, Way

TEXT_WEIGHT = 0.01
NAME_WEIGHT = 0.01
"""A point of the words' or the names' score, in similarity: measured, see docs/knowledge.md."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that some way found, with what every way says of it.

    ``nearest`` is the similarity of its nearest window, ``whole`` that of the whole passage.
    """

    passage_id: PassageId
    section: tuple[str, ...]
    name_score: float
    text_score: float
    nearest: float
    whole: float

    @property
    def meaning(self) -> float:
        """The similarity by which it is weighed: half what it is about, half its best detail."""
        return (self.nearest + self.whole) / 2

    @property
    def score(self) -> float:
        """All ways together, in similarity."""
        return self.meaning + TEXT_WEIGHT * self.text_score + NAME_WEIGHT * self.name_score


def order(
    candidates: Sequence[Candidate], ways: frozenset[Way]
) -> list[tuple[Candidate, float, tuple[Reason, ...]]]:
    """Candidates best first with their scores and reasons.

    The best passage of each section precedes all second passages, so that ten hits are ten places
    to look and not one section three times over.
    """
    ranks = {way: _ranks(candidates, value) for way, value in _VALUES.items() if way in ways}
    ranked = sorted(candidates, key=lambda c: (-c.score, c.passage_id))
    seen: set[tuple[str, ...]] = set()
    first: list[Candidate] = []
    further: list[Candidate] = []
    for candidate in ranked:
        (further if candidate.section in seen else first).append(candidate)
        seen.add(candidate.section)
    return [(c, c.score, _reasons(c, ranks)) for c in (*first, *further)]


_VALUES: dict[Way, Callable[[Candidate], float]] = {
    Way.NAMES: lambda c: c.name_score,
    Way.TEXT: lambda c: c.text_score,
    Way.MEANING: lambda c: c.meaning,
}


def _ranks(
    candidates: Sequence[Candidate], value: Callable[[Candidate], float]
) -> dict[PassageId, int]:
    found = sorted((c for c in candidates if value(c) > 0), key=lambda c: (-value(c), c.passage_id))
    return {c.passage_id: rank for rank, c in enumerate(found, 1)}


def _reasons(candidate: Candidate, ranks: dict[Way, dict[PassageId, int]]) -> tuple[Reason, ...]:
    return tuple(
        Reason(
            way=way,
            rank=ranks[way][candidate.passage_id],
            score=round(_VALUES[way](candidate), 4),
        )
        for way in Way
        if candidate.passage_id in ranks.get(way, {})
    )
