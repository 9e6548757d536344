"""Beats that an arc could come to too early and never leave: all are found, and nothing else is."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loreloom.domain.arc import ArcDefinition, GoalBeat, QuestBeat, WaitBeat
from loreloom.domain.arc_check import FindingCode, Surrounding, check
from loreloom.domain.arc_needs import Past, too_early
from loreloom.domain.arc_wait import is_over, late_way
from loreloom.domain.arc_walk import (
    ArcProgress,
    chosen,
    past_of,
    quest_ended,
    quest_started,
    require_migratable,
    situated,
)
from loreloom.domain.conditions import failing
from loreloom.domain.ids import QuestId
from loreloom.domain.quest import QuestState
from loreloom.domain.refusals import Refusal, RefusalCode
from tests.arcs.builders import an_arc, now, tell, to

HOLD = {"kind": "wait", "until": {"hours": 1}}
PICK: dict[str, Any] = {
    "kind": "wait",
    "until": {"choice": [{"choice_id": "stay", "text": "Stay"}, {"choice_id": "go", "text": "Go"}]},
}
GOAL = {"kind": "goal", "name": "candles", "title": "Candles", "target": 3}
ENDED_QUEST = ["abandoned", "completed", "expired", "failed"]


def errand(*ways: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "quest", "template": "t", "next": list(ways)}


def hear(quest: str, *ways: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"kind": "wait", "until": {"quest": quest}, "next": list(ways), **rest}


def early(beats: dict[str, Any], first: str = "first", **past: Any) -> list[str]:
    return [found.beat for found in too_early(an_arc(beats), first, Past(**past))]


@pytest.mark.parametrize(
    ("beats", "found"),
    [
        ({"first": hear("q", to("q")), "q": errand(to("end"))}, ["first"]),
        ({"first": errand(to("hear")), "hear": hear("first", to("end"))}, []),
        (
            {
                "first": tell(to("q", part=["day"]), to("hear")),
                "q": errand(to("hear")),
                "hear": hear("q", to("end")),
            },
            ["hear"],
        ),
        (
            {
                "first": tell(to("q", part=["day"]), to("hear")),
                "q": errand(to("hear")),
                "hear": hear("q", to("end"), at_most={"hours": 3}),
            },
            [],
        ),
        (
            {
                "first": tell(to("last", choice=["go", "stay"])),
                "last": {**PICK, "next": [to("end")]},
            },
            ["first"],
        ),
        (
            {
                "first": tell(to("last", choice=["go", "stay"]), to("last")),
                "last": {**PICK, "next": [to("end")]},
            },
            [],
        ),
        (
            {
                "first": {**PICK, "at_most": {"hours": 3, "to": "late"}, "next": [to("late")]},
                "late": tell(to("end", choice=["go", "stay"])),
            },
            ["late"],
        ),
        (
            {
                "first": tell(to("goal"), to("won")),
                "goal": {**GOAL, "next": [to("won")]},
                "won": tell(to("end", goal={"name": "candles"})),
            },
            ["won"],
        ),
        (
            {
                "first": tell(to("pick", part=["day"]), to("last")),
                "pick": {**PICK, "next": [to("last")]},
                "last": tell(to("kept", choice=["go", "stay"]), to("end")),
                "kept": tell(to("end", choice=["go", "stay"])),
            },
            [],
        ),
        ({"first": {**GOAL, "next": [to("end", goal={"name": "candles"})]}}, []),
        ({"first": errand(to("end", outcome=ENDED_QUEST))}, []),
        (
            {
                "first": tell(to("q"), to("asks")),
                "q": errand(to("asks")),
                "asks": tell(to("end", outcome=ENDED_QUEST)),
            },
            ["asks"],
        ),
    ],
)
def test_a_beat_that_can_come_too_early_is_found(beats: dict[str, Any], found: list[str]) -> None:
    assert early(beats) == found
    findings = check(an_arc(beats), Surrounding())
    assert [f.where for f in findings if f.code is FindingCode.TOO_EARLY] == found


OLD = an_arc({"first": {**HOLD, "next": [to("end")]}})
AHEAD = {
    "q": errand(to("first")),
    "first": {**HOLD, "next": [to("hear")]},
    "hear": hear("q", to("end")),
}


def test_an_arc_is_not_moved_to_where_it_would_wait_for_what_it_has_passed_by() -> None:
    new = an_arc(AHEAD, start="q")
    with pytest.raises(Refusal, match=r"'hear'.*before the quest of 'q' was started") as refused:
        require_migratable(OLD, new, "first", Past())
    assert refused.value.code is RefusalCode.CANNOT_MIGRATE
    require_migratable(OLD, new, "first", Past(quests=frozenset({"q"})))
    require_migratable(OLD, new, None, Past())


def test_a_choice_that_was_made_is_not_offered_again() -> None:
    picked = {"first": {**PICK, "next": [to("end", choice=["come"])]}}
    picked["first"]["until"] = {"choice": [{"choice_id": "come", "text": "Come"}]}
    old, new = an_arc({"first": {**PICK, "next": [to("end")]}}), an_arc(picked)
    require_migratable(old, new, "first", Past())
    with pytest.raises(Refusal, match=r"'first'.*before 'come' was on offer"):
        require_migratable(old, new, "first", Past(choices=frozenset({"go"}), answered=True))


def conditions(names: list[str], kinds: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """What a way may ask for of all that the arc itself brings about; every answer will do."""
    asked: list[dict[str, Any]] = [{}]
    for name, kind in zip(names, kinds, strict=True):
        asked += [{"choice": [f"{name}-a", f"{name}-b"]}] if kind == "choice" else []
        asked += [{"goal": {"name": name}}] if kind == "goal" else []
        asked += [{"outcome": ENDED_QUEST}] if kind == "quest" else []
    return st.sampled_from(asked)


@st.composite
def some_arcs(draw: st.DrawFn, *, plain: bool = False) -> ArcDefinition:
    """Small arcs of every kind of beat. In ``plain`` ones all ways of a beat ask for the same, and
    time alone leads nowhere."""
    names = [f"b{n}" for n in range(draw(st.integers(2, 5)))]
    kinds = [draw(st.sampled_from(["tell", "quest", "choice", "goal", "hear"])) for _ in names]
    quests = [name for name, kind in zip(names, kinds, strict=True) if kind == "quest"]
    beats: dict[str, Any] = {}
    for name, kind in zip(names, kinds, strict=True):
        leads = draw(st.lists(st.sampled_from([*names, "end"]), min_size=1, max_size=2))
        asked = conditions(names, kinds)
        same = draw(asked)
        ways = [to(beat, **(same if plain else draw(asked))) for beat in leads]
        bound: dict[str, Any] = {}
        if not plain and draw(st.booleans()):
            bound["at_most"] = {"hours": 1, "to": draw(st.sampled_from([None, *names, "end"]))}
        offered = [{"choice_id": f"{name}-{c}", "text": c} for c in "ab"]
        beats[name] = {
            "tell": tell(*ways),
            "quest": errand(*ways),
            "choice": {"kind": "wait", "until": {"choice": offered}, "next": ways, **bound},
            "goal": {**GOAL, "name": name, "next": ways},
            "hear": hear(draw(st.sampled_from(quests)), *ways, **bound) if quests else tell(*ways),
        }[kind]
    return an_arc(beats, start="b0")


def walked(arc: ArcDefinition) -> tuple[set[str], list[ArcProgress]]:
    """Every walk through an arc, by the rules that the workflow goes by: where one is stuck, and
    all that an arc can have done where it stands."""
    stuck: set[str] = set()
    seen: dict[tuple[str | None, Past], ArcProgress] = {}
    entering = [ArcProgress(beat=arc.start)]
    while entering:
        entered = entering.pop()
        if (entered.beat, past_of(entered)) in seen:
            continue
        seen[entered.beat, past_of(entered)] = entered
        assert entered.beat is not None
        following = list(_left(arc, entered.beat, entered))
        if not following and entered.beat != "end":
            stuck.add(entered.beat)
        entering += following
    return stuck, list(seen.values())


def _left(arc: ArcDefinition, name: str, entered: ArcProgress) -> list[ArcProgress]:
    """The arc at each beat that this one can lead to, in time and too late."""
    beat, progress = arc.beats[name], entered
    if isinstance(beat, QuestBeat):
        progress = quest_started(progress, QuestId(name))
        progress = quest_ended(progress, QuestId(name), QuestState.COMPLETED, None)
    elif isinstance(beat, GoalBeat):
        progress = progress.but(goals={**progress.goals, name: True}, done=True)
    elif isinstance(beat, WaitBeat) and beat.until.choice is not None:
        progress = chosen(name, beat, progress, beat.until.choice[0].choice_id)
    left = []
    if is_over(beat, progress, now(), 0):
        left += _open_ways(arc, name, progress)
    if isinstance(beat, WaitBeat) and beat.at_most is not None:
        late = late_way(beat)
        left += _open_ways(arc, name, entered) if late is None else [_at(entered, late.to)]
    return left


def _open_ways(arc: ArcDefinition, name: str, progress: ArcProgress) -> list[ArcProgress]:
    ways = arc.beats[name].next
    return [_at(progress, w.to) for w in ways if not failing(w.when, situated(now(), progress))]


def _at(progress: ArcProgress, beat: str) -> ArcProgress:
    return progress.but(beat=beat, done=False)


@settings(max_examples=300, deadline=None)
@given(some_arcs())
def test_an_arc_in_which_nothing_comes_too_early_is_never_stuck(arc: ArcDefinition) -> None:
    stuck, _ = walked(arc)
    assert stuck <= {found.beat for found in too_early(arc, arc.start)}


@settings(max_examples=300, deadline=None)
@given(some_arcs(plain=True))
def test_where_something_comes_too_early_some_walk_is_stuck(arc: ArcDefinition) -> None:
    stuck, _ = walked(arc)
    assert bool(stuck) is bool(list(too_early(arc, arc.start)))


@settings(max_examples=300, deadline=None)
@given(some_arcs())
def test_an_arc_that_is_sound_may_be_moved_wherever_it_stands(arc: ArcDefinition) -> None:
    if list(too_early(arc, arc.start)):
        return
    for at in walked(arc)[1]:
        assert at.beat is not None
        assert not list(too_early(arc, at.beat, past_of(at)))
