"""What is wrong with an arc before anybody plays it: ways that never open, and names of nothing."""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from loreloom.domain.arc import (
    ArcDefinition,
    Beat,
    ChangeBeat,
    EndBeat,
    GoalBeat,
    QuestBeat,
    TellBeat,
    WaitBeat,
    leads_to,
    reached_from,
)
from loreloom.domain.arc_needs import too_early
from loreloom.domain.conditions import ArcModel, When
from loreloom.domain.design import ids_of_choices
from loreloom.domain.draft import MAX_CHOICES
from loreloom.domain.ids import FactId
from loreloom.domain.living.shifts import lost_seats, named_factions, named_regions
from loreloom.domain.names import NameBook
from loreloom.domain.quest import QuestState
from loreloom.domain.weather import Weather

ENDINGS = frozenset(
    {QuestState.COMPLETED, QuestState.FAILED, QuestState.ABANDONED, QuestState.EXPIRED}
)


class FindingCode(StrEnum):
    """What sort of fault was found."""

    UNREACHABLE = "unreachable"
    DEAD_END = "dead_end"
    NO_END = "no_end"
    NEVER = "never"
    UNANSWERED = "unanswered"
    TOO_EARLY = "too_early"
    UNKNOWN_NAME = "unknown_name"
    MISSING_TEMPLATE = "missing_template"
    SEAT = "seat"


class Finding(ArcModel):
    """One fault: where, and in words. ``where`` is a beat, or a way as ``beat -> beat``."""

    code: FindingCode
    where: str
    message: str


class WeatherMade(NamedTuple):
    """A weather that an arc makes in a region."""

    region: str
    state: Weather


class Surrounding(ArcModel):
    """What an arc is held against. What is ``None`` is not known and so not checked.

    ``facts`` are those that anything outside the arc can make known; ``names`` every name and
    alias of the canon; ``openers`` words that may begin a sentence with a capital. ``templates``
    gives, of each quest template, how many choices its quests offer; ``seats`` the faction of each
    region that nobody can take from it; ``weathers`` those that a region can have by itself in each
    season. ``made`` are those that others' arcs make there.
    """

    seasons: frozenset[str] | None = None
    parts: frozenset[str] | None = None
    regions: frozenset[str] | None = None
    factions: frozenset[str] | None = None
    names: frozenset[str] | None = None
    openers: frozenset[str] = frozenset()
    templates: dict[str, int] | None = None
    seats: dict[str, str] = Field(default_factory=dict)
    facts: frozenset[FactId] = Field(default=frozenset())
    weathers: dict[str, dict[str, frozenset[Weather]]] = Field(default_factory=dict)
    made: frozenset[WeatherMade] = frozenset()


def facts_set_by(arc: ArcDefinition) -> frozenset[FactId]:
    """Every fact that the arc itself can make known."""
    given = (f for beat in _changes(arc) for f in (beat.fact, beat.world_fact))
    return frozenset(fact for fact in given if fact is not None)


def weathers_made_by(arc: ArcDefinition) -> frozenset[WeatherMade]:
    """Every weather that the arc itself makes."""
    made = (beat.weather for beat in _changes(arc))
    return frozenset(WeatherMade(one.region, one.state) for one in made if one is not None)


def check(arc: ArcDefinition, around: Surrounding) -> tuple[Finding, ...]:
    """Everything that is wrong with an arc; empty if all is well."""
    return (*_graph(arc), *_conditions(arc, around), *_names(arc, around))


def _changes(arc: ArcDefinition) -> Iterator[ChangeBeat]:
    return (beat for beat in arc.beats.values() if isinstance(beat, ChangeBeat))


def _graph(arc: ArcDefinition) -> Iterator[Finding]:
    ways = {name: leads_to(beat) for name, beat in arc.beats.items()}
    reached = reached_from({arc.start}, ways)
    ends = {name for name, beat in arc.beats.items() if isinstance(beat, EndBeat)}
    back: dict[str, tuple[str, ...]] = {
        name: tuple(before for before, to in ways.items() if name in to) for name in arc.beats
    }
    ending = reached_from(ends, back)
    for name, beat in arc.beats.items():
        if name not in reached:
            yield Finding(
                code=FindingCode.UNREACHABLE, where=name, message="no way leads to this beat"
            )
        if not isinstance(beat, EndBeat) and not beat.next:
            yield Finding(
                code=FindingCode.DEAD_END, where=name, message="no way leads on, and it is no end"
            )
        elif name not in ending:
            yield Finding(
                code=FindingCode.NO_END, where=name, message="no end can be reached from here"
            )
        yield from _unanswered(name, beat)
    for where, words in too_early(arc, arc.start):
        message = f"{words}, and is then never left"
        yield Finding(code=FindingCode.TOO_EARLY, where=where, message=message)


def _unanswered(name: str, beat: Beat) -> Iterator[Finding]:
    """What may come of a beat after which no way is open, whatever else is so."""
    if not beat.next:
        return
    for what, admitted in _comes_of(beat):
        if not admitted:
            message = f"no way is open after {what}"
            yield Finding(code=FindingCode.UNANSWERED, where=name, message=message)


def _comes_of(beat: Beat) -> Iterator[tuple[str, bool]]:
    """What may come of a beat, and whether a way admits it. One that does not ask for it does."""
    ways = [edge.when for edge in beat.next]
    if isinstance(beat, WaitBeat):
        for choice in beat.until.choice or ():
            admitted = any(not w.choice or choice.choice_id in w.choice for w in ways)
            yield f"the choice {choice.choice_id!r}", admitted
    if isinstance(beat, QuestBeat) or (isinstance(beat, WaitBeat) and beat.until.quest is not None):
        for ending in sorted(ENDINGS):
            admitted = any(not w.outcome or ending in w.outcome for w in ways)
            yield f"a quest that is {ending}", admitted
    if isinstance(beat, GoalBeat):
        asked = [w.goal for w in ways]
        missable = beat.at_most is not None and beat.at_most.to is None
        for reached in (True, False) if missable else (True,):
            admitted = any(
                goal is None or goal.name != beat.name or goal.reached is reached for goal in asked
            )
            yield f"a goal that is {'reached' if reached else 'missed'}", admitted


def _conditions(arc: ArcDefinition, around: Surrounding) -> Iterator[Finding]:
    for where, when in _all_conditions(arc):
        found = (
            *_never(when),
            *_never_in(arc, when),
            *_never_chosen(arc, when, around),
            *_unknown(when, arc, around),
            *_never_under(when, arc, around),
        )
        for code, message in found:
            yield Finding(code=code, where=where, message=message)


def _all_conditions(arc: ArcDefinition) -> Iterator[tuple[str, When]]:
    for name, beat in arc.beats.items():
        if isinstance(beat, WaitBeat) and beat.until.when is not None:
            yield name, beat.until.when
        for edge in beat.next:
            yield f"{name} -> {edge.to}", edge.when


def _never(when: When) -> Iterator[tuple[FindingCode, str]]:
    """Conditions that contradict themselves."""
    facts = when.facts
    for fact in facts.all:
        if fact in facts.none:
            yield FindingCode.NEVER, f"the fact {fact} is asked for and forbidden at once"
    if facts.any and set(facts.any) <= set(facts.none):
        yield FindingCode.NEVER, "every fact of which one is asked for is forbidden"
    if when.outcome and not ENDINGS.intersection(when.outcome):
        yield FindingCode.NEVER, f"no quest ends as {' or '.join(when.outcome)}"


def _never_in(arc: ArcDefinition, when: When) -> Iterator[tuple[FindingCode, str]]:
    """Conditions on deeds that nothing in the arc does."""
    offered = {
        choice.choice_id
        for beat in arc.beats.values()
        if isinstance(beat, WaitBeat)
        for choice in beat.until.choice or ()
    }
    if when.choice and not offered.intersection(when.choice):
        yield FindingCode.NEVER, f"no wait offers the choice {' or '.join(when.choice)}"
    if when.goal is not None and arc.goal(when.goal.name) is None:
        yield FindingCode.NEVER, f"the arc has no goal {when.goal.name!r}"
    asks_quest = bool(when.outcome or when.quest_choice)
    if asks_quest and not any(isinstance(beat, QuestBeat) for beat in arc.beats.values()):
        yield FindingCode.NEVER, "the arc starts no quest that could end"


def _never_chosen(
    arc: ArcDefinition, when: When, around: Surrounding
) -> Iterator[tuple[FindingCode, str]]:
    """Choices that no quest of the arc can offer."""
    offered = max(
        (_offered_by(beat, around) for beat in arc.beats.values() if isinstance(beat, QuestBeat)),
        default=MAX_CHOICES,
    )
    for choice in when.quest_choice:
        if choice not in ids_of_choices(offered):
            yield FindingCode.NEVER, f"no quest of the arc offers the choice {choice!r}"


def _offered_by(beat: QuestBeat, around: Surrounding) -> int:
    """The most choices that a beat's quest can offer."""
    if beat.template is None or around.templates is None:
        return MAX_CHOICES
    return around.templates.get(beat.template, MAX_CHOICES)


def _unknown(
    when: When, arc: ArcDefinition, around: Surrounding
) -> Iterator[tuple[FindingCode, str]]:
    """Conditions on facts that nobody sets and on names that the world lacks."""
    settable = around.facts | facts_set_by(arc)
    for fact in (*when.facts.all, *([] if set(when.facts.any) & settable else when.facts.any)):
        if fact not in settable:
            yield FindingCode.NEVER, f"nobody makes the fact {fact} known"
    asked = (
        ("season", when.season, around.seasons),
        ("part of the day", when.part, around.parts),
        ("region", (when.weather.region,) if when.weather else (), around.regions),
        ("faction", tuple(when.standing), around.factions),
    )
    for what, names, known in asked:
        for name in names:
            if known is not None and name not in known:
                yield FindingCode.UNKNOWN_NAME, f"the world has no {what} {name!r}"


def _never_under(
    when: When, arc: ArcDefinition, around: Surrounding
) -> Iterator[tuple[FindingCode, str]]:
    """Weathers that neither the region's climate nor any arc brings, in the seasons asked for."""
    asked = when.weather
    if asked is None or asked.region not in around.weathers:
        return
    by_season = around.weathers[asked.region]
    own = (
        weathers for season, weathers in by_season.items() if season in (when.season or by_season)
    )
    made = around.made | weathers_made_by(arc)
    if not set(asked.state) & {m.state for m in made if m.region == asked.region}.union(*own):
        then = f" in {' or '.join(when.season)}" if when.season else ""
        yield FindingCode.NEVER, f"in {asked.region} it is never {' or '.join(asked.state)}{then}"


def _names(arc: ArcDefinition, around: Surrounding) -> Iterator[Finding]:
    book = NameBook((*(around.names or ()), *(around.regions or ())))
    for where, beat in arc.beats.items():
        for what, name, known in _named(beat, around):
            if name is not None and known is not None and name not in known:
                yield _unknown_name(where, what, name)
        template = beat.template if isinstance(beat, QuestBeat) else None
        if template and around.templates is not None and template not in around.templates:
            message = f"there is no quest template {template!r}"
            yield Finding(code=FindingCode.MISSING_TEMPLATE, where=where, message=message)
        for seat in lost_seats(beat.factions, around.seats) if isinstance(beat, ChangeBeat) else ():
            message = f"{seat!r} is the seat of {around.seats[seat]!r} and stays so"
            yield Finding(code=FindingCode.SEAT, where=where, message=message)
        if around.names is not None:
            for text in _texts(beat):
                for name in book.unknown(text, around.openers):
                    yield _unknown_name(where, "name", name)


def _unknown_name(where: str, what: str, name: str) -> Finding:
    message = f"the world has no {what} {name!r}"
    return Finding(code=FindingCode.UNKNOWN_NAME, where=where, message=message)


def _named(
    beat: Beat, around: Surrounding
) -> Iterator[tuple[str, str | None, frozenset[str] | None]]:
    if isinstance(beat, QuestBeat) and beat.brief is not None:
        yield "person", beat.brief.giver, around.names
        yield "region", beat.brief.region, around.regions
    if isinstance(beat, ChangeBeat):
        yield "region", beat.weather.region if beat.weather else None, around.regions
        factions = (*beat.standing, *named_factions(beat.factions))
        yield from (("faction", faction, around.factions) for faction in factions)
        regions = named_regions(beat.factions)
        yield from (("region", region, around.regions) for region in regions)
        yield from (("person", person, around.names) for person in beat.remembered)
    if isinstance(beat, TellBeat) and beat.brief is not None:
        yield "person", beat.brief.who, around.names
        yield "region", beat.brief.region, around.regions


def _texts(beat: Beat) -> Iterator[str]:
    if isinstance(beat, TellBeat):
        yield beat.text
        if beat.brief is not None:
            yield beat.brief.theme
    if isinstance(beat, EndBeat) and beat.text is not None:
        yield beat.text
    if isinstance(beat, QuestBeat) and beat.brief is not None:
        yield beat.brief.theme
    if isinstance(beat, WaitBeat):
        yield from (choice.text for choice in beat.until.choice or ())
