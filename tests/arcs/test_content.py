"""The example world's arcs, and what `loreloom arcs check` finds in others."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loreloom.content.arc_files import arc_files, read_arc
from loreloom.content.arc_surroundings import check_arcs, surrounding
from loreloom.domain.arc import ArcScope
from loreloom.domain.living.aftermath import fact_id
from loreloom.workers.cli import app
from loreloom.workers.settings import Settings


def test_the_example_arcs_have_no_findings() -> None:
    settings = Settings()
    files = arc_files(settings.arcs)
    assert len(files) >= 3
    assert {read_arc(file).scope for file in files} == set(ArcScope)
    assert check_arcs(files, settings.content_folder) == dict.fromkeys(files, ())
    assert all(read_arc(file).arc == file.stem for file in files)


def test_the_command_finds_what_is_wrong_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        "arc: bad\ntitle: Bad\nscope: world\nstart: a\nbeats:\n"
        "  a: {kind: tell, text: Something., next: [{to: b, when: {season: [monsoon]}}]}\n"
        "  b: {kind: end, outcome: over}\n"
        "  c: {kind: end, outcome: lost}\n"
    )
    found = CliRunner().invoke(app, ["arcs", "check", "--json", str(file)])
    assert found.exit_code == 1
    codes = {(one["code"], one["where"]) for one in json.loads(found.stdout)["findings"]}
    assert codes == {("unknown_name", "a -> b"), ("unreachable", "c")}
    file.write_text("arc: bad\n")
    refused = CliRunner().invoke(app, ["arcs", "check", str(file)])
    assert refused.exit_code == 1
    assert "title" in refused.stderr
    assert CliRunner().invoke(app, ["arcs", "check"]).exit_code == 0


def waiting_for(folder: Path, when: str) -> set[tuple[str, str]]:
    """What `loreloom arcs check` says of an arc that waits for this in the example world."""
    file = folder / "waits.yaml"
    file.write_text(
        "arc: waits\ntitle: Waits\nscope: world\nstart: a\nbeats:\n"
        f"  a: {{kind: wait, until: {{when: {when}}}, next: [{{to: b}}]}}\n"
        "  b: {kind: end, outcome: over}\n"
    )
    found = CliRunner().invoke(app, ["arcs", "check", "--json", str(file)])
    return {(one["code"], one["message"]) for one in json.loads(found.stdout)["findings"]}


@pytest.mark.parametrize(
    "fact",
    [
        "holds.house_ollamby.tenpenny_steps",
        "allied.house_ollamby.house_quillaine",
        "feud.house_ollamby.house_quillaine",
        "trouble.kilnwarren",
    ],
)
def test_what_the_worlds_own_life_makes_so_may_be_waited_for(tmp_path: Path, fact: str) -> None:
    assert waiting_for(tmp_path, f"{{facts: {{all: [{fact}]}}}}") == set()


def test_what_a_purchase_makes_so_may_be_waited_for(tmp_path: Path) -> None:
    assert waiting_for(tmp_path, "{facts: {all: [owns_chapter_the_second_copy]}}") == set()


@pytest.mark.parametrize(
    "fact",
    [
        "holds.house_ollamby.the_moon",
        "allied.house_quillaine.house_ollamby",
        "trouble.the_moon",
    ],
)
def test_what_no_life_makes_so_may_not(tmp_path: Path, fact: str) -> None:
    never = ("never", f"nobody makes the fact {fact} known")
    assert waiting_for(tmp_path, f"{{facts: {{all: [{fact}]}}}}") == {never}


def test_a_seat_is_held_by_its_own_faction_and_by_no_other(tmp_path: Path) -> None:
    seats = surrounding(Settings().content_folder).seats
    region, owner = next(iter(seats.items()))
    other = next(name for name in seats.values() if name != owner)
    its, others = (fact_id("holds", name, region) for name in (owner, other))
    assert waiting_for(tmp_path, f"{{facts: {{any: [{its}]}}}}") == set()
    assert waiting_for(tmp_path, f"{{facts: {{any: [{others}]}}}}")


def test_a_weather_is_waited_for_where_the_climate_has_it(tmp_path: Path) -> None:
    never = ("never", "in Kilnwarren it is never blizzard")
    assert waiting_for(tmp_path, "{weather: {region: Kilnwarren, state: [blizzard]}}") == {never}
    assert waiting_for(tmp_path, "{weather: {region: Kilnwarren, state: [fog]}}") == set()
    # The kilns' heat ends with the autumn, and may last into the winter's first hours.
    hot = "weather: {region: Kilnwarren, state: [extreme_heat]}"
    assert waiting_for(tmp_path, f"{{season: [winter], {hot}}}") == set()
