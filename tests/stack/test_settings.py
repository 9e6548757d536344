"""What an operator sets reaches the processes, and the documentation says what there is."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from loreloom.generation.tiers import Bounds
from loreloom.workers.cli import app
from loreloom.workers.settings import PROJECT, Settings
from loreloom.workers.settings_table import PAGES, renewed
from loreloom.workers.tiers import tiers_of
from loreloom.workflows.roles import Role


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_documented_table_is_the_settings(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    assert page == renewed(page), "run: python -m loreloom.workers.settings_table"


def test_the_documented_bounds_of_a_call_are_the_settings() -> None:
    page = (PROJECT / "docs" / "generation.md").read_text(encoding="utf-8")
    table = page.partition("| bound | default | of what |")[2].partition("\n\n")[0]
    tiers = tiers_of(Settings(gold_urls=("http://g/v1",), silver_urls=("http://s/v1",)))
    kept = [*tiers, Bounds()]
    documented = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", table, re.MULTILINE)
    assert documented
    for name, default in documented:
        values = {float(getattr(one, name)) for one in kept if hasattr(one, name)}
        assert {float(figure) for figure in re.findall(r"[\d.]+", default)} == values, name


def test_a_process_reads_the_settings_that_another_hands_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = Settings(
        loreloom_home=tmp_path,
        database_url="postgresql://someone:secret@db:5432/loreloom",
        gold_urls="http://a/v1, http://b/v1",
        gold_api_key="hidden",
        worker_roles="gold,silver",
    )
    for name, value in given.environment().items():
        monkeypatch.setenv(name, value)

    received = Settings()

    assert received == given
    assert received.gold_urls == ("http://a/v1", "http://b/v1")
    assert received.worker_roles == (Role.GOLD, Role.SILVER)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database_url", "mysql://somewhere"),
        ("worker_roles", "gold,bronze"),
        ("loreloom_port", "0"),
        ("gold_total_seconds", "-1"),
        ("task_queue_prefix", "Two Words"),
    ],
)
def test_a_senseless_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate({name: value})
    assert [error["loc"][0] for error in refused.value.errors()] == [name]


def test_a_secret_is_not_printed() -> None:
    assert "hidden" not in repr(Settings(gold_api_key="hidden"))


def test_buyers_are_not_sent_nowhere_by_a_live_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "sk_live_hidden")
    refused = CliRunner().invoke(app, ["worker"])
    assert refused.exit_code == 2
    assert "PAYMENT_RETURN_URL: STRIPE_API_KEY is a live key" in refused.output
    assert "hidden" not in refused.output

    monkeypatch.setenv("PAYMENT_RETURN_URL", "https://play.example.org/shop")
    assert Settings().takes_payments


def test_a_wrong_setting_ends_a_command_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://someone:hidden@db/loreloom")
    refused = CliRunner().invoke(app, ["arcs", "check"])
    assert refused.exit_code == 2
    assert refused.output == "DATABASE_URL: a Postgres address begins with postgresql://\n"


def test_a_setting_that_is_refused_is_not_quoted() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate({"database_url": "mysql://someone:hidden@db/loreloom"})
    assert "hidden" not in str(refused.value)
