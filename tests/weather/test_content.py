"""`loreloom climates check`: what is wrong in a file is said before a world is started by it."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loreloom.workers.cli import app
from loreloom.workers.settings import PROJECT


@pytest.fixture
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what the check reads, for a test to break."""
    shutil.copytree(PROJECT / "content" / "climates", tmp_path / "climates")
    for name in ("calendar.yaml", "world.yaml"):
        shutil.copy(PROJECT / "content" / name, tmp_path / name)
    monkeypatch.setenv("CONTENT_FOLDER", str(tmp_path))
    return tmp_path


def test_the_content_as_it_is_passes(content: Path) -> None:
    checked = CliRunner().invoke(app, ["climates", "check", "--json"])
    assert checked.exit_code == 0
    assert "estuary" in json.loads(checked.output)["climates"]


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("calendar.yaml", "month: February, day: 23", "month: February, day: 33", "calendar.yaml"),
        ("climates/estuary.yaml", "hours_between:", "hours:", "estuary.yaml"),
        ("world.yaml", "climate: estuary", "climate: moon", "no such"),
    ],
)
def test_what_cannot_be_used_is_named(
    content: Path, file: str, before: str, after: str, said: str
) -> None:
    text = (content / file).read_text()
    assert before in text
    (content / file).write_text(text.replace(before, after))
    checked = CliRunner().invoke(app, ["climates", "check"])
    assert checked.exit_code == 1
    assert said in checked.output
