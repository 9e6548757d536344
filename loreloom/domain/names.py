"""Which names of a canon a text speaks of, and which names it speaks of that the canon lacks."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

_WORD = re.compile(r"[^\W_]+(?:['’\-.&][^\W_]+)*")
_OPENS = re.compile(r"(?:^|[.!?…:;]|[\"“‘(—–])[\"'“‘(\s—–]*$")
_FIRST_PERSON = frozenset({"i", "i'm", "i'll", "i've", "i'd"})
_POSSESSIVE = re.compile(r"['’]s?$")
_PARTICLES = frozenset([
    "al", "ap", "bin", "da", "de", "del", "della", "den", "der", "des", "di", "du", "ibn", "la",
    "le", "née", "van", "von", "y", "zu",
])  # fmt: skip
"""Lower-case words that make one name of the two that they stand between."""
_QUALIFIERS = frozenset([
    "broken", "good", "great", "high", "last", "late", "little", "long", "lost", "low", "small",
    "young",
])  # fmt: skip
"""Openers that make another name of a part of one: "Low Tower" is not "Widow Tower"."""
_OF_PROSE = frozenset({"LATIN", "MODIFIER"})


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    folded: str
    start: int
    end: int
    capital: bool
    owns: bool


class NameBook:
    """The names that a text may speak of, whole or in part.

    A part is a run of words of one name ("Pym" of "Eudora Pym"). Words of two names never make
    a third: "Eudora Wray" is unknown though both words are in the canon.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(dict.fromkeys(name for name in names if name.strip()))

    @cached_property
    def _parts(self) -> frozenset[tuple[str, ...]]:
        # A part begins and ends on a capitalised word, or "The" alone would be one of "the Lease".
        parts = set()
        for name in self._names:
            tokens = _tokens(_composed(name), self._scripts)
            for start, first in enumerate(tokens):
                for end, last in enumerate(tokens[start:], start + 1):
                    if first.capital and last.capital:
                        parts.add(tuple(token.folded for token in tokens[start:end]))
        return frozenset(parts)

    @cached_property
    def _scripts(self) -> frozenset[str]:
        """Those that a word may be written in and be no name: the names' own, and Latin."""
        return _OF_PROSE.union(*(map(_script, _composed(name)) for name in self._names))

    @cached_property
    def _whole(self) -> frozenset[tuple[str, ...]]:
        names = (tuple(_words(_composed(name), self._scripts)) for name in self._names)
        return frozenset(words[1:] if words[:1] == ("the",) else words for words in names)

    def unknown(
        self, text: str, openers: frozenset[str], *, title: bool = False
    ) -> tuple[str, ...]:
        """The names in a text that this book lacks, in their order.

        A word with a capital letter is a name, unless it begins a sentence and is one of
        ``openers``. In a title every word may be capitalised, so each may be an opener. So is a
        word in a script that no name of this book has: not every script has capitals.
        """
        return tuple(dict.fromkeys(self._unknown(text, openers, title)))

    def _unknown(self, text: str, openers: frozenset[str], title: bool) -> Iterator[str]:
        text = _composed(text)
        for run in _runs(_tokens(text, self._scripts), text):
            rest = run
            while rest and self._plain(rest, text, openers, title) and not self._known(rest):
                rest = rest[1:]
                while rest and not rest[0].capital:
                    rest = rest[1:]
            if rest and not self._known(rest):
                yield text[rest[0].start : rest[-1].end]

    def _plain(self, run: list[_Token], text: str, openers: frozenset[str], title: bool) -> bool:
        """Whether the first word of a run is an opener, and what follows it a name without it."""
        token, *rest = run
        if token.folded in _FIRST_PERSON:
            return True
        words = tuple(word.folded for word in rest)
        if token.folded in _QUALIFIERS and words in self._parts and words not in self._whole:
            return False
        lower_tail = not any(char.isupper() for char in token.text[1:])
        at_start = title or _OPENS.search(text[: token.start]) is not None
        return at_start and lower_tail and token.folded in openers

    def _known(self, run: list[_Token]) -> bool:
        words = tuple(token.folded for token in run)
        if words in self._parts:
            return True
        # "Eudora Pym of Tarrowmouth" joins two names; the first must be a whole one, so that
        # "Provost of Tarrowmouth" is not made of "Provost Wray".
        for cut in range(1, len(run)):
            if run[cut].folded != "of":
                continue
            after = next((i for i in range(cut, len(run)) if run[i].capital), len(run))
            if words[:cut] in self._whole and self._known(run[after:]):
                return True
        return False


def _tokens(text: str, scripts: frozenset[str]) -> list[_Token]:
    found = []
    for match in _WORD.finditer(text):
        word = match.group()
        owns = _POSSESSIVE.search(word) is not None and len(word) > 2
        bare = _POSSESSIVE.sub("", word) if owns else word
        end = match.start() + len(bare)
        capital = any(
            char.isupper() or char.istitle() or _script(char) not in scripts for char in bare
        )
        found.append(_Token(bare, _folded(bare), match.start(), end, capital, owns))
    return found


def _words(name: str, scripts: frozenset[str]) -> list[str]:
    return [token.folded for token in _tokens(name, scripts)]


def _composed(text: str) -> str:
    """The text with one way of writing each letter, space and hyphen."""
    return unicodedata.normalize("NFKC", text).replace("\u2010", "-")


def _script(char: str) -> str:
    """The script that a letter belongs to; whatever is none belongs to all."""
    if char.isascii() or not char.isalpha():
        return "LATIN"
    return unicodedata.name(char, "").partition(" ")[0]


def _folded(word: str) -> str:
    return word.replace("’", "'").casefold()


def _runs(tokens: list[_Token], text: str) -> Iterator[list[_Token]]:
    """Stretches of capitalised words, with an "of", "of the" or "van der" that links them."""
    run: list[_Token] = []
    links: list[_Token] = []
    for token in tokens:
        previous = (links or run)[-1] if run else None
        if previous is not None and not _adjoins(previous, token, links, text):
            yield run
            run, links = [], []
        if token.capital:
            run = [*run, *links, token]
            links = []
        elif run:
            links.append(token)
    if run:
        yield run


def _adjoins(previous: _Token, token: _Token, links: list[_Token], text: str) -> bool:
    between = text[previous.end : token.start]
    if previous.owns or not (between.isspace() or between in ("-", "–")):
        return False
    link = [*(link.folded for link in links), token.folded]
    return token.capital or link in (["of"], ["of", "the"]) or _PARTICLES.issuperset(link)
