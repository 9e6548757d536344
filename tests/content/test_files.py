"""Content that cannot be used: each command and process says which file, where in it, and why."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loreloom.workers.cli import app
from loreloom.workers.settings import PROJECT

BROKEN = {
    "calendar.yaml": ("month: February, day: 23", "month: February, day: 33", "February"),
    "world.yaml": ("{name: Staithe Side, side", "{named: Staithe Side, side", "regions.1.name"),
    "climates/estuary.yaml": ("hours_between:", "hours:", "hours: Extra inputs"),
    "factions/house-ollamby.yaml": ("wealth:", "wealth: 900 #", "House Ollamby: wealth"),
    "goods.yaml": ("price:", "price: none #", "price"),
    "characters.yaml": ("home:", "house:", "home"),
    "facts.yaml": ("crake_buys_noon:", "crake_buys_noon: 3 #", "facts.crake_buys_noon"),
    "store.yaml": ("price", "prize", "price"),
    "quests/daily-broom-work.yaml": ("title", "titel", "title"),
}
"""By the file: what is written in it, what it is turned to, and what the message names."""
MISTYPED = {
    "goods.yaml": [
        ("goods:", "godos:", "'godos'"),
        ("winter:", "wintr:", "bread: by_season: 'wintr'"),
    ],
    "characters.yaml": [
        ("characters:", "charcters:", "'charcters'"),
        ("{day: Rope Garden}", "{dwan: Rope Garden}", "Clemency Crake: routine: 'dwan'"),
    ],
    "facts.yaml": [("facts:", "fatcs:", "'fatcs'")],
}
"""By the file: names that nothing knows, each of which would count as if nothing were said."""
CHECK = ["arcs", "check"]
LOADED = {
    "calendar.yaml": (CHECK, ["api"], ["worker"]),
    "world.yaml": (CHECK, ["api"], ["worker"]),
    "climates/estuary.yaml": (CHECK, ["api"]),
    "factions/house-ollamby.yaml": (CHECK, ["api"], ["worker"]),
    "goods.yaml": (CHECK, ["api"], ["worker"]),
    "characters.yaml": (CHECK, ["api"], ["worker"]),
    "facts.yaml": (CHECK, ["api"], ["worker"]),
    "store.yaml": (CHECK, ["api"]),
    "quests/daily-broom-work.yaml": (CHECK, ["worker"]),
}
"""Which commands need the file; the API goes on without templates, and says so at its health."""


@pytest.fixture
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the content, for a test to break."""
    copy = tmp_path / "content"
    shutil.copytree(PROJECT / "content", copy)
    monkeypatch.setenv("CONTENT_FOLDER", str(copy))
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test")
    return copy


@pytest.mark.parametrize("file", BROKEN)
def test_a_broken_file_is_told_with_its_place_and_the_reason(content: Path, file: str) -> None:
    before, after, place = BROKEN[file]
    text = (content / file).read_text()
    assert before in text
    (content / file).write_text(text.replace(before, after))
    for command in LOADED[file]:
        told = CliRunner().invoke(app, command)
        assert told.exit_code == 1, (command, told.output)
        (line,) = told.output.splitlines()
        assert str(content / file) in line
        assert place in line.replace(str(content / file), "")


@pytest.mark.parametrize(
    ("file", "before", "after", "place"),
    [(file, *typo) for file, typos in MISTYPED.items() for typo in typos],
)
def test_a_name_that_nothing_knows_is_told(
    content: Path, file: str, before: str, after: str, place: str
) -> None:
    text = (content / file).read_text()
    assert before in text
    (content / file).write_text(text.replace(before, after, 1))
    told = CliRunner().invoke(app, CHECK)
    assert told.exit_code == 1
    assert str(content / file) in told.output
    assert place in told.output


@pytest.mark.parametrize("file", BROKEN)
def test_a_file_that_is_no_yaml_is_told_with_the_line(content: Path, file: str) -> None:
    (content / file).write_text("name: one\nother: [\n")
    told = CliRunner().invoke(app, LOADED[file][0])
    assert told.exit_code == 1
    assert f"{content / file}:3: this is no YAML" in told.output


def test_a_document_whose_front_matter_is_no_yaml_is_told_with_the_line(content: Path) -> None:
    file = content / "lore" / "12-the-brokers-trade.md"
    file.write_text("---\ntitle: [\n---\n# One\n")
    told = CliRunner().invoke(app, CHECK)
    assert told.exit_code == 1
    assert f"{file}: line" in told.output
