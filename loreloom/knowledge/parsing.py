"""A Markdown document as what is stored of it: its passages, each within the embedding's sight.

A passage never crosses a heading. It is embedded as windows: the whole of it and runs of its
sentences, each with the title and the headings above it, so that a detail in the middle of a long
passage is found as well as what the passage is about.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from loreloom.domain.canon import Rating, Telling
from loreloom.domain.ids import DocumentId, FactId, PassageId
from loreloom.knowledge.blocks import Block, BlockKind, read_blocks
from loreloom.knowledge.cutting import (
    MAX_CHARACTERS_A_TOKEN,
    Count,
    Piece,
    cut,
    sentences,
)
from loreloom.knowledge.front_matter import FrontMatter, SectionRule, split_front_matter
from loreloom.knowledge.problems import LoreCode, LoreProblem
from loreloom.knowledge.resolving import Told

PASSAGE_TOKENS = 220
WINDOW_TOKENS = 96
MAX_HEADING_TOKENS = 60
_HEADING_CHARACTERS = 200
_SPECIAL_TOKENS = 2


@dataclass(frozen=True, slots=True)
class Visibility:
    """How far a text may be told, by which fact a secret opens, and for whom it is rated."""

    telling: Telling
    fact: FactId | None
    rating: Rating

    @property
    def told(self) -> Told:
        """The same, as it is compared."""
        return Told(self.telling, self.fact, self.rating.rank)


@dataclass(frozen=True, slots=True)
class ParsedPassage:
    """A passage to be. ``tokens`` are those of its longest window, headings included."""

    passage_id: PassageId
    position: int
    heading_path: tuple[str, ...]
    text: str
    windows: tuple[str, ...]
    tokens: int
    visibility: Visibility


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document read: its front matter, its title (never empty) and its passages in order."""

    front: FrontMatter
    title: str
    headings: tuple[str, ...]
    passages: tuple[ParsedPassage, ...]

    @property
    def visibility(self) -> Visibility:
        """What holds for the document where no section says otherwise."""
        return _whole(self.front)


@dataclass(slots=True)
class _Section:
    path: tuple[str, ...]
    visibility: Visibility
    blocks: list[Block] = field(default_factory=list)


def check_document(text: str, name: str) -> tuple[FrontMatter, str]:
    """The front matter and title of a document, without the cost of cutting it.

    Raises ``LoreProblem`` if the front matter is wrong or rules a section that is not there: a
    secret whose heading was mistyped would otherwise be told.
    """
    front, skipped = split_front_matter(text)
    title, headings = front.title, set[str]()
    if title is not None and not front.sections:
        return front, title
    whole, rules = _whole(front), _rules(front)
    for block in read_blocks(text, skipped):
        if block.kind is BlockKind.HEADING:
            heading = plain_heading(block.text)
            headings.add(fold_heading(heading))
            here = _ruled(whole, rules.get(fold_heading(heading)))
            # A title is told with every passage.
            if title is None and block.level == 1 and heading and here.told.covers(whole.told):
                title = heading
    for ruled in front.sections:
        if fold_heading(ruled) not in headings:
            raise LoreProblem(
                LoreCode.BAD_FRONT_MATTER, f"sections: the document has no heading {ruled!r}"
            )
    return front, title or _name_as_title(name)


def parse_document(
    text: str, *, document_id: DocumentId, name: str, count: Count
) -> ParsedDocument:
    """Cut a document into passages. Raises ``LoreProblem`` as ``check_document`` does."""
    front, title = check_document(text, name)
    _, skipped = split_front_matter(text)
    passages: list[ParsedPassage] = []
    headings: list[str] = []
    seen: Counter[str] = Counter()
    for section in _sections(text, skipped, front, title):
        if section.path:
            headings.append(section.path[-1])
        context = _context(title, section.path, count)
        for body, pieces in _packed(section.blocks, context, count):
            passages.append(
                _passage(document_id, len(passages), section, body, pieces, context, seen, count)
            )
    return ParsedDocument(front, title, tuple(headings), tuple(passages))


def plain_heading(text: str) -> str:
    """A heading without its markup, on one line."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}", "", text)
    return " ".join(text.split())[:_HEADING_CHARACTERS]


def fold_heading(text: str) -> str:
    """A heading as headings are compared: no markup, no case, straight apostrophes."""
    return plain_heading(text).casefold().replace("’", "'")


def _name_as_title(name: str) -> str:
    stem = re.sub(r"\.(md|markdown|txt)$", "", name.rsplit("/", 1)[-1], flags=re.IGNORECASE)
    spaced = re.sub(r"[-_]", " ", re.sub(r"^\d+[-_. ]+", "", stem))
    return " ".join(spaced.split()) or name


def _whole(front: FrontMatter) -> Visibility:
    return Visibility(front.telling, front.fact, front.rating)


def _rules(front: FrontMatter) -> dict[str, SectionRule]:
    return {fold_heading(heading): rule for heading, rule in front.sections.items()}


def _ruled(above: Visibility, rule: SectionRule | None) -> Visibility:
    """What holds for a section under what holds above it."""
    if rule is None:
        return above
    return Visibility(
        rule.telling or above.telling,
        rule.fact if rule.telling else rule.fact or above.fact,
        rule.rating or above.rating,
    )


def _sections(text: str, skipped: int, front: FrontMatter, title: str) -> Iterator[_Section]:
    """The sections, each with the headings above it that its readers may be told.

    The title is told with every passage, so where it stands as a heading it is told as one.
    """
    whole, rules = _whole(front), _rules(front)
    stack: list[tuple[int, str, Visibility]] = []
    section = _Section((), whole)
    for block in read_blocks(text, skipped):
        if block.kind is not BlockKind.HEADING:
            section.blocks.append(block)
            continue
        yield section
        heading = plain_heading(block.text)
        while stack and stack[-1][0] >= block.level:
            stack.pop()
        above = stack[-1][2] if stack else whole
        here = _ruled(above, rules.get(fold_heading(heading)))
        stack.append((block.level, heading, here))
        path = tuple(h for _, h, seen in stack if h and (h == title or seen.told.covers(here.told)))
        section = _Section(path, here)
    yield section


def _context(title: str, path: tuple[str, ...], count: Count) -> str:
    """What a window says of where it stands, as many of the innermost headings as fit."""
    parts = [title, *(h for h in path if h.casefold() != title.casefold())]
    while len(parts) > 1 and count([": ".join(parts)])[0] > MAX_HEADING_TOKENS:
        parts.pop(0)
    text = ": ".join(parts)
    while count([text])[0] > MAX_HEADING_TOKENS:
        text = text[: len(text) * 2 // 3]
    return text


def _packed(blocks: list[Block], context: str, count: Count) -> Iterator[tuple[str, list[Piece]]]:
    """A section's pieces joined into passages, as few as fit and nearly equal in size."""
    room = PASSAGE_TOKENS - count([context])[0] - _SPECIAL_TOKENS - 1
    pieces = [piece for block in blocks for piece in cut(block, room, count)]
    fewest = len(_filled(pieces, room, room))
    low, high = 1, room
    while low < high:
        middle = (low + high) // 2
        if len(_filled(pieces, middle, room)) <= fewest:
            high = middle
        else:
            low = middle + 1
    for held in _filled(pieces, high, room):
        yield _joined(held), held


def _filled(pieces: list[Piece], wanted: int, room: int) -> list[list[Piece]]:
    """Pieces in order, each group closed where the next piece would bring it above ``wanted``."""
    groups: list[list[Piece]] = []
    tokens = characters = 0
    for piece in pieces:
        tokens += piece.tokens
        characters += len(piece.text)
        if not groups or tokens > wanted or characters > room * MAX_CHARACTERS_A_TOKEN:
            groups.append([])
            tokens, characters = piece.tokens, len(piece.text)
        groups[-1].append(piece)
    return groups


def _joined(pieces: list[Piece]) -> str:
    first, *rest = pieces
    return first.text + "".join(piece.glue + piece.text for piece in rest)


def _passage(
    document_id: DocumentId,
    position: int,
    section: _Section,
    body: str,
    pieces: list[Piece],
    context: str,
    seen: Counter[str],
    count: Count,
) -> ParsedPassage:
    windows = tuple(f"{context}. {window}" for window in _windows(body, pieces, count))
    own = "\x1f".join((document_id, context, *section.path, "\x1e", body))
    # The same text under the same headings may stand twice; each is a passage of its own.
    seen[own] += 1
    digest = hashlib.sha256(f"{own}\x1f{seen[own]}".encode()).hexdigest()
    return ParsedPassage(
        passage_id=PassageId(f"psg_{digest[:24]}"),
        position=position,
        heading_path=section.path,
        text=body,
        windows=windows,
        tokens=max(count(list(windows))) + _SPECIAL_TOKENS,
        visibility=section.visibility,
    )


def _windows(body: str, pieces: list[Piece], count: Count) -> list[str]:
    """The whole passage, then runs of its sentences of about ``WINDOW_TOKENS``."""
    whole = plain_text(body)
    parts = [s for piece in pieces for s in sentences(plain_text(piece.text))]
    sizes = count(parts) if parts else []
    runs: list[str] = []
    held: list[str] = []
    tokens = 0
    for part, size in zip(parts, sizes, strict=True):
        if held and tokens + size > WINDOW_TOKENS:
            runs.append(" ".join(held))
            held, tokens = [], 0
        held.append(part)
        tokens += size
    if held:
        runs.append(" ".join(held))
    return [whole, *runs] if len(runs) > 1 else [whole]


def plain_text(markdown: str) -> str:
    """A passage for the embedding: link targets, emphasis marks and table rules taken out."""
    text = re.sub(r"!?\[([^\]\n]*)\]\([^)\n]*\)", r"\1", markdown)
    text = re.sub(r"(?m)^\s*\|?[\s:|-]*-{3,}[\s:|-]*$", "", text)
    text = re.sub(r"(?m)^\s*(>\s?)+", "", text)
    text = re.sub(r"(\*{1,3}|_{1,3}|`+)(?=\S)|(?<=\S)(\*{1,3}|_{1,3}|`+)(?=\W|$)", "", text)
    return " ".join(text.split())
