"""Names as they are compared, and where names stand in a text: whole words, the longest first."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
_ARTICLES = frozenset({"the", "a", "an"})
_POSSESSIVE = re.compile(r"['’]s?$")

_PLAIN = (
    "the a an of and in on at to for from with by house lord lady dame sir master mistress miss "
    "mister captain alderman provost old new great little street hill road saint st"
)
PLAIN_WORDS = frozenset(_PLAIN.split())
"""Words that tell nobody which name is meant when they stand alone."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text: folded, as it was written, and where it begins and ends."""

    folded: str
    written: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """The words of a text; a possessive's ending is not part of its word."""
    found: list[Word] = []
    for match in _WORD.finditer(text):
        written = match.group()
        bare = _POSSESSIVE.sub("", written)
        # "James'" ends in the apostrophe outside the word, "Bell's" inside.
        bare = bare or written
        end = match.start() + len(bare)
        found.append(Word(bare.casefold().replace("’", "'"), bare, match.start(), end))
    return found


def fold(name: str) -> str:
    """A name as names are compared: no case, no leading article, one space between words."""
    folded = [word.folded for word in words(name)]
    if len(folded) > 1 and folded[0] in _ARTICLES:
        folded = folded[1:]
    return " ".join(folded)


def telling_words(folded: str) -> list[str]:
    """The words of a folded name that point to it when they stand alone."""
    return [word for word in folded.split() if word not in PLAIN_WORDS and len(word) > 2]


@dataclass(frozen=True, slots=True)
class Mention:
    """A name found in a text, by its index in the list of names that was looked for."""

    name: int
    start: int
    end: int


class NameFinder:
    """Finds any of a list of names in texts, in time that does not grow with the list."""

    def __init__(self, names: Iterable[str], *, any_case: bool = False) -> None:
        self._any_case = any_case
        self._by_first: dict[str, list[tuple[tuple[str, ...], tuple[bool, ...], int]]] = {}
        for index, name in enumerate(names):
            parts = words(name)
            if len(parts) > 1 and parts[0].folded in _ARTICLES:
                parts = parts[1:]
            if not parts:
                continue
            folded = tuple(part.folded for part in parts)
            capital = tuple(part.written[:1].isupper() for part in parts)
            self._by_first.setdefault(folded[0], []).append((folded, capital, index))
        for candidates in self._by_first.values():
            candidates.sort(key=lambda candidate: -len(candidate[0]))

    def find(self, text: str) -> Iterator[Mention]:
        """The names in a text, left to right; a word belongs to the longest name that holds it.

        A name shared by several entities is found once for each.
        """
        found = words(text)
        position = 0
        while position < len(found):
            length = 0
            for folded, capital, index in self._by_first.get(found[position].folded, ()):
                if length and len(folded) < length:
                    break
                span = found[position : position + len(folded)]
                if self._stands(span, folded, capital):
                    length = len(folded)
                    yield Mention(index, span[0].start, span[-1].end)
            position += length or 1

    def _stands(self, span: list[Word], folded: tuple[str, ...], capital: tuple[bool, ...]) -> bool:
        if len(span) != len(folded) or any(
            w.folded != f for w, f in zip(span, folded, strict=True)
        ):
            return False
        # "The League" is a name, "a league away" is none.
        return self._any_case or all(
            w.written[:1].isupper() or not c for w, c in zip(span, capital, strict=True)
        )
