"""What is wrong with a quest template in its world, beyond what keeps it from being one at all."""

from collections.abc import Iterable, Iterator
from random import Random

from loreloom.domain.calendar import Calendar
from loreloom.domain.canon import Entity, Rating
from loreloom.domain.draft import EpilogueBrief, Problem, QuestBrief
from loreloom.domain.filling import fill, plain_epilogue
from loreloom.domain.ids import FactId
from loreloom.domain.prose import ProseRules, check_draft, check_epilogue
from loreloom.domain.quest import (
    Condition,
    Difficulty,
    ObjectiveKind,
    QuestKind,
    QuestState,
    Surroundings,
)
from loreloom.domain.templates import PlainEpilogues, QuestTemplate, TemplateModel
from loreloom.domain.weather import Weather

CASTS = 4
"""Casts drawn from the canon that a template is tried with, beside the whole of it."""
CAST = 40
"""Entities of such a cast."""


class TemplateWorld(TemplateModel):
    """What templates are held against.

    ``facts`` are those that anything can make known, ``secrets`` those under which a document keeps
    something. ``weathers`` are those that any region can have; none without regions.
    """

    entities: tuple[Entity, ...]
    calendar: Calendar
    weathers: frozenset[Weather]
    facts: frozenset[FactId]
    secrets: frozenset[FactId]


def check_template(
    template: QuestTemplate, world: TemplateWorld, rules: ProseRules
) -> tuple[Problem, ...]:
    """Everything that is wrong with a template in its world; empty if all is well."""
    return (
        *_names(template, world),
        *_conditions(template, world),
        *_secrets(template, world),
        *_prose(template, world, rules),
    )


def check_plain_epilogues(texts: PlainEpilogues, rules: ProseRules) -> tuple[Problem, ...]:
    """What the rules of prose refuse in the epilogues for quests that have none of their own."""
    return tuple(
        Problem(code=problem.code, field=f"{outcome}.{number}", message=problem.message)
        for outcome in type(texts).model_fields
        for number, text in enumerate(getattr(texts, outcome))
        for problem in _in_plain(texts.model_copy(update={outcome: (text,)}), outcome, rules)
    )


def unserved_kinds(templates: Iterable[QuestTemplate]) -> tuple[QuestKind, ...]:
    """The kinds of quest that have no template which serves in every world and with every cast."""
    served = {
        template.kind
        for template in templates
        if template.rating is Rating.EVERYONE
        and not template.requires
        and not any(o.condition is not None and o.condition.weather for o in template.objectives)
    }
    return tuple(kind for kind in QuestKind if kind not in served)


def _names(template: QuestTemplate, world: TemplateWorld) -> Iterator[Problem]:
    kinds = {entity.name: entity.kind for entity in world.entities}
    for slot, part in template.slots.items():
        for preferred in part.prefer:
            name = preferred if preferred in kinds else preferred.removeprefix("the ")
            field = f"slots.{slot}.prefer"
            if name not in kinds:
                message = f"the canon has nobody and nothing called {preferred!r}"
                yield Problem(code="unknown_name", field=field, message=message)
            elif kinds[name] is not part.kind:
                message = f"{preferred!r} is a {kinds[name]} in the canon, and no {part.kind}"
                yield Problem(code="wrong_kind", field=field, message=message)


def _conditions(template: QuestTemplate, world: TemplateWorld) -> Iterator[Problem]:
    for number, objective in enumerate(template.objectives):
        reason = objective.condition and _never(objective.condition, world)
        if reason:
            field = f"objectives.{number}.condition"
            yield Problem(code="never", field=field, message=reason)


def _never(condition: Condition, world: TemplateWorld) -> str | None:
    """Why the condition can never hold, if it cannot."""
    if condition.fact is not None and condition.fact == condition.without_fact:
        return f"the fact {condition.fact} is asked for and forbidden at once"
    if condition.fact is not None and condition.fact not in world.facts:
        return f"nobody makes the fact {condition.fact} known"
    if condition.weather and not world.weathers.intersection(condition.weather):
        return f"no region ever has the weather {' or '.join(condition.weather)}"
    timely = Condition(hours=condition.hours, part=condition.part)
    day = range(world.calendar.hours_per_day)
    moments = (Surroundings(hour=hour, part=world.calendar.part_at(hour)) for hour in day)
    if all(timely.unmet(moment) for moment in moments):
        return "no hour of the calendar's day is within these hours and this part of the day"
    return None


def _secrets(template: QuestTemplate, world: TemplateWorld) -> Iterator[Problem]:
    for number, choice in enumerate(template.choices):
        if choice.fact_slot is not None and choice.sets_fact not in world.secrets:
            message = f"no document keeps anything secret under the fact {choice.sets_fact}"
            yield Problem(code="no_secret", field=f"choices.{number}.sets_fact", message=message)


def _prose(template: QuestTemplate, world: TemplateWorld, rules: ProseRules) -> tuple[Problem, ...]:
    """What the rules refuse in the filled template, with any cast; one problem a field and sort."""
    found: dict[tuple[str, str], Problem] = {}
    for seed, cast in enumerate(_casts(world.entities)):
        for problem in _in_filled(template, cast, seed, rules):
            found.setdefault((problem.field, problem.code), problem)
    return tuple(found.values())


def _casts(entities: tuple[Entity, ...]) -> Iterator[tuple[Entity, ...]]:
    yield entities
    for seed in range(CASTS if len(entities) > CAST else 0):
        yield tuple(Random(seed).sample(entities, CAST))


def _in_filled(
    template: QuestTemplate, cast: tuple[Entity, ...], seed: int, rules: ProseRules
) -> Iterator[Problem]:
    brief = QuestBrief(
        kind=template.kind,
        difficulty=Difficulty.NORMAL,
        rating=template.rating,
        cast=cast,
        objectives=sum(o.kind is not ObjectiveKind.CHOOSE for o in template.objectives),
        choices=len(template.choices),
    )
    filled = fill(template, brief, seed)
    yield from check_draft(filled.draft, brief, rules)
    told = EpilogueBrief(
        title=filled.draft.title,
        summary=filled.draft.summary,
        giver=filled.draft.giver,
        outcome=QuestState.COMPLETED,
        rating=template.rating,
        cast=cast,
    )
    endings = filled.epilogues
    texts = {"epilogues.completed": endings.completed, "epilogues.failed": endings.failed}
    texts |= {f"epilogues.by_choice.{number}": t for number, t in enumerate(endings.by_choice)}
    for field, text in texts.items():
        for problem in check_epilogue(text, told, rules):
            yield problem.model_copy(update={"field": field})


def _in_plain(texts: PlainEpilogues, outcome: str, rules: ProseRules) -> tuple[Problem, ...]:
    brief = EpilogueBrief(
        title="A word with the baker",
        summary="There was something to be done.",
        giver="the baker",
        outcome=outcome,
        rating=Rating.EVERYONE,
        cast=(),
    )
    return check_epilogue(plain_epilogue(texts, brief, 0), brief, rules)
