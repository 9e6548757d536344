"""The shape of what a model answers: a quest's draft, an epilogue, what a beat tells."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from loreloom.domain.canon import CitedPassage, Entity, EntityKind, Rating
from loreloom.domain.draft import (
    SECOND_KINDS,
    TARGET_KINDS,
    DraftChoice,
    DraftObjective,
    EpilogueBrief,
    QuestBrief,
    QuestDraft,
    TellingBrief,
)
from loreloom.domain.quest import ObjectiveKind
from loreloom.generation.answers import Answer, ChoiceAmong, Fields, FreeText, Row, Schema
from loreloom.generation.lexicon import Frame, Frames, Lexicon
from loreloom.generation.patterns import Prose, Span, either, literal

HEADS = 3
"""How many objectives a model picks among at each place."""

_SUMMARY = Span(2, 6)
_OFFER = Span(2, 5)
_OBJECTIVE = Span(2, 5)
_LABEL = Span(1, 3)
_EPILOGUE = Span(3, 6)
_TITLE = 2


class BadShape(Exception):
    """A model's answer is not of the shape that was asked for."""


class _QuestShape(BaseModel):
    model_config = ConfigDict(extra="forbid")

    giver: str
    objectives: tuple[str, ...]
    title: str
    summary: str
    offer: tuple[str, ...]
    choices: tuple[str, ...] = ()


_TEXTS = TypeAdapter(dict[str, str])


def deal_giver(brief: QuestBrief, seed: int) -> str | None:
    """Who gives the quest: whom the brief names, or a person of the cast by the seed."""
    persons = brief.of_kind(EntityKind.PERSON)
    if brief.giver is not None or not persons:
        return brief.giver
    return random.Random(seed).choice(persons)


def quest_form(
    brief: QuestBrief, giver: str, passages: Sequence[CitedPassage], lexicon: Lexicon, seed: int
) -> "QuestForm":
    """The form of a draft; only for a cast that serves (``cast_serves``).

    The seed deals the cast out over the objectives, so that no two can ask for the same.
    """
    slots = _deal(brief, giver, random.Random(seed), lexicon.frames.objectives)
    prose = _prose(brief.cast, passages, lexicon, brief.rating)
    frames = lexicon.frames.dealt(seed)
    fields: list[tuple[str, Answer]] = [
        ("giver", ChoiceAmong((giver,))),
        ("objectives", Row([_objective(slot, prose) for slot in slots])),
        ("title", FreeText(_title(prose, frames, slots))),
        ("summary", FreeText(_summary(prose, giver, frames, slots))),
        ("offer", Row([FreeText(prose.sentence(begun, _OFFER)) for begun in frames.offer])),
    ]
    if brief.choices:
        about = _targets(brief, giver)
        labels = [_label(prose, frames, about, place) for place in range(brief.choices)]
        fields.append(("choices", Row(labels)))
    return QuestForm(Fields(tuple(fields)).schema, slots)


@dataclass(frozen=True, slots=True)
class Head:
    """How an objective's line may begin, and what it then asks for."""

    kind: ObjectiveKind
    target: Entity
    to: Entity | None
    starts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QuestForm:
    """The JSON schema that holds a draft, and what each objective's line stands for.

    An objective is answered as its line alone. What it is about was chosen with the words it
    begins with, so that line and target cannot disagree.
    """

    schema: Schema
    slots: list[list[Head]]

    def read(self, text: str) -> QuestDraft:
        """The draft in a model's answer. Raises ``BadShape``."""
        try:
            shape = _QuestShape.model_validate_json(text)
        except ValidationError as error:
            raise BadShape(_reason(error)) from error
        if len(shape.objectives) != len(self.slots):
            raise BadShape(f"objectives: there must be {len(self.slots)}")
        return QuestDraft(
            title=shape.title,
            summary=shape.summary,
            giver=shape.giver,
            offer=" ".join(shape.offer),
            objectives=tuple(map(_read_objective, shape.objectives, self.slots)),
            choices=tuple(DraftChoice(label=label) for label in shape.choices),
        )


def _read_objective(line: str, slot: list[Head]) -> DraftObjective:
    heads = [(start, head) for head in slot for start in head.starts if line.startswith(start)]
    if not heads:
        raise BadShape("objectives: a line begins with none of the given beginnings")
    _, head = max(heads, key=lambda pair: len(pair[0]))
    to = head.to.name if head.to is not None else None
    return DraftObjective(kind=head.kind, target=head.target.name, to=to, text=line)


@dataclass(frozen=True, slots=True)
class TextForm:
    """The JSON schema that holds a text in a field of its own."""

    field: str
    schema: Schema

    def read(self, text: str) -> str:
        """The text in a model's answer. Raises ``BadShape``."""
        try:
            answer = _TEXTS.validate_json(text)
        except ValidationError as error:
            raise BadShape(_reason(error)) from error
        if answer.keys() != {self.field}:
            raise BadShape(f"it has not the one field {self.field!r}")
        return answer[self.field]


def epilogue_form(
    brief: EpilogueBrief, passages: Sequence[CitedPassage], lexicon: Lexicon
) -> TextForm:
    """The form of an epilogue of three sentences, the first about the giver."""
    prose = _prose(brief.cast, passages, lexicon, brief.rating)
    first = f"{literal(brief.giver)}{prose.words(_EPILOGUE)}\\."
    rest = _sentences(prose, lexicon.frames.epilogue, _EPILOGUE, 2)
    return _text_form("epilogue", f"{first} {rest}")


def telling_form(
    brief: TellingBrief, passages: Sequence[CitedPassage], lexicon: Lexicon
) -> TextForm:
    """The form of a telling of three sentences, the first about the person that it begins with."""
    prose = _prose(brief.cast, passages, lexicon, brief.rating)
    openers = lexicon.frames.epilogue if brief.who is None else [brief.who]
    first = prose.sentence(openers, _EPILOGUE)
    rest = _sentences(prose, lexicon.frames.epilogue, _EPILOGUE, 2)
    return _text_form("telling", f"{first} {rest}")


def cast_serves(brief: QuestBrief, giver: str) -> bool:
    """Whether the cast has a target of its own for each objective."""
    return len(_targets(brief, giver)) >= brief.objectives


def _text_form(field: str, pattern: str) -> TextForm:
    return TextForm(field, Fields(((field, FreeText(pattern)),)).schema)


def _targets(brief: QuestBrief, giver: str) -> list[Entity]:
    kinds = {TARGET_KINDS[kind] for kind in brief.objective_kinds()}
    return [entity for entity in brief.cast if entity.name != giver and entity.kind in kinds]


def _deal(
    brief: QuestBrief, giver: str, rng: random.Random, frames: dict[str, Frame]
) -> list[list[Head]]:
    """What may be asked for at each place.

    No entity is the target at two places, and no kind of objective is at two if there are enough.
    """
    heads = [
        _head(kind, entity, to, frames[kind], rng)
        for entity in _targets(brief, giver)
        for kind in brief.objective_kinds()
        if TARGET_KINDS[kind] is entity.kind
        for to in _ends(kind, entity, brief, giver, rng)
    ]
    rng.shuffle(heads)
    slots: list[list[Head]] = [[] for _ in range(brief.objectives)]
    for slot in slots:
        others = [head for other in slots for head in other]
        open_heads = [h for h in heads if all(h.target != other.target for other in others)]
        fresh = [h for h in open_heads if all(h.kind is not other.kind for other in others)]
        slot.append((fresh or open_heads)[0])
    for head in heads:
        place = next((s for s in slots if any(head.kind is other.kind for other in s)), None)
        taken = any(head.target == other.target for slot in slots for other in slot)
        if place is not None and not taken and len(place) < HEADS:
            place.append(head)
    return slots


def _ends(
    kind: ObjectiveKind, target: Entity, brief: QuestBrief, giver: str, rng: random.Random
) -> list[Entity | None]:
    """The one second entity that an objective is given, or none where it has none."""
    second = SECOND_KINDS.get(kind)
    if second is None:
        return [None]
    ends = [e for e in brief.cast if e.kind is second and e.name != target.name]
    others = [e for e in ends if e.name != giver] or ends
    return [rng.choice(others)] if others else []


def _head(
    kind: ObjectiveKind, target: Entity, to: Entity | None, frame: Frame, rng: random.Random
) -> Head:
    line = f"{rng.choice(frame.verbs)} {_called(target)}"
    if to is not None:
        line += f" {frame.link} {_called(to)}"
    return Head(kind, target, to, tuple(f"{line} {rest}" for rest in frame.rest))


def _objective(slot: list[Head], prose: Prose) -> Answer:
    starts = [start for head in slot for start in head.starts]
    return FreeText(prose.sentence(starts, _OBJECTIVE))


def _called(entity: Entity) -> str:
    """A name as it stands in a sentence: things and creatures with their article."""
    return _with_article(entity.name, entity.kind)


def _with_article(name: str, kind: EntityKind) -> str:
    bare = kind in {EntityKind.PERSON, EntityKind.PLACE, EntityKind.FACTION}
    if bare or name.lower().startswith(("the ", "a ", "an ")):
        return name
    return f"the {name}"


def _title(prose: Prose, frames: Frames, slots: list[list[Head]]) -> str:
    about = dict.fromkeys(_called(head.target) for slot in slots for head in slot)
    begun = either(frames.title)
    links = either(frames.title_links)
    return f"{begun}{prose.plain(_TITLE)} {links} {either(list(about))}"


def _label(prose: Prose, frames: Frames, about: list[Entity], place: int) -> Answer:
    begun = frames.labels[place % len(frames.labels)]
    starts = [
        f"{verb} {_called(entity)} {link}"
        for entity in about
        for verb in begun[entity.kind]
        for link in frames.label_links
    ]
    return FreeText(either(starts) + prose.words(_LABEL))


def _summary(prose: Prose, giver: str, frames: Frames, slots: list[list[Head]]) -> str:
    about = dict.fromkeys(head.target for slot in slots for head in slot)
    starts = [
        f"{giver} {begun} {_called(target)}"
        for target in about
        for begun in frames.summary[target.kind]
    ]
    return prose.sentence(starts, _SUMMARY)


def _sentences(prose: Prose, openers: Sequence[str], span: Span, count: int) -> str:
    return " ".join([prose.sentence(openers, span)] * count)


def _prose(
    cast: Sequence[Entity], passages: Sequence[CitedPassage], lexicon: Lexicon, rating: Rating
) -> Prose:
    told = {word for passage in passages for word in _lower_words(passage.text)}
    above = lexicon.rules.above(rating)
    names = [_with_article(name, entity.kind) for entity in cast for name in entity.names]
    return Prose(
        names, (lexicon.words(rating) | told) - above, lexicon.dangling, lexicon.before_names
    )


def _lower_words(text: str) -> list[str]:
    return re.findall(r"(?<![\w'’-])[a-z]{3,14}(?![\w'’-])", text)


def _reason(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
