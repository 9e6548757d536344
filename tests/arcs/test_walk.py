"""Which way an arc takes, and why."""

from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from loreloom.domain.arc import ArcDefinition
from loreloom.domain.arc_needs import Past
from loreloom.domain.arc_wait import is_late, is_over, moments
from loreloom.domain.arc_walk import (
    ArcProgress,
    StartedQuest,
    chosen,
    quest_ended,
    require_migratable,
    situated,
    way_on,
)
from loreloom.domain.calendar import HOUR, Calendar
from loreloom.domain.climates import TEMPERATE
from loreloom.domain.conditions import (
    Situation,
    WeatherIn,
    When,
    earliest,
    earliest_under,
    failing,
    judged,
)
from loreloom.domain.ids import QuestId
from loreloom.domain.imposed import Imposition
from loreloom.domain.quest import QuestState
from loreloom.domain.refusals import Refusal, RefusalCode
from loreloom.domain.sky import Sky, states_from
from loreloom.domain.weather import Weather
from tests.arcs.builders import an_arc, now, tell, to

PICK = {
    "kind": "wait",
    "until": {"choice": [{"choice_id": "stay", "text": "Stay"}, {"choice_id": "go", "text": "Go"}]},
    "next": [to("end")],
}


def taken(arc: ArcDefinition, seen: Situation) -> str | None:
    way = way_on(arc.beats["first"], seen)
    return way.to if way else None


def test_the_highest_priority_goes_first_however_specific_the_others_are() -> None:
    arc = an_arc(
        {
            "first": tell(to("a", season=["spring"], part=["day"]), to("b", priority=1), to("end")),
            "a": tell(to("end")),
            "b": tell(to("end")),
        }
    )
    assert taken(arc, now()) == "b"


def test_of_equal_priority_the_most_specific_goes_first_and_then_the_first() -> None:
    arc = an_arc(
        {
            "first": tell(to("a"), to("b", season=["spring"]), to("c", part=["day"])),
            **{name: tell(to("end")) for name in "abc"},
        }
    )
    assert taken(arc, now()) == "b"
    assert taken(arc, now(season="winter")) == "c"
    assert taken(arc, now(season="winter", part="night")) == "a"


def test_the_reason_says_what_held_and_what_stood_against_every_other_way() -> None:
    arc = an_arc(
        {
            "first": tell(
                to("a", season=["winter"], facts={"all": ["the_door_is_open"]}),
                to("b", part=["day"]),
                to("end"),
            ),
            "a": tell(to("end")),
            "b": tell(to("end")),
        }
    )
    way = way_on(arc.beats["first"], now())
    assert way is not None
    assert way.to == "b"
    assert way.reason.held == ("it must be day",)
    assert {other.to: other.because for other in way.reason.others} == {
        "a": ("the fact the_door_is_open must be known", "it must be winter"),
        "end": ("open, but less specific: 0 conditions",),
    }


conditions = st.fixed_dictionaries(
    {},
    optional={
        "season": st.sampled_from([["spring"], ["winter", "spring"], ["autumn"]]),
        "part": st.sampled_from([["day"], ["night"]]),
        "facts": st.fixed_dictionaries(
            {}, optional={kind: st.sampled_from([["a"], ["b", "c"]]) for kind in ("all", "none")}
        ),
        "standing": st.sampled_from([{"Guild": 2}, {"Guild": 2, "Watch": -1}]),
    },
)
ways = st.lists(st.tuples(st.integers(-2, 2), conditions), min_size=1, max_size=5)
moments_of_spring = st.builds(
    now,
    part=st.sampled_from(["day", "night"]),
    facts=st.frozensets(st.sampled_from("abc")),
    standing=st.sampled_from([{}, {"Guild": 2}]),
)


@settings(max_examples=200, deadline=None)
@given(ways, moments_of_spring)
def test_no_open_way_outdoes_the_one_that_is_taken_and_every_other_has_its_reason(
    drawn: list[tuple[int, dict[str, Any]]], seen: Situation
) -> None:
    leads = {f"b{n}": to(f"b{n}", priority, **when) for n, (priority, when) in enumerate(drawn)}
    first = an_arc({"first": tell(*leads.values()), **{name: tell(to("end")) for name in leads}})
    edges = {edge.to: edge for edge in first.beats["first"].next}
    open_ways = {name for name, edge in edges.items() if not failing(edge.when, seen)}
    way = way_on(first.beats["first"], seen)
    if way is None:
        assert not open_ways
        return
    assert way.to in open_ways

    def rank(name: str) -> tuple[int, int, int]:
        return edges[name].priority, len(judged(edges[name].when, seen)), -list(edges).index(name)

    assert all(rank(way.to) >= rank(name) for name in open_ways)
    assert len(way.reason.held) == len(judged(edges[way.to].when, seen))
    against = {other.to: other.because for other in way.reason.others}
    assert against.keys() == edges.keys() - {way.to}
    for name, because in against.items():
        unmet = failing(edges[name].when, seen)
        assert because == unmet if unmet else because[0].startswith("open, but")


def test_an_arc_with_no_open_way_stays() -> None:
    arc = an_arc({"first": tell(to("end", season=["winter"]))})
    assert taken(arc, now()) is None


@pytest.mark.parametrize(
    ("when", "holds", "fails"),
    [
        ({"facts": {"all": ["a", "b"]}}, {"facts": ["a", "b"]}, {"facts": ["a"]}),
        ({"facts": {"any": ["a", "b"]}}, {"facts": ["b"]}, {"facts": []}),
        ({"facts": {"none": ["a"]}}, {"facts": ["b"]}, {"facts": ["a"]}),
        ({"season": ["spring", "summer"]}, {"season": "summer"}, {"season": "winter"}),
        ({"part": ["night"]}, {"part": "night"}, {"part": "day"}),
        (
            {"weather": {"region": "Quay", "state": ["fog"]}},
            {"weather": {"Quay": "fog"}},
            {"weather": {"Quay": "rain"}},
        ),
        ({"weather": {"region": "Quay", "state": ["fog"]}}, {"weather": {"Quay": "fog"}}, {}),
        ({"standing": {"Guild": 3}}, {"standing": {"Guild": 3}}, {"standing": {"Guild": 2}}),
        ({"outcome": ["completed"]}, {"outcome": "completed"}, {"outcome": "failed"}),
        ({"quest_choice": ["choice_1"]}, {"quest_choice": "choice_1"}, {}),
        ({"choice": ["go"]}, {"choices": ["go", "x"]}, {"choices": ["stay"]}),
        ({"goal": {"name": "bread"}}, {"goals": {"bread": True}}, {"goals": {"bread": False}}),
        ({"goal": {"name": "bread", "reached": False}}, {"goals": {"bread": False}}, {}),
    ],
)
def test_each_condition_holds_and_fails(
    when: dict[str, Any], holds: dict[str, Any], fails: dict[str, Any]
) -> None:
    condition = When.model_validate(when)
    assert failing(condition, now(**holds)) == ()
    assert len(failing(condition, now(**fails))) == 1


def test_the_next_season_and_part_of_the_day_are_computed() -> None:
    calendar = Calendar()
    night = earliest(When(part=("night",)), calendar, 8 * HOUR + 17)
    assert calendar.read(night).part == "night"
    assert calendar.read(night - 1).part != "night"
    winter = earliest(When(season=("winter",), part=("dawn",)), calendar, 0)
    assert (calendar.read(winter).season, calendar.read(winter).part) == ("winter", "dawn")
    assert calendar.read(winter - 1).season != "winter" or calendar.read(winter - 1).part != "dawn"
    assert earliest(When(), calendar, 4711) == 4711


def test_the_first_moment_of_a_weather_is_found_as_it_will_be() -> None:
    sky = Sky(name="Quay", seed=3, climate=TEMPERATE, calendar=Calendar())
    storm = When(weather=WeatherIn(region="Quay", state=(Weather.STORM,)))
    states = dict(enumerate(islice(states_from(sky, 0), 900)))
    hour = next(h for h, state in states.items() if state is Weather.STORM)
    assert earliest_under(storm, sky, (), 17) == hour * HOUR
    by_night = storm.model_copy(update={"part": ("night",)})
    at_night = earliest_under(by_night, sky, (), 17)
    assert (states[at_night // HOUR], sky.calendar.read(at_night).part) == (Weather.STORM, "night")
    made = Imposition(
        number=1, state=Weather.STORM, from_seconds=4000, until_seconds=4100, by="test"
    )
    assert earliest_under(storm, sky, (made,), 17) == 4000
    assert earliest_under(storm, sky, (made,), 4050) == 4050
    assert earliest_under(storm, sky, (made,), 4100) == hour * HOUR


def test_a_wait_is_over_when_its_hours_have_passed_and_not_before() -> None:
    arc = an_arc({"first": {"kind": "wait", "until": {"hours": 2.5}, "next": [to("end")]}})
    beat, progress = arc.beats["first"], ArcProgress(beat="first", seq=1, entered=1000)
    (moment,) = moments(beat, progress)
    assert moment == 1000 + 9000
    assert not is_over(beat, progress, now(), moment - 1)
    assert is_over(beat, progress, now(), moment)


def test_a_wait_for_a_quest_hears_of_its_own_quest_only() -> None:
    arc = an_arc(
        {
            "first": {"kind": "quest", "template": "t", "next": [to("hold")]},
            "hold": {
                "kind": "wait",
                "until": {"quest": "first"},
                "at_most": {"hours": 1},
                "next": [to("end", outcome=["failed"])],
            },
        }
    )
    hold = arc.beats["hold"]
    mine = StartedQuest(quest_id=QuestId("mine"))
    progress = ArcProgress(beat="hold", seq=2, entered=0, quests={"first": mine})
    other = quest_ended(progress, QuestId("other"), QuestState.FAILED, None)
    assert not is_over(hold, other, now(), 10)
    ended = quest_ended(progress, QuestId("mine"), QuestState.FAILED, "choice_2")
    assert is_over(hold, ended, now(), 10)
    assert way_on(hold, situated(now(), ended)) is not None
    assert quest_ended(ended, QuestId("mine"), QuestState.COMPLETED, None) == ended
    assert not is_late(hold, progress, HOUR - 1)
    assert is_late(hold, progress, HOUR)


def test_a_choice_is_made_once_and_only_where_it_is_on_offer() -> None:
    beat = an_arc({"first": PICK}).beats["first"]
    at = ArcProgress(beat="first", seq=1)
    made = chosen("first", beat, at, "go")
    assert made.choices == {"first": "go"}
    for progress, choice, code in (
        (made, "stay", RefusalCode.ALREADY_CHOSEN),
        (at, "fly", RefusalCode.UNKNOWN_CHOICE),
    ):
        with pytest.raises(Refusal) as refused:
            chosen("first", beat, progress, choice)
        assert refused.value.code is code
    elsewhere = an_arc({"first": tell(to("end"))}).beats["first"]
    with pytest.raises(Refusal) as refused:
        chosen("first", elsewhere, at, "go")
    assert refused.value.code is RefusalCode.WRONG_STATE


def test_an_arc_is_migrated_only_where_its_beat_still_is() -> None:
    old = an_arc({"first": PICK, "other": tell(to("end"))})
    same = an_arc({"first": {**PICK, "next": [to("other")]}, "other": tell(to("end"))})
    require_migratable(old, same, "first", Past())
    require_migratable(old, same, None, Past())
    for new in (
        an_arc({"begin": PICK}, start="begin"),
        an_arc({"first": tell(to("end"))}),
        an_arc({"first": PICK}, arc="another"),
        an_arc({"first": PICK}, scope="world"),
        an_arc({"first": PICK}, canon="another"),
    ):
        with pytest.raises(Refusal) as refused:
            require_migratable(old, new, "first", Past())
        assert refused.value.code is RefusalCode.CANNOT_MIGRATE


def test_an_arc_is_not_moved_to_wait_for_a_quest_that_it_never_started() -> None:
    wait = {"kind": "wait", "until": {"hours": 1}, "next": [to("end")]}
    quest = {"kind": "quest", "template": "t", "next": [to("first")]}
    old = an_arc({"first": wait, "errand": quest}, start="errand")
    new = an_arc({"first": {**wait, "until": {"quest": "errand"}}, "errand": quest}, start="errand")
    require_migratable(old, new, "first", Past(quests=frozenset({"errand"})))
    with pytest.raises(Refusal):
        require_migratable(old, new, "first", Past())


@pytest.mark.parametrize(
    "beats",
    [
        {"first": tell(to("nowhere"))},
        {"first": {"kind": "wait", "until": {"quest": "end"}, "next": [to("end")]}},
        {"first": {"kind": "wait", "until": {}, "next": [to("end")]}},
        {"first": {"kind": "wait", "until": {"hours": 1, "quest": "x"}, "next": [to("end")]}},
        {"first": {"kind": "quest", "next": [to("end")]}},
        {"first": {"kind": "change", "next": [to("end")]}},
        {"other": tell(to("end"))},
    ],
)
def test_what_would_leave_an_arc_nowhere_is_no_arc(beats: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        an_arc(beats)


def test_a_shared_arc_has_nothing_that_is_one_players() -> None:
    with pytest.raises(ValidationError, match="one player's"):
        an_arc({"first": {"kind": "quest", "template": "t", "next": [to("end")]}}, scope="world")


def test_the_hash_belongs_to_what_the_arc_says() -> None:
    arc = an_arc({"first": tell(to("end"))})
    assert arc.digest == an_arc({"first": tell(to("end"))}).digest
    assert arc.digest != an_arc({"first": tell(to("end"))}, title="Another").digest
