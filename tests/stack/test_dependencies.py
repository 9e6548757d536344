"""What is imported is declared; what is declared is pinned, and the documentation says why."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

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


PROJECT_TABLE = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
OURS = {"loreloom", "tests", "benchmarks"}
ELSEWHERE = {PROJECT / "loreloom" / "workers" / "embedded" / "model_folder.py"}
"""Runs in the model server's environment, by `deploy/vllm-requirements.txt`."""


def names(requirements: Iterable[str]) -> list[str]:
    return [re.split(r"[\[<>=!~ ;]", requirement)[0] for requirement in requirements]


RUN_WITH = names(PROJECT_TABLE["dependencies"])
DEVELOPED_WITH = names(PROJECT_TABLE["optional-dependencies"]["dev"])


def imported(file: Path) -> Iterator[str]:
    """The packages of others that a file imports, by their first name."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            modules.append(node.module)
        for module in modules:
            package = module.partition(".")[0]
            if package not in sys.stdlib_module_names and package not in OURS:
                yield package


@pytest.mark.parametrize("name", [*RUN_WITH, *DEVELOPED_WITH])
def test_a_dependency_is_pinned_and_explained(name: str) -> None:
    assert normal(name) in PINNED, "run deploy/freeze.sh"
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize(
    ("folder", "allowed"),
    [
        ("loreloom", RUN_WITH),
        ("benchmarks", [*RUN_WITH, *DEVELOPED_WITH]),
        ("tests", [*RUN_WITH, *DEVELOPED_WITH]),
    ],
)
def test_what_is_imported_is_declared(folder: str, allowed: list[str]) -> None:
    declared = set(map(normal, allowed))
    distributions = packages_distributions()
    undeclared = {
        package
        for file in (PROJECT / folder).rglob("*.py")
        if file not in ELSEWHERE
        for package in imported(file)
        if declared.isdisjoint(map(normal, distributions[package]))
    }
    assert undeclared == set()
