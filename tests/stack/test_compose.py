"""The real deployment cannot be started here, so it is held against what it relies on."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
import yaml
from click import Command
from click.core import Context

from loreloom.workers.cli import app
from loreloom.workers.embedded.stack import OWN_MODEL_FIRST_TOKEN_SECONDS
from loreloom.workers.settings import PROJECT, Settings
from loreloom.workflows.roles import Role

COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ENGINE = {name: service for name, service in SERVICES.items() if service.get("image") == "loreloom"}

ENVIRONMENT: dict[str, str | None] = ENGINE["api"]["environment"]
WITHOUT_GPU = dict(
    line.split("=", 1)
    for line in (PROJECT / "deploy" / "cpu.env").read_text().splitlines()
    if not line.startswith("#")
)
NOT_HANDED_ON = {
    "loreloom_home": "the image's own",
    "loreloom_host": "the image's own",
    "loreloom_port": "the port outside of the container",
    "loreloom_key": "the command line's, not a service's",
    "temporal_api_key": "Temporal Cloud's, and Temporal is a service here",
    "model_folder": "the embedded stack's",
    "vllm_python": "the embedded stack's",
    "content_folder": "the folder outside, mounted where the image has its own",
    "worker_roles": "an argument of each worker's command",
}


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


@pytest.mark.parametrize("name", sorted(set(Settings.model_fields) - set(NOT_HANDED_ON)))
def test_a_setting_reaches_every_process_of_the_engine(name: str) -> None:
    for service in ENGINE.values():
        assert name.upper() in service["environment"]


def test_a_folder_of_content_is_put_where_the_engine_reads_its_own() -> None:
    for service in ENGINE.values():
        (mounted,) = service["volumes"]
        assert mounted["source"] == "${CONTENT_FOLDER:-./content}"
        assert mounted["target"] == "/app/content"
        assert mounted["read_only"]


def test_the_settings_name_services_that_exist() -> None:
    environment = ENGINE["api"]["environment"]
    assert environment["TEMPORAL_ADDRESS"].partition(":")[0] in SERVICES
    assert "@postgres:5432/" in environment["DATABASE_URL"]
    for tier in ("gold", "silver"):
        assert f"http://{tier}:8000/v1" in environment[f"{tier.upper()}_URLS"]
        assert SERVICES[tier]["profiles"] == ["gpu"]


def test_without_a_gpu_both_tiers_share_the_calls_at_once_of_one_address() -> None:
    assert set(WITHOUT_GPU) <= set(ENVIRONMENT)
    settings = Settings.model_validate({name.lower(): each for name, each in WITHOUT_GPU.items()})
    assert settings.gold_urls == settings.silver_urls == ("http://model-cpu:8000/v1",)
    assert SERVICES["model-cpu"]["profiles"] == ["cpu"]
    assert "networks" not in SERVICES["model-cpu"], "another name would be another address"


def test_without_a_gpu_a_tier_is_waited_for_as_in_the_embedded_stack() -> None:
    settings = Settings.model_validate({name.lower(): each for name, each in WITHOUT_GPU.items()})
    assert settings.gold_first_token_seconds == OWN_MODEL_FIRST_TOKEN_SECONDS
    assert settings.silver_first_token_seconds == OWN_MODEL_FIRST_TOKEN_SECONDS


def test_the_page_of_operations_says_how_to_start_it_without_a_gpu() -> None:
    page = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert "docker compose --env-file deploy/cpu.env --profile cpu up" in page


def test_everything_waits_for_the_migration() -> None:
    waiting = {name for name, service in ENGINE.items() if "migrate" in service["depends_on"]}
    assert waiting == set(ENGINE) - {"migrate"}


def test_each_model_tier_answers_to_the_name_it_is_asked_for() -> None:
    for tier in ("gold", "silver"):
        command = SERVICES[tier]["command"]
        served = command[command.index("--served-model-name") + 1]
        assert served == Settings.model_fields[f"{tier}_model"].default


def test_only_the_ports_of_the_api_are_open_beyond_this_machine() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert name == "api" or port.startswith("127.0.0.1:"), name
