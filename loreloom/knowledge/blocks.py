"""The blocks of a Markdown text in order: headings, and what stands between them.

The Markdown library says where blocks begin and end; their text is the source itself, so that
nothing a designer wrote is lost on the way.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from markdown_it import MarkdownIt
from markdown_it.token import Token

MAX_PARSE_LINES = 4000


class BlockKind(StrEnum):
    """What a block is, as far as it decides where the block may be cut."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST = "list"
    TABLE = "table"
    CODE = "code"
    QUOTE = "quote"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its source text, the line it begins on, and what cutting it needs to know.

    ``level`` is a heading's; ``starts`` are the lines of a list's items, from its first.
    """

    kind: BlockKind
    text: str
    line: int
    level: int = 0
    starts: tuple[int, ...] = ()


_KINDS = {
    "heading_open": BlockKind.HEADING,
    "paragraph_open": BlockKind.PARAGRAPH,
    "bullet_list_open": BlockKind.LIST,
    "ordered_list_open": BlockKind.LIST,
    "table_open": BlockKind.TABLE,
    "fence": BlockKind.CODE,
    "code_block": BlockKind.CODE,
    "blockquote_open": BlockKind.QUOTE,
}


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable("table")
    # Only the blocks are wanted; inline rules cost most of the time and can be made quadratic.
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


def read_blocks(text: str, first_line: int = 0) -> Iterator[Block]:
    """The blocks of a text; every line that is not blank lies in exactly one."""
    lines = text.split("\n")
    for start, end in _portions(lines, first_line):
        yield from _blocks_of(lines[start:end], start)


def _portions(lines: list[str], first: int) -> Iterator[tuple[int, int]]:
    """Spans that can be parsed by themselves: cut before a heading outside fences.

    Some of the library's block rules look ahead to the end of their text; bounding the text
    bounds them.
    """
    start, fence = first, ""
    for number in range(first, len(lines)):
        line = lines[number]
        stripped = line.lstrip(" ")
        mark = stripped[:3]
        if mark in ("```", "~~~") and len(line) - len(stripped) < 4:
            fence = mark if not fence else ("" if mark == fence else fence)
        long = number - start >= MAX_PARSE_LINES
        if number > start and ((not fence and line.startswith("#")) or long):
            yield start, number
            start = number
    if start < len(lines):
        yield start, len(lines)


def _blocks_of(lines: list[str], offset: int) -> Iterator[Block]:
    tokens = _parser().parse("\n".join(lines))
    reached = 0
    for index, token in enumerate(tokens):
        if token.level != 0 or token.map is None or token.nesting < 0:
            continue
        start, end = token.map
        start = max(start, reached)
        yield from _gap(lines, reached, start, offset)
        if end <= start:
            continue
        yield _block(tokens, index, lines[start:end], start, offset)
        reached = end
    yield from _gap(lines, reached, len(lines), offset)


def _block(tokens: list[Token], index: int, lines: list[str], start: int, offset: int) -> Block:
    token = tokens[index]
    kind = _KINDS.get(token.type, BlockKind.OTHER)
    if kind is BlockKind.HEADING:
        return Block(kind, tokens[index + 1].content.strip(), start + offset, int(token.tag[1]))
    starts = tuple(_item_starts(tokens, index, start)) if kind is BlockKind.LIST else ()
    return Block(kind, "\n".join(lines).rstrip(), start + offset, starts=starts)


def _item_starts(tokens: list[Token], index: int, start: int) -> Iterator[int]:
    for token in tokens[index + 1 :]:
        if token.level == 0:
            return
        if token.type == "list_item_open" and token.level == 1 and token.map:
            yield token.map[0] - start


def _gap(lines: list[str], start: int, end: int, offset: int) -> Iterator[Block]:
    """What the library reads and drops, such as link definitions."""
    text = "\n".join(lines[start:end])
    if text.strip():
        yield Block(BlockKind.OTHER, text.strip("\n").rstrip(), start + offset)
