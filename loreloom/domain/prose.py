"""What prose must keep to, whoever made it: names of the canon, the rating, sound sentences.

The checks stand by themselves. A model's output is already held by a grammar while it is made;
nothing here relies on that.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import pairwise

from pydantic import BaseModel, ConfigDict

from loreloom.domain.canon import EntityKind, Rating
from loreloom.domain.draft import (
    SECOND_KINDS,
    TARGET_KINDS,
    DraftObjective,
    EpilogueBrief,
    Problem,
    QuestBrief,
    QuestDraft,
    TellingBrief,
)
from loreloom.domain.names import NameBook
from loreloom.domain.quest import ObjectiveKind


class ProblemCode(StrEnum):
    """Why the rules refuse a draft."""

    UNKNOWN_NAME = "unknown_name"
    NOT_IN_CAST = "not_in_cast"
    WRONG_KIND = "wrong_kind"
    WRONG_GIVER = "wrong_giver"
    MISSING_TO = "missing_to"
    UNWANTED_TO = "unwanted_to"
    WRONG_COUNT = "wrong_count"
    DUPLICATE = "duplicate"
    EMPTY = "empty"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    UNFINISHED = "unfinished"
    REPETITIVE = "repetitive"
    NOT_PRINTABLE = "not_printable"
    MARKUP = "markup"
    LEAK = "leak"
    RATING = "rating"
    ECHO = "echo"


class ProseRules(BaseModel):
    """What prose is held against; ``loreloom.generation.lexicon`` loads it from package data.

    ``openers`` are lower-case words that may begin a sentence with a capital letter; none of them
    is a name. ``unfinished`` are words that no text ends on. ``rated`` gives the words that need
    at least that rating. ``echoes`` are phrases of the instructions, which no player must read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    openers: frozenset[str]
    unfinished: frozenset[str] = frozenset()
    rated: tuple[tuple[Rating, frozenset[str]], ...] = ()
    echoes: tuple[str, ...] = ()

    def above(self, rating: Rating) -> frozenset[str]:
        """The words that a world of this rating does not tell."""
        held = [words for needs, words in self.rated if not rating.allows(needs)]
        return frozenset().union(*held)


class Shape(BaseModel):
    """How long a field may be, in words, and whether it is made of whole sentences."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    least: int
    most: int
    sentences: bool = True
    title: bool = False


TITLE = Shape(least=2, most=14, sentences=False, title=True)
SUMMARY = Shape(least=5, most=70)
OFFER = Shape(least=4, most=90)
OBJECTIVE = Shape(least=2, most=40)
LABEL = Shape(least=1, most=20, sentences=False)
EPILOGUE = Shape(least=12, most=150)
EPILOGUE_SENTENCES = (2, 4)

_WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_SENTENCE = re.compile(r"[.!?…]+[\"'”’)]*(?:\s+|$)")
_MARKUP = re.compile(r"[<>{}\[\]*#`|\\_~^=@]|https?:|www\.|&[a-z]+;")
_LEAK = re.compile(
    r"\b(?:system|assistant|user|human|ai)\s*:|\bas an ai\b|\blanguage model\b|\bim_(?:start|end)\b"
    r"|\bjson\b|\bprompt\b|\bignore (?:all|the|any|previous)\b|\binstructions?\b",
    re.IGNORECASE,
)
_ENDS = (".", "!", "?", "…", '."', '!"', '?"', ".”", "!”", "?”")


def check_draft(
    draft: QuestDraft, brief: QuestBrief, rules: ProseRules, names: Iterable[str] = ()
) -> tuple[Problem, ...]:
    """Everything that is wrong with a quest's draft; empty if it may be told.

    ``names`` are names of the canon beyond the cast that the prose may speak of.
    """
    book = NameBook((*_cast_names(brief), *names))
    fields = [
        ("title", draft.title, TITLE),
        ("summary", draft.summary, SUMMARY),
        ("offer", draft.offer, OFFER),
        *((f"objectives.{i}.text", o.text, OBJECTIVE) for i, o in enumerate(draft.objectives)),
        *((f"choices.{i}.label", c.label, LABEL) for i, c in enumerate(draft.choices)),
    ]
    found = list(_structure(draft, brief))
    for field, text, shape in fields:
        found += check_text(field, text, shape, book, rules, brief.rating)
    found += _duplicates(fields)
    return tuple(found)


def check_epilogue(
    text: str, brief: EpilogueBrief, rules: ProseRules, names: Iterable[str] = ()
) -> tuple[Problem, ...]:
    """Everything that is wrong with an epilogue; empty if it may be told."""
    return _check_few_sentences("epilogue", text, brief, rules, names)


def check_telling(
    text: str, brief: TellingBrief, rules: ProseRules, names: Iterable[str] = ()
) -> tuple[Problem, ...]:
    """Everything that is wrong with what a beat of an arc tells; empty if it may be told."""
    return _check_few_sentences("telling", text, brief, rules, names)


def check_text(
    field: str, text: str, shape: Shape, book: NameBook, rules: ProseRules, rating: Rating
) -> list[Problem]:
    """Everything that is wrong with one piece of prose."""
    if not text.strip():
        return [_problem(ProblemCode.EMPTY, field, "it is empty")]
    found = [*_lengths(field, text, shape), *_marks(field, text), *_loops(field, text)]
    if shape.sentences and not text.rstrip().endswith(_ENDS):
        found.append(_problem(ProblemCode.UNFINISHED, field, "its last sentence has no end"))
    elif _last_word(text) in rules.unfinished:
        message = f"it ends on the word {_last_word(text)!r}"
        found.append(_problem(ProblemCode.UNFINISHED, field, message))
    for name in book.unknown(text, rules.openers, title=shape.title):
        message = f"{name!r} is not a name of the canon"
        found.append(_problem(ProblemCode.UNKNOWN_NAME, field, message))
    words = {word.lower() for word in _WORD.findall(text)}
    for word in sorted(words & rules.above(rating)):
        message = f"the word {word!r} is not told in a world rated {rating}"
        found.append(_problem(ProblemCode.RATING, field, message))
    flat = " ".join(word.lower() for word in _WORD.findall(text))
    if any(echo in flat for echo in rules.echoes):
        found.append(_problem(ProblemCode.ECHO, field, "it repeats the instructions"))
    return found


def _check_few_sentences(
    field: str,
    text: str,
    brief: EpilogueBrief | TellingBrief,
    rules: ProseRules,
    names: Iterable[str],
) -> tuple[Problem, ...]:
    book = NameBook((*_cast_names(brief), *names))
    found = check_text(field, text, EPILOGUE, book, rules, brief.rating)
    least, most = EPILOGUE_SENTENCES
    count = len(_SENTENCE.findall(text))
    if text.strip() and not least <= count <= most:
        message = f"it has {count} sentences, and must have {least} to {most}"
        found.append(_problem(ProblemCode.WRONG_COUNT, field, message))
    return tuple(found)


def _structure(draft: QuestDraft, brief: QuestBrief) -> Iterator[Problem]:
    kinds = {entity.name: entity.kind for entity in brief.cast}
    if brief.giver is not None and draft.giver != brief.giver:
        message = f"the giver must be {brief.giver!r}"
        yield _problem(ProblemCode.WRONG_GIVER, "giver", message)
    elif kinds.get(draft.giver) is not EntityKind.PERSON:
        message = f"{draft.giver!r} is not a person of the cast"
        yield _problem(ProblemCode.WRONG_GIVER, "giver", message)
    # A template's choices come with an objective of the kind ``choose``; it is not counted.
    wanted = [o for o in draft.objectives if o.kind is not ObjectiveKind.CHOOSE]
    if len(wanted) != brief.objectives:
        message = f"there are {len(wanted)} objectives, and must be {brief.objectives}"
        yield _problem(ProblemCode.WRONG_COUNT, "objectives", message)
    if len(draft.choices) != brief.choices:
        message = f"there are {len(draft.choices)} choices, and must be {brief.choices}"
        yield _problem(ProblemCode.WRONG_COUNT, "choices", message)
    seen = set()
    for index, objective in enumerate(draft.objectives):
        field = f"objectives.{index}"
        yield from _objective(field, objective, kinds)
        key = (objective.kind, objective.target)
        if key in seen:
            message = f"{objective.kind} {objective.target!r} is asked for twice"
            yield _problem(ProblemCode.DUPLICATE, field, message)
        seen.add(key)


def _objective(
    field: str, objective: DraftObjective, kinds: dict[str, EntityKind]
) -> Iterator[Problem]:
    yield from _pick(f"{field}.target", objective.target, TARGET_KINDS[objective.kind], kinds)
    second = SECOND_KINDS.get(objective.kind)
    if second is None:
        if objective.to is not None:
            message = f"an objective of the kind {objective.kind} has no second name"
            yield _problem(ProblemCode.UNWANTED_TO, f"{field}.to", message)
    elif objective.to is None:
        message = f"it must say which {second} it leads to"
        yield _problem(ProblemCode.MISSING_TO, f"{field}.to", message)
    else:
        yield from _pick(f"{field}.to", objective.to, second, kinds)
        if objective.to == objective.target:
            message = f"{objective.to!r} cannot be both ends"
            yield _problem(ProblemCode.DUPLICATE, f"{field}.to", message)


def _pick(
    field: str, name: str, kind: EntityKind, kinds: dict[str, EntityKind]
) -> Iterator[Problem]:
    if name not in kinds:
        yield _problem(ProblemCode.NOT_IN_CAST, field, f"{name!r} is not in the cast")
    elif kinds[name] is not kind:
        yield _problem(ProblemCode.WRONG_KIND, field, f"{name!r} is not a {kind}")


def _lengths(field: str, text: str, shape: Shape) -> Iterator[Problem]:
    count = len(text.split())
    if count < shape.least:
        message = f"it has {count} words, and must have {shape.least} or more"
        yield _problem(ProblemCode.TOO_SHORT, field, message)
    if count > shape.most or len(text) > shape.most * 12:
        message = f"it has {count} words, and must have {shape.most} or fewer"
        yield _problem(ProblemCode.TOO_LONG, field, message)


def _marks(field: str, text: str) -> Iterator[Problem]:
    if any(unicodedata.category(char)[0] == "C" for char in text):
        message = "it holds characters that cannot be printed"
        yield _problem(ProblemCode.NOT_PRINTABLE, field, message)
    if _MARKUP.search(text):
        yield _problem(ProblemCode.MARKUP, field, "it holds markup")
    if _LEAK.search(text):
        yield _problem(ProblemCode.LEAK, field, "it speaks of the instructions")


def _loops(field: str, text: str) -> Iterator[Problem]:
    words = [word.lower() for word in _WORD.findall(text)]
    triples = Counter(zip(words, words[1:], words[2:], strict=False))
    stutter = any(a == b for a, b in pairwise(words) if len(a) > 1)
    looped = any(count > 2 for count in triples.values()) or (
        len(words) < 40 and any(count > 1 for count in _fours(words).values())
    )
    thin = len(words) >= 12 and len(set(words)) / len(words) < 0.45
    letters = re.search(r"(\S)\1{3,}", text) is not None
    if stutter or looped or thin or letters:
        yield _problem(ProblemCode.REPETITIVE, field, "it repeats itself")


def _fours(words: list[str]) -> Counter[tuple[str, ...]]:
    return Counter(zip(words, words[1:], words[2:], words[3:], strict=False))


def _duplicates(fields: list[tuple[str, str, Shape]]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for field, text, _ in fields:
        key = " ".join(word.lower() for word in _WORD.findall(text))
        if key and key in seen:
            message = f"it is the same text as {seen[key]}"
            yield _problem(ProblemCode.DUPLICATE, field, message)
        seen.setdefault(key, field)


def _last_word(text: str) -> str:
    words = _WORD.findall(text)
    # A name may end as it likes ("Them Below"), so only lower-case words are judged.
    return words[-1] if words else ""


def _cast_names(brief: QuestBrief | EpilogueBrief | TellingBrief) -> tuple[str, ...]:
    return tuple(name for entity in brief.cast for name in entity.names)


def _problem(code: ProblemCode, field: str, message: str) -> Problem:
    return Problem(code=code, field=field, message=message)
