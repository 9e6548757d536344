"""The real deployment cannot be started here, so it is held against what it relies on."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
import yaml
from click import Command
from click.core import Context

from loreloom.workers.cli import app
from loreloom.workers.settings import PROJECT, Settings
from loreloom.workflows.roles import Role

COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ENGINE = {name: service for name, service in SERVICES.items() if service.get("image") == "loreloom"}


def names_set() -> Iterator[tuple[str, str]]:
    for name, service in ENGINE.items():
        for variable in service["environment"]:
            yield name, variable
    for line in (PROJECT / "deploy" / "Dockerfile").read_text().splitlines():
        if line.startswith("ENV "):
            for pair in line.removeprefix("ENV ").split():
                if not pair.startswith(("PATH=", "PYTHON")):
                    yield "Dockerfile", pair.partition("=")[0]


@pytest.mark.parametrize(("where", "variable"), sorted(set(names_set())))
def test_every_variable_that_is_set_is_a_setting(where: str, variable: str) -> None:
    assert variable.lower() in Settings.model_fields, where


@pytest.mark.parametrize("name", sorted(ENGINE))
def test_every_command_exists_and_takes_its_arguments(name: str) -> None:
    command, *arguments = ENGINE[name]["command"]
    commands: dict[str, Command] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    commands[command].make_context(command, list(arguments), parent=Context(commands[command]))


def test_one_worker_service_serves_each_role() -> None:
    served = [
        service["command"][service["command"].index("--roles") + 1]
        for service in ENGINE.values()
        if service["command"][0] == "worker"
    ]
    assert sorted(served) == sorted(Role)


def test_the_settings_name_services_that_exist() -> None:
    aliases = {
        alias
        for service in SERVICES.values()
        for network in service.get("networks", {}).values()
        for alias in network.get("aliases", [])
    }
    environment = ENGINE["api"]["environment"]
    assert environment["TEMPORAL_ADDRESS"].partition(":")[0] in SERVICES
    assert "@postgres:5432/" in environment["DATABASE_URL"]
    for tier in ("gold", "silver"):
        assert f"http://{tier}:8000/v1" in environment[f"{tier.upper()}_URLS"]
        assert tier in SERVICES
        assert tier in aliases, "the profile without a GPU has to answer to the same address"


def test_everything_waits_for_the_migration() -> None:
    waiting = {name for name, service in ENGINE.items() if "migrate" in service["depends_on"]}
    assert waiting == set(ENGINE) - {"migrate"}


def test_each_model_tier_answers_to_the_name_it_is_asked_for() -> None:
    for tier in ("gold", "silver"):
        command = SERVICES[tier]["command"]
        served = command[command.index("--served-model-name") + 1]
        assert served == ENGINE["api"]["environment"][f"{tier.upper()}_MODEL"]


def test_only_the_ports_of_the_api_are_open_beyond_this_machine() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert name == "api" or port.startswith("127.0.0.1:"), name
