"""Each fault that the check finds: red on an arc that has it, silent on the same arc without."""

from typing import Any

import pytest

from loreloom.domain.arc_check import FindingCode, Surrounding, WeatherMade, check
from loreloom.domain.weather import Weather as W
from tests.arcs.builders import END, an_arc, tell, to

AROUND = Surrounding(
    seasons=frozenset({"spring", "winter"}),
    parts=frozenset({"day", "night"}),
    regions=frozenset({"Quay"}),
    factions=frozenset({"Guild", "Watch"}),
    seats={"Quay": "Guild"},
    names=frozenset({"Guild", "Maud Tolliver"}),
    openers=frozenset({"something"}),
    templates={"side-a": 2},
    facts=frozenset({"the_lease_ended"}),
    weathers={"Quay": {"spring": frozenset({W.CLEAR, W.MIST}), "winter": frozenset({W.SNOW})}},
    made=frozenset({WeatherMade("Quay", W.STORM)}),
)
PICK: dict[str, Any] = {
    "kind": "wait",
    "until": {"choice": [{"choice_id": "go", "text": "go"}, {"choice_id": "stay", "text": "stay"}]},
    "next": [to("end")],
}
ON: dict[str, Any] = {"next": [to("end")]}
C = FindingCode


def found(beats: dict[str, Any], **rest: Any) -> set[tuple[FindingCode, str]]:
    return {(f.code, f.where) for f in check(an_arc(beats, **rest), AROUND)}


def test_a_sound_arc_has_no_findings() -> None:
    beats = {
        "first": {**PICK, "next": [to("errand", choice=["go"]), to("end", choice=["stay"])]},
        "errand": {"kind": "quest", "template": "side-a", "next": [to("hold")]},
        "hold": {
            "kind": "wait",
            "until": {"quest": "errand"},
            "next": [to("learn", outcome=["completed"]), to("end")],
        },
        "learn": {
            "kind": "change",
            "fact": "knows",
            "factions": {"Guild": {"takes": ["Quay"]}, "Watch": {"leaves": ["Quay"]}},
            "next": [to("last", season=["winter"])],
        },
        "last": tell(to("end", facts={"all": ["knows"], "none": ["the_lease_ended"]})),
    }
    assert found(beats) == set()


@pytest.mark.parametrize(
    ("beats", "code", "where"),
    [
        ({"first": tell(to("end")), "lost": tell(to("end"))}, C.UNREACHABLE, "lost"),
        ({"first": tell(to("second"), to("end")), "second": tell()}, C.DEAD_END, "second"),
        (
            {"first": tell(to("a"), to("end")), "a": tell(to("b")), "b": tell(to("a"))},
            C.NO_END,
            "b",
        ),
        ({"first": {**PICK, "next": [to("end", choice=["go"])]}}, C.UNANSWERED, "first"),
        (
            {"first": tell(to("end", facts={"all": ["a_secret"]}))},
            C.NEVER,
            "first -> end",
        ),
        (
            {"first": tell(to("end", facts={"any": ["a_secret", "b_secret"]}))},
            C.NEVER,
            "first -> end",
        ),
        (
            {
                "first": tell(
                    to("end", facts={"all": ["the_lease_ended"], "none": ["the_lease_ended"]})
                )
            },
            C.NEVER,
            "first -> end",
        ),
        (
            {
                "first": tell(
                    to("end", facts={"any": ["the_lease_ended"], "none": ["the_lease_ended"]})
                )
            },
            C.NEVER,
            "first -> end",
        ),
        ({"first": tell(to("end", season=["monsoon"]))}, C.UNKNOWN_NAME, "first -> end"),
        ({"first": tell(to("end", part=["tea time"]))}, C.UNKNOWN_NAME, "first -> end"),
        (
            {"first": tell(to("end", weather={"region": "Moor", "state": ["fog"]}))},
            C.UNKNOWN_NAME,
            "first -> end",
        ),
        ({"first": tell(to("end", standing={"Rabble": 1}))}, C.UNKNOWN_NAME, "first -> end"),
        ({"first": tell(to("end", choice=["fly"]))}, C.NEVER, "first -> end"),
        ({"first": tell(to("end", goal={"name": "bread"}))}, C.NEVER, "first -> end"),
        ({"first": tell(to("end", outcome=["completed"]))}, C.NEVER, "first -> end"),
        (
            {
                "first": {"kind": "quest", "template": "side-a", "next": [to("hold")]},
                "hold": {
                    "kind": "wait",
                    "until": {"quest": "first"},
                    "next": [to("end", outcome=["offered"])],
                },
            },
            C.NEVER,
            "hold -> end",
        ),
        (
            {
                "first": {
                    "kind": "wait",
                    "until": {"when": {"season": ["monsoon"]}},
                    "next": [to("end")],
                }
            },
            C.UNKNOWN_NAME,
            "first",
        ),
        (
            {"first": {"kind": "quest", "template": "gone", "next": [to("end")]}},
            C.MISSING_TEMPLATE,
            "first",
        ),
        (
            {
                "first": {
                    "kind": "quest",
                    "brief": {"theme": "a debt", "giver": "Nobody Atall"},
                    "next": [to("end")],
                }
            },
            C.UNKNOWN_NAME,
            "first",
        ),
        (
            {
                "first": {
                    "kind": "change",
                    "weather": {"region": "Moor", "state": "fog", "hours": 2},
                    "next": [to("end")],
                }
            },
            C.UNKNOWN_NAME,
            "first",
        ),
        (
            {"first": {"kind": "change", "standing": {"Rabble": 1}, "next": [to("end")]}},
            C.UNKNOWN_NAME,
            "first",
        ),
        (
            {"first": {"kind": "change", "factions": {"Watch": {"takes": ["Quay"]}}, **ON}},
            C.SEAT,
            "first",
        ),
        (
            {"first": {"kind": "change", "factions": {"Guild": {"leaves": ["Quay"]}}, **ON}},
            C.SEAT,
            "first",
        ),
        (
            {"first": {"kind": "tell", "text": "Something of Ezra Flint.", "next": [to("end")]}},
            C.UNKNOWN_NAME,
            "first",
        ),
        ({"first": tell(to("end")), "end": {**END, "text": "It was Ezra."}}, C.UNKNOWN_NAME, "end"),
    ],
)
def test_each_fault_is_found(beats: dict[str, Any], code: FindingCode, where: str) -> None:
    assert (code, where) in found(beats)


def after_quest(*ways: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """An arc's beats that wait for a quest and lead on by these ways."""
    hold = {"kind": "wait", "until": {"quest": "first"}, "next": list(ways), **rest}
    return {"first": {"kind": "quest", "template": "side-a", "next": [to("hold")]}, "hold": hold}


def at_goal(*ways: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """An arc's beats that open a goal and lead on by these ways."""
    goal = {"kind": "goal", "name": "candles", "title": "Candles", "target": 3}
    return {"first": {**goal, "next": list(ways), **rest}}


WON, MISSED = {"name": "candles"}, {"name": "candles", "reached": False}
BOUND = {"hours": 9}


@pytest.mark.parametrize(
    ("beats", "after"),
    [
        (
            after_quest(to("end", outcome=["completed"])),
            ["a quest that is abandoned", "a quest that is expired", "a quest that is failed"],
        ),
        (
            after_quest(
                to("end", outcome=["completed", "failed"]),
                to("end", outcome=["abandoned"]),
                at_most={**BOUND, "to": "end"},
            ),
            ["a quest that is expired"],
        ),
        (
            {
                "first": {
                    "kind": "quest",
                    "template": "side-a",
                    "next": [to("end", outcome=["completed", "failed", "expired"])],
                }
            },
            ["a quest that is abandoned"],
        ),
        (at_goal(to("end", goal=WON), at_most=BOUND), ["a goal that is missed"]),
        (at_goal(to("end", goal=MISSED), at_most=BOUND), ["a goal that is reached"]),
        (at_goal(to("end", goal=WON)), []),
        (at_goal(to("end", goal=WON), at_most={**BOUND, "to": "end"}), []),
        (at_goal(to("end", goal=WON), to("end", goal=MISSED), at_most=BOUND), []),
        (after_quest(to("end", outcome=["completed"]), to("end", season=["winter"])), []),
    ],
)
def test_what_may_come_of_a_beat_has_a_way_on(beats: dict[str, Any], after: list[str]) -> None:
    findings = check(an_arc(beats), AROUND)
    assert [f.message for f in findings] == [f"no way is open after {what}" for what in after]
    assert {f.code for f in findings} <= {C.UNANSWERED}


def with_quest(made_from: dict[str, Any], *chosen: str) -> dict[str, Any]:
    """An arc's beats that ask which choice was taken in a quest."""
    quest = {"kind": "quest", **made_from, "next": [to("hold")]}
    ways = [to("end", quest_choice=chosen), to("end")]
    return {
        "first": quest,
        "hold": {"kind": "wait", "until": {"quest": "first"}, "next": ways},
    }


TEMPLATE, BRIEF = {"template": "side-a"}, {"brief": {"theme": "a debt"}}


@pytest.mark.parametrize(
    ("beats", "strange"),
    [
        (with_quest(TEMPLATE, "choice_1", "choice_2"), []),
        (with_quest(TEMPLATE, "choice_1", "betray"), ["betray"]),
        (with_quest(TEMPLATE, "choice_3"), ["choice_3"]),
        (with_quest(BRIEF, "choice_3"), []),
        (
            with_quest(BRIEF, "choice_0", "choice_5", "nonsense"),
            ["choice_0", "choice_5", "nonsense"],
        ),
    ],
)
def test_a_choice_that_no_quest_offers_is_found(beats: dict[str, Any], strange: list[str]) -> None:
    findings = check(an_arc(beats), AROUND)
    assert [f.message for f in findings] == [
        f"no quest of the arc offers the choice {choice!r}" for choice in strange
    ]


def over_quay(*state: W, **when: Any) -> dict[str, Any]:
    """An arc's beats that wait for a weather over the Quay."""
    until = {"when": {"weather": {"region": "Quay", "state": state}, **when}}
    return {"first": {"kind": "wait", "until": until, **ON}}


@pytest.mark.parametrize(
    "beats",
    [
        over_quay(W.BLIZZARD, W.HEAVY_SNOW),
        over_quay(W.SNOW, season=["spring"]),
        over_quay(W.MIST, season=["winter"]),
    ],
)
def test_a_weather_that_never_comes_is_found(beats: dict[str, Any]) -> None:
    assert found(beats) == {(C.NEVER, "first")}


@pytest.mark.parametrize(
    "beats",
    [
        over_quay(W.BLIZZARD, W.SNOW),
        over_quay(W.MIST, season=["winter", "spring"]),
        over_quay(W.STORM, season=["winter"]),
        {
            "first": {
                "kind": "change",
                "weather": {"region": "Quay", "state": "blizzard", "hours": 2},
                "next": [to("hold")],
            },
            "hold": over_quay(W.BLIZZARD)["first"],
        },
    ],
)
def test_a_weather_that_the_sky_or_an_arc_brings_is_not(beats: dict[str, Any]) -> None:
    assert found(beats) == set()


def test_what_is_not_known_of_the_world_is_not_held_against_an_arc() -> None:
    arc = an_arc({"first": tell(to("end", season=["monsoon"], standing={"Rabble": 1}))})
    assert check(arc, Surrounding()) == ()
