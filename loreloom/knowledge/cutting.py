"""Cutting blocks into pieces that fit into a passage, where a reader would cut them.

A paragraph is cut between sentences, a list between items, a table between rows with its header
kept on each part, code between lines inside its fence; only what has no such place is cut by words.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from loreloom.knowledge.blocks import Block, BlockKind

Count = Callable[[list[str]], list[int]]
"""How many tokens of the embedding model each text has, without those that every text has."""

MAX_CHARACTERS_A_TOKEN = 8
"""A word beyond the tokenizer's patience counts as one token; characters bound it all the same."""

_SENTENCE = re.compile(r"(?<=[.!?…][\"'”’)\]*_])\s+|(?<=[.!?…。！？])\s+|(?<=[。！？])")
_BATCH = 2000


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a block that is not cut further. ``glue`` joins it to the piece before it."""

    text: str
    tokens: int
    glue: str


def sentences(text: str) -> list[str]:
    """The sentences of a text, none of them blank."""
    return [part for part in _SENTENCE.split(text) if part and part.strip()]


def cut(block: Block, limit: int, count: Count) -> Iterator[Piece]:
    """The pieces of a block in order, none above ``limit`` tokens."""
    whole = _measured([block.text], "\n\n", count)[0]
    if _fits(whole, limit):
        yield whole
        return
    if block.kind is BlockKind.TABLE:
        yield from _with_frame(block.text, 2, 0, limit, count)
    elif block.kind is BlockKind.CODE and block.text.lstrip()[:3] in ("```", "~~~"):
        yield from _with_frame(block.text, 1, 1 if _is_closed(block.text) else 0, limit, count)
    elif block.kind is BlockKind.LIST:
        yield from _finer(_items(block), "\n", limit, count)
    elif block.kind is BlockKind.PARAGRAPH:
        yield from _finer(sentences(block.text), " ", limit, count)
    else:
        yield from _finer(block.text.split("\n"), "\n", limit, count)


def _is_closed(fenced: str) -> bool:
    """Whether the last line is the end of the fence: its own mark, as long or longer, alone."""
    opening, last = fenced.lstrip(), fenced.rstrip().split("\n")[-1].strip()
    mark = opening[: len(opening) - len(opening.lstrip(opening[0]))]
    return last.startswith(mark) and not last.strip(mark[0])


def _measured(texts: list[str], glue: str, count: Count) -> list[Piece]:
    pieces: list[Piece] = []
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        # A text far above any limit is not worth its tokens' count: it is cut in any case.
        sizes = count([text[:20_000] for text in batch])
        pieces += [Piece(t, n, glue) for t, n in zip(batch, sizes, strict=True)]
    return pieces


def _fits(piece: Piece, limit: int) -> bool:
    return piece.tokens <= limit and len(piece.text) <= limit * MAX_CHARACTERS_A_TOKEN


def _finer(texts: Iterable[str], glue: str, limit: int, count: Count) -> Iterator[Piece]:
    """The texts as pieces; what is too large goes on to sentences, words and characters."""
    for piece in _measured(_coalesced(texts, glue, limit // 2), glue, count):
        if _fits(piece, limit):
            yield piece
        elif len(parts := sentences(piece.text)) > 1 or len(parts := piece.text.split()) > 1:
            yield from _packed(parts, glue, " ", limit, count)
        else:
            yield from _by_characters(piece.text, glue, limit, count)


def _coalesced(texts: Iterable[str], glue: str, characters: int) -> list[str]:
    """Neighbours that are so short that they need not be weighed one by one."""
    joined: list[str] = []
    held: list[str] = []
    length = 0
    for text in texts:
        if not text.strip():
            continue
        if held and length + len(text) > characters:
            joined.append(glue.join(held))
            held, length = [], 0
        held.append(text)
        length += len(text) + len(glue)
    if held:
        joined.append(glue.join(held))
    return joined


def _packed(parts: list[str], glue: str, inner: str, limit: int, count: Count) -> Iterator[Piece]:
    """Parts of one text joined again as far as they fit; the first keeps the text's own glue."""
    first = True
    held: list[str] = []
    tokens = characters = 0
    for part in _finer(parts, inner, limit, count):
        longer = characters + len(part.text) + len(inner)
        too_long = longer > limit * MAX_CHARACTERS_A_TOKEN
        if held and (tokens + part.tokens > limit or too_long):
            yield Piece(inner.join(held), tokens, glue if first else inner)
            first, held, tokens, characters = False, [], 0, 0
        held.append(part.text)
        tokens += part.tokens
        characters += len(part.text) + len(inner)
    if held:
        yield Piece(inner.join(held), tokens, glue if first else inner)


def _by_characters(text: str, glue: str, limit: int, count: Count) -> Iterator[Piece]:
    """A text without a space in it. Four characters a token hold for any script we measured but
    those with a token or more a character, which are cut in half until they fit."""
    step = limit * 4
    parts = [text[i : i + step] for i in range(0, len(text), step)]
    for position, piece in enumerate(_measured(parts, "", count)):
        joint = glue if position == 0 else ""
        if _fits(piece, limit) or len(piece.text) == 1:
            yield Piece(piece.text, piece.tokens, joint)
            continue
        half = len(piece.text) // 2
        yield from _by_characters(piece.text[:half], joint, limit, count)
        yield from _by_characters(piece.text[half:], "", limit, count)


def _items(block: Block) -> list[str]:
    lines = block.text.split("\n")
    cuts = sorted({0, *(s for s in block.starts if s < len(lines)), len(lines)})
    return ["\n".join(lines[a:b]).rstrip() for a, b in pairwise(cuts)]


def _with_frame(text: str, head: int, foot: int, limit: int, count: Count) -> Iterator[Piece]:
    """Lines between a head and a foot that every part repeats, if these leave room enough."""
    lines = text.split("\n")
    top, rest = lines[:head], lines[head : len(lines) - foot]
    bottom = lines[len(lines) - foot :] if foot else []
    frame = sum(count(top + bottom)) + 2
    if frame > limit // 2 or sum(map(len, top + bottom)) > limit * MAX_CHARACTERS_A_TOKEN // 2:
        yield from _finer(lines, "\n", limit, count)
        return
    room = limit - frame
    held: list[str] = []
    tokens = characters = 0
    for line in _finer(rest, "\n", room, count):
        too_long = characters + len(line.text) > room * MAX_CHARACTERS_A_TOKEN // 2
        if held and (tokens + line.tokens > room or too_long):
            yield Piece("\n".join(top + held + bottom), tokens + frame, "\n\n")
            held, tokens, characters = [], 0, 0
        held.append(line.text)
        tokens += line.tokens
        characters += len(line.text) + 1
    if held:
        yield Piece("\n".join(top + held + bottom), tokens + frame, "\n\n")
