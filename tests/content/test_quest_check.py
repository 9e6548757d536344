"""`loreloom quest check` says what is wrong in a template before any story is told by it."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from loreloom.content.template_surroundings import template_world
from loreloom.domain.template_check import TemplateWorld, check_plain_epilogues, check_template
from loreloom.domain.templates import PlainEpilogues, QuestTemplate
from loreloom.domain.weather import Weather
from loreloom.generation.lexicon import load_lexicon
from loreloom.workers.cli import app
from loreloom.workers.settings import Settings

GOOD = """\
template_id: daily-hello
kind: daily
slots:
  giver: {kind: person, otherwise: the baker, prefer: [Hetty Marchbank]}
  friend: {kind: person, otherwise: an old friend}
giver: giver
title: A word before the bell
summary: There is something that {giver} would like to have said to {friend}.
offer: Go to {friend} before it gets dark, and say that the door is open.
objectives:
  - kind: talk
    target: friend
    text: Say a word to {friend} for the sake of {giver}.
    condition: {hours: [6, 20]}
  - {kind: choose, target: friend, text: Decide what to say when you are asked.}
choices:
  - label: Say who sent you
    sets_fact: wenna_saw_dawn
    fact_slot: giver
  - label: Keep it to yourself
epilogues:
  completed: It was said at the door, in a low voice. Then {friend} went in and lit the lamp.
  failed: It was never said at all. The lamp at the door was left to burn all the same.
"""


@pytest.fixture(scope="module")
def world() -> TemplateWorld:
    return template_world(Settings().content_folder, ())


def found(text: str, world: TemplateWorld) -> set[tuple[str, str]]:
    template = QuestTemplate.model_validate(yaml.safe_load(text))
    problems = check_template(template, world, load_lexicon().rules)
    return {(problem.field, problem.code) for problem in problems}


def test_a_sound_template_has_no_findings(world: TemplateWorld) -> None:
    assert found(GOOD, world) == set()


@pytest.mark.parametrize(
    ("before", "after", "field", "code"),
    [
        ("Hetty Marchbank", "Zebedee Quorl", "slots.giver.prefer", "unknown_name"),
        ("Hetty Marchbank", "Staithe Side", "slots.giver.prefer", "wrong_kind"),
        ("{hours: [6, 20]}", "{hours: [8, 12], part: night}", "objectives.0.condition", "never"),
        ("{hours: [6, 20]}", "{part: teatime}", "objectives.0.condition", "never"),
        ("{hours: [6, 20]}", "{hours: [24, 30]}", "objectives.0.condition", "never"),
        ("{hours: [6, 20]}", "{fact: nobody_tells_it}", "objectives.0.condition", "never"),
        ("{hours: [6, 20]}", "{fact: a, without_fact: a}", "objectives.0.condition", "never"),
        ("wenna_saw_dawn", "nobody_tells_it", "choices.0.sets_fact", "no_secret"),
        ("Say who sent", "Tell Zebedee who sent", "choices.0.label", "unknown_name"),
        ("a low voice. Then", "a low voice; then", "epilogues.completed", "wrong_count"),
    ],
)
def test_what_is_wrong_is_found_at_its_field(
    world: TemplateWorld, before: str, after: str, field: str, code: str
) -> None:
    assert before in GOOD
    assert found(GOOD.replace(before, after), world) == {(field, code)}


def test_a_weather_that_no_region_has_never_comes(world: TemplateWorld) -> None:
    waits = GOOD.replace("{hours: [6, 20]}", "{weather: [storm]}")
    assert found(waits, world) == set()
    calm = world.model_copy(update={"weathers": frozenset({Weather.CLEAR})})
    assert found(waits, calm) == {("objectives.0.condition", "never")}


def test_plain_epilogues_are_held_against_the_rules_of_prose() -> None:
    rules = load_lexicon().rules
    good = "So it was done, and {giver} had the news before supper. The lamp was lit again."
    bad = "It was done for {giver} by"
    texts = PlainEpilogues(
        completed=(good, bad), failed=(good,), abandoned=(good,), expired=(good,)
    )
    assert {problem.field for problem in check_plain_epilogues(texts, rules)} == {"completed.1"}


def test_the_content_has_no_findings_and_a_folder_says_what_it_lacks(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["quest", "check"]).exit_code == 0

    after_another = GOOD.replace("{hours: [6, 20]}", "{fact: morrowick_held_the_boats}")
    (tmp_path / "daily-hello.yaml").write_text(after_another)
    (tmp_path / "daily-other.yaml").write_text(GOOD)
    (tmp_path / "daily-broken.yaml").write_text(GOOD.replace("kind: daily", "kind: weekly"))
    told = CliRunner().invoke(app, ["quest", "check", "--json", str(tmp_path)])
    assert told.exit_code == 1
    answer = json.loads(told.stdout)
    assert answer["files"] == 3
    assert {(Path(one["file"]).name, one["where"], one["code"]) for one in answer["findings"]} == {
        ("daily-other.yaml", "template_id", "misnamed"),
        ("daily-broken.yaml", "line 2: kind", "invalid"),
        (tmp_path.name, "epilogues.yaml", "missing"),
        *((tmp_path.name, kind, "unserved") for kind in ("main", "side", "event")),
    }
