"""Every dependency is pinned, and the documentation says what it is for."""

import re
import tomllib
from collections.abc import Iterator

import pytest

from loreloom.workers.settings import PROJECT

PAGE = (PROJECT / "docs" / "dependencies.md").read_text(encoding="utf-8")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


PINNED = {
    normal(line.partition("==")[0])
    for line in (PROJECT / "deploy" / "constraints.txt").read_text().splitlines()
    if "==" in line
}


def declared() -> Iterator[str]:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    for group in (project["dependencies"], *project["optional-dependencies"].values()):
        for requirement in group:
            yield re.split(r"[\[<>=!~ ;]", requirement)[0]


@pytest.mark.parametrize("name", list(declared()))
def test_a_dependency_is_pinned_and_explained(name: str) -> None:
    assert normal(name) in PINNED, "run deploy/freeze.sh"
    assert f"`{name}`" in PAGE
