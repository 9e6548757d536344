"""What the README tells people to type is typed, and does what it says."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from loreloom.workers import cli_page
from loreloom.workers.embedded.stack import Stack
from loreloom.workers.settings import PROJECT

README = PROJECT / "README.md"


def commands_with(text: str) -> str:
    """The README's block of commands that holds a text."""
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL)
    (block,) = (block for block in blocks if text in block)
    return str(block)


def test_the_quest_by_curl_is_asked_for_accepted_and_played(engine: Stack) -> None:
    assert engine.keys is not None
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands_with("/progress")],
        env={**os.environ, "API": engine.settings.api_url, "KEY": engine.keys.ops},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    for told in ('"state":"offered"', '"state":"active"', "quest.progressed", '"steps"'):
        assert told in done.stdout


def test_every_target_that_the_readme_names_is_in_the_makefile() -> None:
    named = set(re.findall(r"make ([a-z]+)", README.read_text()))
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "up"} <= named <= targets


PAGES = [*PROJECT.glob("*.md"), PROJECT / "content/README.md", *(PROJECT / "docs").rglob("*.md")]


def anchors(page: Path) -> set[str]:
    """What a link may name within a page: each heading, as GitHub spells it."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text()):
        there = page.parent / target if target else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), f"{target}#{anchor}"


def test_every_test_that_the_readme_points_to_exists() -> None:
    for name in re.findall(r"`((?:tests|benchmarks)/[^`]+)`", README.read_text()):
        assert Path(PROJECT / name).exists(), name


def test_the_page_of_the_command_line_says_what_its_help_says() -> None:
    assert cli_page.PAGE.read_text() == cli_page.page()


def test_every_command_and_every_option_says_what_it_is_for() -> None:
    page = cli_page.PAGE.read_text()
    assert re.findall(r"^- `--[^`]+` *(?:None)?$", page, re.MULTILINE) == []
    assert re.findall(r"^## .+\n\n\n", page, re.MULTILINE) == []
    assert "`loreloom ops replay [WORKFLOW_ID]`" in page
