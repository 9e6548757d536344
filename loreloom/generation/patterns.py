"""Regular expressions that hold prose while it is made.

In prose held by them a capital letter can only begin an opener of a closed list or a whole name of
the cast, every other word is one of the vocabulary, and a sentence ends on a word that can end it.
They are written for llguidance, which compiles them lazily; a backend that unfolds them ahead
(xgrammar) takes seconds for the same.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_SMALL_WORDS_IN_A_ROW = 6


@dataclass(frozen=True, slots=True)
class Span:
    """How many phrases follow what was begun: each some small words and one that carries weight."""

    least: int
    most: int


class Prose:
    """Makes the patterns for one cast and one vocabulary.

    ``names`` are as they stand in a sentence, with their article; those without a capital letter
    ("the upper city") are words like others and are left out.

    A phrase ends on a word that can end a sentence, so whatever is made of phrases ends soundly,
    and the vocabulary stands only once in a pattern, whose length is its cost.
    """

    def __init__(
        self,
        names: Iterable[str],
        vocabulary: Iterable[str],
        dangling: frozenset[str],
        before_names: frozenset[str],
    ) -> None:
        words = {word for word in vocabulary if word.isalpha() and word.islower()}
        capital = {name for name in names if any(char.isupper() for char in name)}
        self._small = either(sorted(words & dangling))
        self._full = either(sorted(words - dangling))
        self._name = f"{either(sorted(before_names))} {either(sorted(capital, key=_longest))}"

    def words(self, span: Span) -> str:
        """Words after something that was begun."""
        small = f"(?: {self._small}){{0,{_SMALL_WORDS_IN_A_ROW}}}"
        phrase = f"(?:,?{small} (?:{self._full}|{self._name}))"
        return f"{phrase}{{{span.least},{span.most}}}"

    def sentence(self, openers: Sequence[str], span: Span) -> str:
        """A sentence that begins with one of the openers."""
        return f"{either(openers)}{self.words(span)}\\."

    def plain(self, most: int) -> str:
        """One word or more, none of them a name."""
        return f"(?: {self._full}){{1,{most}}}"


def either(texts: Sequence[str]) -> str:
    """One of the texts, taken as they are."""
    return f"(?:{'|'.join(literal(text) for text in texts)})"


def literal(text: str) -> str:
    """A text that stands for itself in a pattern."""
    return re.sub(r"([\\^$.|?*+()\[\]{}/\"])", r"\\\1", text)


def _longest(name: str) -> tuple[int, str]:
    return (-len(name), name)
