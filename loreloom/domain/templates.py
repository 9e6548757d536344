"""Quest templates: quests with slots, which serve when no model does, in any canon or in none."""

import re
from collections.abc import Container, Iterator, Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from loreloom.domain.canon import EntityKind, Rating
from loreloom.domain.draft import MAX_CHOICES, SECOND_KINDS, TARGET_KINDS, DraftChoice, Problem
from loreloom.domain.ids import FactId
from loreloom.domain.quest import ChoiceOutcome, Condition, ObjectiveKind, QuestKind, QuestState

PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
MAX_BESIDE_CHOICE = 5
"""Most objectives of a template, the choice not counted."""

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Paragraph = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=600)]
SlotName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
TemplateId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]


class TemplateModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Slot(TemplateModel):
    """A part in the story that an entity of the canon plays.

    ``prefer`` counts only where the canon has such a name; a "the" before it is no part of the
    name, but says how it is spoken. ``otherwise`` is a phrase of common nouns that stands in when
    the canon has nobody left of that kind.
    """

    kind: EntityKind
    otherwise: Line
    prefer: tuple[Line, ...] = ()

    def preferred(self) -> dict[str, str]:
        """How each preferred name is spoken, by the name; both with and without a "the"."""
        forms = {form: form for form in self.prefer}
        return {form.removeprefix("the "): form for form in self.prefer} | forms


class TemplateObjective(TemplateModel):
    """One thing that the quest asks for; ``target`` and ``to`` are slots.

    ``branch`` is the number of the choice, from 0, that opens this objective.
    """

    kind: ObjectiveKind
    target: SlotName
    to: SlotName | None = None
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=240)]
    condition: Condition | None = None
    branch: int | None = Field(default=None, ge=0)


class TemplateChoice(TemplateModel):
    """A way out. ``sets_fact`` makes a fact known, and so opens what the canon keeps secret.

    With a ``fact_slot`` it does so only if that slot is played by one of its preferred names: a
    quest with other people in it does not open a secret of these.
    """

    label: Line
    outcome: ChoiceOutcome = ChoiceOutcome.CONTINUE
    sets_fact: FactId | None = None
    fact_slot: SlotName | None = None
    reward_percent: int = Field(default=100, ge=0, le=200)

    def drafted(self, label: str, withheld: Container[FactId]) -> DraftChoice:
        """This choice with its label filled in, and without its fact if that is withheld."""
        fact = self.sets_fact
        return DraftChoice(
            label=label,
            outcome=self.outcome,
            sets_fact=None if fact is None or fact in withheld else fact,
            reward_percent=self.reward_percent,
        )


class Epilogues(TemplateModel):
    """How a quest is told afterwards: by its outcome, or by the choice that led to it."""

    completed: Paragraph
    failed: Paragraph
    by_choice: tuple[Paragraph, ...] = ()

    def told(
        self, outcome: QuestState, choice: int | None = None, *, chose_to_fail: bool = False
    ) -> str | None:
        """The epilogue for an outcome and the number of the choice made, from 0.

        ``None`` for an outcome that a template does not tell of.
        """
        if outcome not in (QuestState.COMPLETED, QuestState.FAILED):
            return None
        failed = outcome is QuestState.FAILED
        # A quest can fail of its time limit after a choice that was meant to lead on.
        if choice is not None and self.by_choice and chose_to_fail is failed:
            return self.by_choice[choice]
        return self.failed if failed else self.completed


class QuestTemplate(TemplateModel):
    """A quest in words with slots. Every text may hold ``{slot}`` placeholders.

    ``requires`` names the kinds of entity without which the story would be thin. ``giver`` is the
    slot of the person who offers the quest.
    """

    template_id: TemplateId
    kind: QuestKind
    rating: Rating = Rating.EVERYONE
    requires: tuple[EntityKind, ...] = ()
    slots: dict[SlotName, Slot]
    giver: SlotName
    title: Line
    summary: Paragraph
    offer: Paragraph
    objectives: tuple[TemplateObjective, ...] = Field(min_length=1)
    choices: tuple[TemplateChoice, ...] = Field(default=(), max_length=MAX_CHOICES)
    epilogues: Epilogues

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        for problem in problems_in(self):
            raise PydanticCustomError(
                "template", "{reason}", {"field": problem.field, "reason": problem.message}
            )
        return self

    def texts(self) -> Iterator[tuple[str, str]]:
        """Every text with placeholders, with the field that it stands in."""
        yield "title", self.title
        yield "summary", self.summary
        yield "offer", self.offer
        for number, objective in enumerate(self.objectives):
            yield f"objectives.{number}.text", objective.text
        for number, choice in enumerate(self.choices):
            yield f"choices.{number}.label", choice.label
        yield "epilogues.completed", self.epilogues.completed
        yield "epilogues.failed", self.epilogues.failed
        for number, text in enumerate(self.epilogues.by_choice):
            yield f"epilogues.by_choice.{number}", text


class PlainEpilogues(TemplateModel):
    """Epilogues for a quest that has none of its own, by outcome, one or more for each.

    They may hold the placeholders ``{title}`` and ``{giver}``.
    """

    completed: tuple[Paragraph, ...] = Field(min_length=1)
    failed: tuple[Paragraph, ...] = Field(min_length=1)
    abandoned: tuple[Paragraph, ...] = Field(min_length=1)
    expired: tuple[Paragraph, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        for outcome in type(self).model_fields:
            for number, text in enumerate(getattr(self, outcome)):
                for reason in _placeholder_faults(text, ("title", "giver")):
                    raise PydanticCustomError(
                        "template", "{reason}", {"field": f"{outcome}.{number}", "reason": reason}
                    )
        return self


def problems_in(template: QuestTemplate) -> tuple[Problem, ...]:
    """What does not hold together in a template, each with its field; empty if all does."""
    return (
        *_slot_problems(template),
        *_objective_problems(template),
        *_choice_problems(template),
        *(
            Problem(code="placeholder", field=field, message=reason)
            for field, text in template.texts()
            for reason in _placeholder_faults(text, tuple(template.slots))
        ),
    )


def _slot_problems(template: QuestTemplate) -> Iterator[Problem]:
    giver = template.slots.get(template.giver)
    if giver is None:
        yield _unknown_slot("giver", template.giver)
    elif giver.kind is not EntityKind.PERSON:
        yield Problem(code="wrong_kind", field="giver", message="the giver must be a person")
    told = " ".join(text for _, text in template.texts())
    named = {template.giver, *PLACEHOLDER.findall(told)}
    named.update(name for o in template.objectives for name in (o.target, o.to) if name)
    for name in template.slots:
        if name not in named:
            reason = f"nothing in the template uses the slot {name!r}"
            yield Problem(code="unused_slot", field=f"slots.{name}", message=reason)


def _objective_problems(template: QuestTemplate) -> Iterator[Problem]:
    beside = [o for o in template.objectives if o.kind is not ObjectiveKind.CHOOSE]
    if not 1 <= len(beside) <= MAX_BESIDE_CHOICE:
        reason = f"a quest has 1 to {MAX_BESIDE_CHOICE} objectives beside the choice"
        yield Problem(code="count", field="objectives", message=reason)
    for number, objective in enumerate(template.objectives):
        field = f"objectives.{number}"
        kinds = (("target", TARGET_KINDS[objective.kind]), ("to", SECOND_KINDS.get(objective.kind)))
        for part, wanted in kinds:
            named = objective.target if part == "target" else objective.to
            fault = _slot_fault(template, objective.kind, named, wanted)
            if fault is not None:
                yield Problem(code="wrong_slot", field=f"{field}.{part}", message=fault)
        span = objective.condition.hours if objective.condition else None
        if span is not None and (span[0] == span[1] or min(span) < 0):
            reason = "the span of hours holds no hour"
            yield Problem(code="never", field=f"{field}.condition.hours", message=reason)
        yield from _branch_problems(template, objective, f"{field}.branch")


def _slot_fault(
    template: QuestTemplate, kind: ObjectiveKind, name: str | None, wanted: EntityKind | None
) -> str | None:
    if wanted is None:
        return None if name is None else f"an objective of the kind {kind} takes none"
    if name is None:
        return f"an objective of the kind {kind} needs a {wanted} here"
    if name not in template.slots:
        return f"the template has no slot {name!r}"
    found = template.slots[name].kind
    return None if found is wanted else f"the slot {name!r} is a {found}; it must be a {wanted}"


def _branch_problems(
    template: QuestTemplate, objective: TemplateObjective, field: str
) -> Iterator[Problem]:
    branch = objective.branch
    if branch is None:
        return
    if objective.kind is ObjectiveKind.CHOOSE:
        reason = "the choice itself cannot lie behind a choice"
    elif branch >= len(template.choices):
        reason = f"the template has no choice number {branch}, counted from 0"
    elif template.choices[branch].outcome is ChoiceOutcome.FAIL:
        reason = f"choice number {branch} ends the quest, so nothing can lie behind it"
    else:
        return
    yield Problem(code="branch", field=field, message=reason)


def _choice_problems(template: QuestTemplate) -> Iterator[Problem]:
    asked = [o for o in template.objectives if o.kind is ObjectiveKind.CHOOSE]
    count = len(template.choices)
    for number, choice in enumerate(template.choices):
        if choice.fact_slot is not None and choice.fact_slot not in template.slots:
            yield _unknown_slot(f"choices.{number}.fact_slot", choice.fact_slot)
    if count == 1:
        yield Problem(code="count", field="choices", message="one way out is no choice")
    if len(asked) != (1 if count else 0):
        reason = "a template with choices has one objective of the kind choose, others have none"
        yield Problem(code="count", field="objectives", message=reason)
    if count and all(choice.outcome is ChoiceOutcome.FAIL for choice in template.choices):
        yield Problem(code="never", field="choices", message="every choice fails the quest")
    if template.epilogues.by_choice and len(template.epilogues.by_choice) != count:
        reason = f"there must be one for each of the {count} choices, or none at all"
        yield Problem(code="count", field="epilogues.by_choice", message=reason)


def _placeholder_faults(text: str, known: Sequence[str]) -> Iterator[str]:
    for name in PLACEHOLDER.findall(text):
        if name not in known:
            yield f"the placeholder {{{name}}} stands for nothing; known are {', '.join(known)}"
    if set(PLACEHOLDER.sub("", text)) & {"{", "}"}:
        yield "a brace that belongs to no placeholder"


def _unknown_slot(field: str, name: str) -> Problem:
    return Problem(code="wrong_slot", field=field, message=f"the template has no slot {name!r}")
