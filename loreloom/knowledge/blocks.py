"""The blocks of a Markdown text in order: headings, and what stands between them.

The Markdown library says where blocks begin and end; their text is the source itself, so that
nothing a designer wrote is lost on the way, but for what Markdown shows to nobody: comments and
link definitions, which some write comments as.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from markdown_it import MarkdownIt
from markdown_it.token import Token

MAX_PARSE_LINES = 4000
"""Some of the library's block rules look ahead to the end of their text; this bounds them."""


class BlockKind(StrEnum):
    """What a block is, as far as it decides where the block may be cut."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST = "list"
    TABLE = "table"
    CODE = "code"
    QUOTE = "quote"
    HTML = "html"
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
    "html_block": BlockKind.HTML,
}
_TO_AN_END = (BlockKind.CODE, BlockKind.HTML)
"""What goes on until something ends it, over whatever would be a block elsewhere."""


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"inline_definitions": True}).enable("table")
    # Only the blocks are wanted; inline rules cost most of the time and can be made quadratic.
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


def read_blocks(text: str, first_line: int = 0) -> Iterator[Block]:
    """The blocks of a text; every line that Markdown shows lies in exactly one."""
    for block in _in_portions(text.split("\n"), first_line):
        shown = block if block.kind is BlockKind.CODE else _without_comments(block)
        if shown.text or shown.kind is BlockKind.HEADING:
            yield shown


def _in_portions(lines: list[str], start: int) -> Iterator[Block]:
    """The blocks with what they hide.

    The last block of a portion may go on in the next, so it is read again with that one. If it
    fills its portion it is cut there; code and HTML are not, since the rest of them would be read
    as something else: the portion grows until it holds them.
    """
    size = MAX_PARSE_LINES
    while start < len(lines):
        end = min(start + size, len(lines))
        blocks = list(_blocks_of(lines[start:end], start))
        if end == len(lines) or not blocks:
            yield from blocks
            start = end
        elif len(blocks) > 1:
            yield from blocks[:-1]
            start, size = blocks[-1].line, MAX_PARSE_LINES
        elif blocks[0].kind in _TO_AN_END:
            start, size = blocks[0].line, 2 * size
        else:
            yield blocks[0]
            start = end


def _blocks_of(lines: list[str], offset: int) -> Iterator[Block]:
    tokens = _parser().parse("\n".join(lines))
    lines = _without_definitions(lines, tokens)
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


def _without_definitions(lines: list[str], tokens: list[Token]) -> list[str]:
    hidden = {
        number
        for token in tokens
        if token.type == "definition" and token.map
        for number in range(*token.map)
    }
    return ["" if number in hidden else line for number, line in enumerate(lines)]


def _block(tokens: list[Token], index: int, lines: list[str], start: int, offset: int) -> Block:
    token = tokens[index]
    kind = _KINDS.get(token.type, BlockKind.OTHER)
    if kind is BlockKind.HEADING:
        return Block(kind, tokens[index + 1].content.strip(), start + offset, int(token.tag[1]))
    starts = tuple(_item_starts(tokens, index, start)) if kind is BlockKind.LIST else ()
    return Block(kind, "\n".join(lines).rstrip(), start + offset, starts=starts)


def _without_comments(block: Block) -> Block:
    """The block without its comments; each leaves its line ends, by which a list is cut.

    One that is never closed is a comment to the end if it opens a block of its own, else text.
    """
    text, kept, reached = block.text, "", 0
    while (start := text.find("<!--", reached)) >= 0:
        # "<!-->" is a whole comment.
        end = text.find("-->", start + 2)
        if end < 0 and block.kind is not BlockKind.HTML:
            break
        end = len(text) if end < 0 else end + 3
        kept += text[reached:start] + "\n" * text.count("\n", start, end)
        reached = end
    return replace(block, text=(kept + text[reached:]).strip("\n").rstrip())


def _item_starts(tokens: list[Token], index: int, start: int) -> Iterator[int]:
    for token in tokens[index + 1 :]:
        if token.level == 0:
            return
        if token.type == "list_item_open" and token.level == 1 and token.map:
            yield token.map[0] - start


def _gap(lines: list[str], start: int, end: int, offset: int) -> Iterator[Block]:
    """What the library reads and makes no block of, such as what lies too deep in others."""
    text = "\n".join(lines[start:end])
    if text.strip():
        yield Block(BlockKind.OTHER, text.strip("\n").rstrip(), start + offset)
