"""The house rules that a machine can check, so that nobody has to argue for them in a review."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import loreloom

PACKAGE = Path(loreloom.__file__).parent
SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM"
    r"|(CREATE|ALTER|DROP)\s+(TABLE|INDEX|DATABASE|EXTENSION))\b",
    re.DOTALL,
)
# Their error types may be caught anywhere.
DATABASE_LIBRARY = re.compile(r"(sqlalchemy|psycopg|pgvector)(?!\.exc$|\.errors$)(\.|$)")
WALL_CLOCK = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now",
    "datetime.date.today", "time.time", "time.monotonic", "time.time_ns", "time.perf_counter",
}  # fmt: skip
SEEDED = {"random.Random"}

Rule = Callable[[ast.AST], str | None]
TEST_MODULE = re.compile(r"(^|\.)test_\w+$")


def dotted(node: ast.AST) -> str:
    """`a.b.c` as it is written; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        left = dotted(node.value)
        return f"{left}.{node.attr}" if left else ""
    return ""


def wall_clock(node: ast.AST) -> str | None:
    if isinstance(node, ast.Call) and dotted(node.func) in WALL_CLOCK:
        return f"reads the wall clock: {dotted(node.func)}"
    if isinstance(node, ast.ImportFrom) and node.module == "time":
        return "imports from time"
    return None


def global_random(node: ast.AST) -> str | None:
    if isinstance(node, ast.Attribute) and dotted(node).startswith(("random.", "secrets.")):
        return None if dotted(node) in SEEDED else f"uses global chance: {dotted(node)}"
    if isinstance(node, ast.ImportFrom) and node.module in ("random", "secrets"):
        wrong = [alias.name for alias in node.names if f"random.{alias.name}" not in SEEDED]
        return f"imports global chance: {wrong}" if wrong else None
    if isinstance(node, ast.Call) and dotted(node.func) in ("uuid4", "uuid.uuid4", "os.urandom"):
        return f"uses global chance: {dotted(node.func)}"
    return None


def commits(node: ast.AST) -> str | None:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in ("commit", "rollback"):
            return f"commits by itself: .{node.func.attr}()"
        if node.func.attr == "begin" and "engine" in dotted(node.func.value):
            return "opens a transaction by itself: engine.begin()"
    return None


def sql(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value):
        return "holds SQL"
    if isinstance(node, ast.ImportFrom | ast.Import):
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        modules += [alias.name for alias in node.names]
        if any(DATABASE_LIBRARY.match(module) for module in modules):
            return "imports a database library"
    return None


def foreign_activities(node: ast.AST) -> str | None:
    if isinstance(node, ast.ImportFrom) and node.module:
        modules = [node.module]
        if node.module == "loreloom.activities":
            modules = [f"loreloom.activities.{alias.name}" for alias in node.names]
    elif isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    else:
        return None
    for module in modules:
        if module.startswith("loreloom.activities") and not module.startswith(
            "loreloom.activities.signatures"
        ):
            return f"imports more of the activities than their signatures: {module}"
    return None


def files(*rooms: str) -> list[Path]:
    return [path for room in rooms for path in sorted((PACKAGE / room).rglob("*.py"))]


def breaches(rule: Rule, source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        told = rule(node)
        if told:
            yield f"line {getattr(node, 'lineno', '?')} {told}"


OUTSIDE_STATE = (
    "domain", "workflows", "activities", "content", "knowledge", "generation", "payments", "api",
    "workers",
)  # fmt: skip
WITHOUT_SQL = tuple(room for room in OUTSIDE_STATE if room != "knowledge")

RULES: dict[str, tuple[Rule, tuple[str, ...], str]] = {
    "no wall clock in domain and workflows": (
        wall_clock,
        ("domain", "workflows"),
        "datetime.now(UTC)",
    ),
    "no global chance in domain and workflows": (
        global_random,
        ("domain", "workflows"),
        "random.choice([1])",
    ),
    "no commit outside state": (commits, OUTSIDE_STATE, "connection.commit()"),
    "no SQL outside state and knowledge": (sql, WITHOUT_SQL, "q = 'SELECT a FROM b'"),
    "workflows and the API see signatures only": (
        foreign_activities,
        ("workflows", "api"),
        "from loreloom.activities.quest import design",
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_the_house_rule_holds(name: str) -> None:
    rule, rooms, _ = RULES[name]
    found = [
        f"{path.relative_to(PACKAGE.parent)}: {told}"
        for path in files(*rooms)
        for told in breaches(rule, path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize("name", RULES)
def test_the_house_rule_bites(name: str) -> None:
    rule, _, breach = RULES[name]
    assert list(breaches(rule, breach))


def test_seeded_chance_is_allowed_in_the_domain() -> None:
    assert list(breaches(global_random, "import random\nrandom.Random(7).random()")) == []


def test_tests_share_nothing_by_importing_one_another() -> None:
    """What two of them need has a module whose name says what it is."""
    tests = Path(__file__).parents[1]
    found = [
        f"{path.relative_to(tests)} imports {node.module}"
        for path in sorted(tests.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and TEST_MODULE.search(node.module or "")
    ]
    assert found == []
