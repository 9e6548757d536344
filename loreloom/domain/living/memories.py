"""What a character remembers of a player, and which of it comes to mind.

The score is that of Park et al., "Generative Agents: Interactive Simulacra of Human Behavior"
(2023): recency, importance and relevance, each brought to the span from 0 to 1 and added with the
same weight. Recency decays by the hour of game time, by their factor. Relevance is by shared words
unless the caller has something better, such as the cosine of embeddings.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum
from math import sqrt

from pydantic import BaseModel, ConfigDict

from loreloom.domain.calendar import HOUR
from loreloom.domain.quest import QuestKind, QuestProgress, QuestState

DECAY = 0.995
"""What is left of a memory's recency after each hour of game time."""

OFFER_REVISION = 1
"""The revision of a quest that is offered; one that is given up next was never taken."""

CHARACTERS_A_TOKEN = 4
"""A rough measure of tokens, on the safe side for plain English."""

_WORD = re.compile(r"[^\W_]{3,}")


class Deed(StrEnum):
    """What a player did that somebody remembers."""

    KEPT_WORD = "kept_word"
    FAILED = "failed"
    GAVE_UP = "gave_up"
    REFUSED = "refused"
    TOOK_PART = "took_part"
    TOOK_SIDE = "took_side"
    CROSSED = "crossed"


def deed_of(progress: QuestProgress) -> Deed | None:
    """What the giver of a quest that ended so remembers; ``None`` if it is nothing."""
    if progress.state is QuestState.COMPLETED:
        return Deed.KEPT_WORD
    if progress.state is QuestState.FAILED:
        return Deed.FAILED
    if progress.state is QuestState.ABANDONED:
        return Deed.REFUSED if progress.revision <= OFFER_REVISION + 1 else Deed.GAVE_UP
    return None


class Memory(BaseModel):
    """One thing that a character remembers of a player. ``at`` is in game seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    memory_id: str
    deed: Deed
    about: str
    quest_kind: QuestKind
    at: int

    @property
    def text(self) -> str:
        """The memory in words."""
        return f"the player {_DEEDS[self.deed]} in the matter of {self.about}"

    @property
    def importance(self) -> int:
        """From 1 to 10: a broken word weighs more than a kept one, a main quest more than any."""
        return _OF_DEED[self.deed] + _OF_KIND[self.quest_kind]


_DEEDS = {
    Deed.KEPT_WORD: "kept their word",
    Deed.FAILED: "failed",
    Deed.GAVE_UP: "gave up",
    Deed.REFUSED: "would not help",
    Deed.TOOK_PART: "took part",
    Deed.TOOK_SIDE: "took their side",
    Deed.CROSSED: "stood against them",
}
_OF_DEED = {
    Deed.KEPT_WORD: 4,
    Deed.FAILED: 6,
    Deed.GAVE_UP: 5,
    Deed.REFUSED: 1,
    Deed.TOOK_PART: 2,
    Deed.TOOK_SIDE: 5,
    Deed.CROSSED: 6,
}
_OF_KIND = {QuestKind.MAIN: 4, QuestKind.EVENT: 3, QuestKind.SIDE: 2, QuestKind.DAILY: 0}

Relevance = Callable[[str, str], float]


def shared_words(text: str, query: str) -> float:
    """How much two texts speak of the same, from 0 to 1: the cosine of their words' counts."""
    one, other = _counts(text), _counts(query)
    if not one or not other:
        return 0.0
    dot = sum(count * other[word] for word, count in one.items())
    return dot / sqrt(sum(c * c for c in one.values()) * sum(c * c for c in other.values()))


def recall(
    memories: Sequence[Memory],
    now: int,
    query: str,
    token_budget: int,
    relevance: Relevance = shared_words,
) -> tuple[Memory, ...]:
    """What comes to mind first, as much as the budget holds; ``now`` is in game seconds.

    A memory that does not fit is passed over for a shorter one. Equal scores go by the newer.
    """
    recency = _spread([DECAY ** (max(0, now - m.at) / HOUR) for m in memories])
    importance = _spread([float(m.importance) for m in memories])
    relevant = _spread([relevance(m.text, query) for m in memories])
    scores = [sum(parts) for parts in zip(recency, importance, relevant, strict=True)]
    ranked = sorted(
        zip(scores, memories, strict=True), key=lambda s: (-s[0], -s[1].at, s[1].memory_id)
    )
    chosen: list[Memory] = []
    left = token_budget
    for _, memory in ranked:
        if tokens_of(memory.text) <= left:
            chosen.append(memory)
            left -= tokens_of(memory.text)
    return tuple(chosen)


def tokens_of(text: str) -> int:
    """About how many tokens a text has; at least 1."""
    return max(1, -(-len(text) // CHARACTERS_A_TOKEN))


def _spread(values: Sequence[float]) -> list[float]:
    """The values brought to the span from 0 to 1; all alike, all 0."""
    if not values:
        return []
    least, most = min(values), max(values)
    return [(v - least) / (most - least) if most > least else 0.0 for v in values]


def _counts(text: str) -> Counter[str]:
    return Counter(word.lower() for word in _WORD.findall(text))
