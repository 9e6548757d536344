"""Templates that are edited while an engine runs."""

import logging
from pathlib import Path

import pytest

from loreloom.generation.shelf import TemplateShelf
from loreloom.generation.templates import TemplateFileError
from tests.generation.templates import GOOD, folder_with


def test_an_edit_counts_from_the_next_use(tmp_path: Path) -> None:
    shelf = TemplateShelf(folder_with(tmp_path, hello=GOOD))
    before = shelf.now()
    assert shelf.now() is before, "what did not change is not read again"
    folder = folder_with(tmp_path, hello=GOOD.replace("title: ", "title: Now "))
    assert shelf.now().templates[0].title.startswith("Now ")
    (folder / "hello.yaml").rename(folder / "renamed.yaml")
    folder_with(tmp_path, again=GOOD.replace("daily-hello", "daily-again"))
    assert [each.template_id for each in shelf.now().templates] == ["daily-again", "daily-hello"]


def test_an_edit_that_cannot_be_used_leaves_all_as_they_were_and_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = TemplateShelf(folder_with(tmp_path, hello=GOOD))
    before = shelf.now()
    assert shelf.problem() is None
    folder = folder_with(tmp_path, hello=GOOD.replace("kind: daily", "kind: weekly"))
    with caplog.at_level(logging.WARNING):
        assert shelf.now() is before
        assert shelf.now() is before
    (said,) = caplog.messages
    assert f"{folder / 'hello.yaml'}:2: kind: " in said
    assert said.endswith(str(shelf.problem()))

    folder_with(tmp_path, hello=GOOD.replace("kind: daily", "kind: side"))
    assert shelf.problem() is None
    assert shelf.now().templates[0].kind == "side"


def test_a_folder_that_never_could_be_used_is_refused_until_it_can(tmp_path: Path) -> None:
    shelf = TemplateShelf(tmp_path)
    for _ in range(2):
        with pytest.raises(TemplateFileError):
            shelf.now()
    folder_with(tmp_path, hello=GOOD)
    assert len(shelf.now().templates) == 1
