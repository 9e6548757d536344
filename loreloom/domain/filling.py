"""From a template to a quest: which one serves, who plays in it, and its words with their names."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from random import Random
from typing import NamedTuple

from loreloom.domain.canon import Entity, EntityKind
from loreloom.domain.draft import DraftObjective, EpilogueBrief, QuestBrief, QuestDraft
from loreloom.domain.ids import FactId
from loreloom.domain.quest import ChoiceOutcome, Condition, QuestState, Surroundings
from loreloom.domain.templates import (
    PLACEHOLDER,
    Epilogues,
    PlainEpilogues,
    QuestTemplate,
    Slot,
    TemplateModel,
)

_ARTICLES = ("the", "a", "an")
_POSSESSIVES = ("'s", "’s", "s'", "s’")


class TemplateCode(StrEnum):
    """Why no template could serve."""

    NO_TEMPLATE = "no_template"
    NO_EPILOGUE = "no_epilogue"


class NoTemplate(Exception):
    """Nothing among the given templates serves."""

    def __init__(self, code: TemplateCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class _Known(NamedTuple):
    """Whether the cast fills every slot, and how many with a preferred name."""

    whole: bool
    preferred: int


class FilledTemplate(TemplateModel):
    """A template with its parts given out: a draft, and its epilogues in words.

    ``names`` are the names of the cast that the quest uses, the giver's first.
    """

    template_id: str
    draft: QuestDraft
    epilogues: Epilogues
    names: tuple[str, ...]

    def epilogue(self, outcome: QuestState, choice: int | None = None) -> str | None:
        """The epilogue for an outcome and the number of the choice made, from 0.

        ``None`` for an outcome that a template does not tell of; ``plain_epilogue`` does.
        """
        if choice is None:
            return self.epilogues.told(outcome)
        fails = self.draft.choices[choice].outcome is ChoiceOutcome.FAIL
        return self.epilogues.told(outcome, choice, chose_to_fail=fails)


def choose_template(
    templates: Sequence[QuestTemplate],
    brief: QuestBrief,
    seed: int,
    now: Surroundings | None = None,
) -> QuestTemplate:
    """A template of the brief's kind that its rating allows and whose needs its cast meets.

    What waits for a weather is left out where there is none: it could never be done.
    Those that can be begun ``now`` come first: nobody offers night work in the morning while there
    is other work. Next come those for which the cast can fill every slot with a name of its own.
    Among these the seed decides, the more likely for one the more of its preferred names the cast
    has. Raises ``NoTemplate`` if none fits.
    """
    present = {entity.kind for entity in brief.cast}
    under_no_sky = now is not None and now.weather is None
    fitting = sorted(
        (
            template
            for template in templates
            if template.kind is brief.kind
            and brief.rating.allows(template.rating)
            and present.issuperset(template.requires)
            and not (under_no_sky and _waits_for_weather(template))
        ),
        key=lambda template: template.template_id,
    )
    if not fitting:
        raise NoTemplate(
            TemplateCode.NO_TEMPLATE,
            f"no template for a {brief.kind} quest rated {brief.rating} or milder fits the cast"
            + (" and waits for no weather, which this world has not" if under_no_sky else ""),
        )
    timely = [template for template in fitting if now is None or _can_begin(template, now)]
    full = [template for template in timely or fitting if _known_parts(template, brief).whole]
    pool = full or timely or fitting
    weights = [1 + _known_parts(template, brief).preferred for template in pool]
    return Random(f"{seed}/template").choices(pool, weights)[0]


def _waits_for_weather(template: QuestTemplate) -> bool:
    return any(o.condition is not None and o.condition.weather for o in template.objectives)


def _can_begin(template: QuestTemplate, now: Surroundings) -> bool:
    return all(
        objective.condition is None or objective.condition.unmet(now) is None
        for objective in template.objectives
        if objective.branch is None
    )


def fill(template: QuestTemplate, brief: QuestBrief, seed: int) -> FilledTemplate:
    """The template with names of the brief's cast: the same for the same seed and brief.

    No name is given to two slots. The brief's giver plays the giver; other slots take a preferred
    name that is in the cast, else one of their kind, else their own phrase.
    """
    parts = _cast_parts(template, brief, Random(f"{seed}/{template.template_id}"))
    names = {slot: _name(part) for slot, part in parts.items()}
    said = {
        slot: template.slots[slot].preferred().get(_name(part), spoken(part))
        for slot, part in parts.items()
    }
    withheld = _withheld(template, names)
    draft = QuestDraft(
        title=_told(template.title, said),
        summary=_told(template.summary, said),
        giver=brief.giver or names[template.giver],
        offer=_told(template.offer, said),
        objectives=tuple(
            DraftObjective(
                kind=objective.kind,
                target=names[objective.target],
                to=names[objective.to] if objective.to else None,
                text=_told(objective.text, said),
                condition=_without(objective.condition, withheld),
                branch=objective.branch,
            )
            for objective in template.objectives
        ),
        choices=tuple(
            choice.drafted(_told(choice.label, said), withheld) for choice in template.choices
        ),
    )
    return FilledTemplate(
        template_id=template.template_id,
        draft=draft,
        epilogues=Epilogues(
            completed=_told(template.epilogues.completed, said),
            failed=_told(template.epilogues.failed, said),
            by_choice=tuple(_told(text, said) for text in template.epilogues.by_choice),
        ),
        names=tuple(part.name for part in parts.values() if isinstance(part, Entity)),
    )


def plain_epilogue(texts: PlainEpilogues, brief: EpilogueBrief, seed: int) -> str:
    """An epilogue that fits any quest of that outcome, picked by the seed.

    Raises ``NoTemplate`` for an outcome that is no ending.
    """
    endings = {
        QuestState.COMPLETED: texts.completed,
        QuestState.FAILED: texts.failed,
        QuestState.ABANDONED: texts.abandoned,
        QuestState.EXPIRED: texts.expired,
    }
    for outcome, lines in endings.items():
        if outcome == brief.outcome:
            said = {"title": brief.title, "giver": brief.giver}
            return _told(Random(f"{seed}/epilogue").choice(lines), said)
    raise NoTemplate(TemplateCode.NO_EPILOGUE, f"a quest does not end as {brief.outcome!r}")


def spoken(part: Entity | str) -> str:
    """A name as it stands in a sentence: with an article where the canon or its shape asks for one.

    Creatures are spoken of as many, if the canon knows a word for that.
    """
    if isinstance(part, str):
        return part
    articled = f"the {part.name}"
    if any(alias.lower() == articled.lower() for alias in part.aliases):
        return articled
    if part.kind is EntityKind.CREATURE and f"{part.name}s" in part.aliases:
        return f"the {part.name}s"
    first, *rest = part.name.split() or [""]
    bare = first.lower() in _ARTICLES or first.endswith(_POSSESSIVES)
    compound = part.kind in (EntityKind.THING, EntityKind.CREATURE) and rest and not bare
    return articled if compound else part.name


def _cast_parts(
    template: QuestTemplate, brief: QuestBrief, chance: Random
) -> dict[str, Entity | str]:
    order = [template.giver, *(name for name in template.slots if name != template.giver)]
    parts: dict[str, Entity | str] = {}
    taken: set[str] = set()
    for name in order:
        if name == template.giver and brief.giver is not None:
            part = _in_cast(brief.giver, brief.cast)
        else:
            part = _pick(template.slots[name], brief.cast, taken, chance)
        parts[name] = part
        taken.add(_name(part))
    return parts


def _withheld(template: QuestTemplate, names: Mapping[str, str]) -> frozenset[FactId]:
    """The facts of the template that are about people who do not play in this quest."""
    return frozenset(
        choice.sets_fact
        for choice in template.choices
        if choice.sets_fact is not None
        and choice.fact_slot is not None
        and names[choice.fact_slot] not in template.slots[choice.fact_slot].preferred()
    )


def _without(condition: Condition | None, withheld: frozenset[FactId]) -> Condition | None:
    if condition is None or condition.fact not in withheld:
        return condition
    rest = condition.model_copy(update={"fact": None})
    return None if rest == Condition() else rest


def _in_cast(wanted: str, cast: Sequence[Entity]) -> Entity | str:
    return next((entity for entity in cast if wanted in entity.names), wanted)


def _pick(slot: Slot, cast: Sequence[Entity], taken: set[str], chance: Random) -> Entity | str:
    free = [entity for entity in cast if entity.kind is slot.kind and entity.name not in taken]
    preferred = [entity for entity in free if entity.name in slot.preferred()]
    pool = preferred or free
    return chance.choice(pool) if pool else slot.otherwise


def _known_parts(template: QuestTemplate, brief: QuestBrief) -> _Known:
    parts = _cast_parts(template, brief, Random(0))
    return _Known(
        whole=all(isinstance(part, Entity) for part in parts.values()),
        preferred=sum(
            _name(part) in template.slots[slot].preferred() for slot, part in parts.items()
        ),
    )


def _name(part: Entity | str) -> str:
    return part if isinstance(part, str) else part.name


def _told(text: str, said: Mapping[str, str]) -> str:
    pieces: list[str] = []
    end = 0
    for match in PLACEHOLDER.finditer(text):
        before = text[: match.start()].rstrip()
        word = said[match[1]]
        opens = not before or before[-1] in ".!?"
        pieces += (text[end : match.start()], word[:1].upper() + word[1:] if opens else word)
        end = match.end()
    return "".join([*pieces, text[end:]])
