"""Entities that a text names without declaring them: recurrent capitalised runs of evident kind.

A kind is given only where the words themselves show it (a title before a name, "Street" after it);
a name whose kind is not evident is left to the designers.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from loreloom.domain.canon import EntityKind
from loreloom.knowledge.naming import fold

MIN_MENTIONS = 2
MAX_WORDS = 5


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_RUN = re.compile(
    r"[^\W\d_a-z][\w'’\-]*(?:\s+(?:of\s+(?:the\s+)?)?[^\W\d_a-z][\w'’\-]*){0,4}", re.UNICODE
)
_TITLES = _words(
    "mr mrs ms miss mister mistress master dame lord lady sir captain alderman "
    "provost doctor dr father mother brother sister aunt uncle king queen prince "
    "princess baron count sergeant constable inspector professor"
)
_LAST = {
    EntityKind.PLACE: _words(
        "street lane road alley court square market bridge gate tower hill quay quays "
        "dock docks wharf reach terrace mews stairs row garden gardens park hall chapel "
        "church abbey cellar tavern inn yard well harbour island isle wood forest river "
        "cave caves castle keep village town city mountain mountains valley lake bay pass"
    ),
    EntityKind.FACTION: _words(
        "guild league watch company corporation order brotherhood sisterhood council "
        "society union clan tribe legion syndicate committee"
    ),
    EntityKind.CREATURE: _words(
        "hound wolf drake dragon serpent wyrm wight ghoul troll ogre goblin"
    ),
    EntityKind.THING: _words(
        "bell ledger book crown sword blade ring lamp lantern mirror map key clock amulet"
    ),
}
_FIRST = {EntityKind.FACTION: _words("house clan order")}
_SENTENCE_START = re.compile(r"(?:^|[.!?:;\n>*#\-\"“‘(|])\s*[\"“‘(*_]*$")
_DETERMINERS = _words("the a an this that these those his her its their our my your")


@dataclass(frozen=True, slots=True)
class Discovered:
    """A name of evident kind, and the numbers of the texts that mention it, in order."""

    name: str
    kind: EntityKind
    texts: tuple[int, ...]


def discover(texts: Iterable[str], known: frozenset[str]) -> Iterator[Discovered]:
    """Names in the texts that are not among the ``known`` (folded) ones."""
    mentions: dict[str, list[int]] = {}
    for number, text in enumerate(texts):
        for run in _runs(text):
            mentions.setdefault(run, []).append(number)
    for name, found in sorted(mentions.items()):
        if len(found) < MIN_MENTIONS or fold(name) in known or len(name) > 120:
            continue
        kind = evident_kind(name)
        if kind is not None:
            yield Discovered(name, kind, tuple(dict.fromkeys(found)))


def _runs(text: str) -> Iterator[str]:
    for match in _RUN.finditer(text):
        parts = match.group().split()
        if parts[0].casefold() in _DETERMINERS:
            parts = parts[1:]
        parts = [re.sub(r"['’]s?$", "", part) for part in parts]
        if 2 <= len(parts) <= MAX_WORDS:
            yield " ".join(parts)
        # The first word of a sentence has its capital from there: "Later Cloth Street burned".
        if _SENTENCE_START.search(text[max(0, match.start() - 4) : match.start()]):
            parts = parts[1:]
            if 2 <= len(parts) <= MAX_WORDS:
                yield " ".join(parts)


def evident_kind(name: str) -> EntityKind | None:
    """The kind that the words of a name show by themselves, if they show one."""
    parts = [part.casefold().rstrip(".") for part in name.split()]
    if len(parts) < 2:
        return None
    if parts[0] in _TITLES and "of" not in parts:
        return EntityKind.PERSON
    for kind, firsts in _FIRST.items():
        if parts[0] in firsts:
            return kind
    head = parts[parts.index("of") - 1] if "of" in parts[1:] else parts[-1]
    return next((kind for kind, lasts in _LAST.items() if head in lasts), None)
