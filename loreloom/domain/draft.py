"""A quest before the rules have put numbers to it: words, and picks among things that exist.

A brief says what may be picked; a draft is what a model or a template made of it. Both ways to a
draft are checked by the same rules (``loreloom.domain.prose``).
"""

from pydantic import BaseModel, ConfigDict, Field

from loreloom.domain.canon import Entity, EntityKind, Rating
from loreloom.domain.ids import FactId
from loreloom.domain.quest import ChoiceOutcome, Condition, Difficulty, ObjectiveKind, QuestKind

TARGET_KINDS: dict[ObjectiveKind, EntityKind] = {
    ObjectiveKind.DEFEAT: EntityKind.CREATURE,
    ObjectiveKind.COLLECT: EntityKind.THING,
    ObjectiveKind.DELIVER: EntityKind.THING,
    ObjectiveKind.TALK: EntityKind.PERSON,
    ObjectiveKind.REACH: EntityKind.PLACE,
    ObjectiveKind.ESCORT: EntityKind.PERSON,
    ObjectiveKind.SURVIVE: EntityKind.PLACE,
    ObjectiveKind.CHOOSE: EntityKind.PERSON,
}
"""What an objective of each kind is about."""

MAX_CHOICES = 4
"""The most ways out that a quest can offer."""

SECOND_KINDS: dict[ObjectiveKind, EntityKind] = {
    ObjectiveKind.DELIVER: EntityKind.PERSON,
    ObjectiveKind.ESCORT: EntityKind.PLACE,
}
"""Whom something is brought to, or where someone is led."""


class DraftModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class QuestBrief(DraftModel):
    """What the rules decided before any word was written.

    ``cast`` holds every entity that the quest may name; ``giver`` is set if the caller asked for
    one. ``theme`` is the caller's wish: data, never an instruction. ``now`` says in short
    sentences what is so in the world. ``objectives`` is how many objectives are wanted beside the
    choice, ``choices`` how many ways out (none, or two or more).
    """

    kind: QuestKind
    difficulty: Difficulty
    rating: Rating
    cast: tuple[Entity, ...]
    giver: str | None = None
    region: str | None = None
    theme: str | None = None
    now: tuple[str, ...] = ()
    objectives: int = Field(ge=1, le=5)
    choices: int = Field(ge=0, le=MAX_CHOICES)

    def of_kind(self, kind: EntityKind) -> tuple[str, ...]:
        """The cast's names of one kind, in the cast's order."""
        return tuple(entity.name for entity in self.cast if entity.kind is kind)

    def objective_kinds(self) -> tuple[ObjectiveKind, ...]:
        """The kinds of objective for which the cast has something to be about."""
        present = {entity.kind for entity in self.cast}
        return tuple(
            kind
            for kind in ObjectiveKind
            if kind is not ObjectiveKind.CHOOSE
            and TARGET_KINDS[kind] in present
            and (kind not in SECOND_KINDS or SECOND_KINDS[kind] in present)
        )


class DraftObjective(DraftModel):
    """One thing that the quest asks for, and the line that tells the player so."""

    kind: ObjectiveKind
    target: str
    to: str | None = None
    text: str
    condition: Condition | None = None
    branch: int | None = None
    """Index of the choice that opens this objective; a template may set it."""


class DraftChoice(DraftModel):
    """A way out, as the player reads it. A template may say what it does; a model may not."""

    label: str
    outcome: ChoiceOutcome = ChoiceOutcome.CONTINUE
    sets_fact: FactId | None = None
    reward_percent: int = Field(default=100, ge=0, le=200)


class QuestDraft(DraftModel):
    """A quest in words.

    ``summary`` tells a player what it is about; ``offer`` is what the giver says.
    """

    title: str
    summary: str
    giver: str
    offer: str
    objectives: tuple[DraftObjective, ...]
    choices: tuple[DraftChoice, ...] = ()


class EpilogueBrief(DraftModel):
    """What an epilogue is told from: how the quest went, without any player text."""

    title: str
    summary: str
    giver: str
    outcome: str
    rating: Rating
    cast: tuple[Entity, ...]
    deeds: tuple[str, ...] = ()
    choice: str | None = None


class TellingBrief(DraftModel):
    """What a beat of an arc is told from.

    ``title`` is the arc's, ``theme`` the designer's wish: data, never an instruction. ``who`` is
    the person with whom it begins, ``before`` says in short sentences what came before, ``now``
    what is so in the world.
    """

    title: str
    theme: str
    rating: Rating
    cast: tuple[Entity, ...]
    who: str | None = None
    before: tuple[str, ...] = ()
    now: tuple[str, ...] = ()


class Problem(DraftModel):
    """What the rules refuse in a draft: a stable code, the field, and words for a repair."""

    code: str
    field: str
    message: str
