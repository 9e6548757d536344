"""The embedded stack as an operator meets it: started, stopped, killed, started again."""

import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from loreloom.workers.client import ApiClient, Json
from loreloom.workers.embedded.home import HomeInUseError
from loreloom.workers.embedded.parts import PartFailedError
from loreloom.workers.embedded.ports import free_port
from loreloom.workers.embedded.stack import PartName, Stack
from tests.chaos import players
from tests.stack.up import Command, Up, alive
from tests.support.servers import settings_for_tests
from tests.support.waiting import wait_until


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not under `tmp_path`: every pytest that starts takes that tree away from other users, and
    # Postgres runs as one when the tests run as root.
    with tempfile.TemporaryDirectory(prefix="loreloom-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture
def home(folder: Path) -> Path:
    return folder / "home"


def answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_every_process(home: Path, number: signal.Signals) -> None:
    with Up(home, "postgres", "temporal") as up:
        started = up.descendants()
        assert {"postgres", "temporal"} <= {process.name() for process in started}

        up.process.send_signal(number)

        assert up.process.wait(60) == 0, up.output
        assert alive(started) == []
        assert "everything has been stopped" in up.output


def test_no_process_outlives_a_killed_stack_and_its_state_can_be_used_again(home: Path) -> None:
    with Up(home, "postgres", "temporal") as up:
        with psycopg.connect(up.database_url()) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        started = up.descendants()

        up.process.kill()

        wait_until(lambda: alive(started) == [], "every process has ended")
    with (
        Up(home, "postgres") as again,
        psycopg.connect(again.database_url()) as connection,
    ):
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_a_part_that_dies_is_started_again_at_its_address(home: Path) -> None:
    with Up(home, "postgres") as up:
        url = up.database_url()
        victims = [process for process in up.descendants() if process.name() == "postgres"]

        victims[0].kill()

        wait_until(lambda: "postgres has ended; starting it again" in up.output, "it says so")
        wait_until(lambda: answers(url), "Postgres answers at the same address")


def test_two_stacks_at_once_do_not_meet(folder: Path) -> None:
    with (
        Up(folder / "one", "postgres", "temporal") as one,
        Up(folder / "two", "postgres", "temporal") as two,
    ):
        with psycopg.connect(one.database_url()) as connection:
            connection.execute("CREATE TABLE of_one ()")
        with psycopg.connect(two.database_url()) as connection:
            assert connection.execute("SELECT to_regclass('of_one')").fetchone() == (None,)
        assert one.temporal_address() != two.temporal_address()


def test_a_second_stack_in_one_home_is_refused(home: Path) -> None:
    with Up(home, "postgres") as up:
        with pytest.raises(HomeInUseError) as refused:
            Stack(settings_for_tests(home), parts=[PartName.POSTGRES]).start()
        assert str(up.process.pid) in str(refused.value)
        assert str(home) in str(refused.value)
        assert answers(up.database_url())


def test_a_demo_that_is_interrupted_is_no_success_and_leaves_nothing(home: Path) -> None:
    settings = {"LORELOOM_PORT": str(free_port()), "VLLM_PYTHON": str(home / "nowhere")}
    with Command(home, "demo", begun="The canon", **settings) as demo:
        started = demo.descendants()

        demo.process.send_signal(signal.SIGTERM)

        assert demo.process.wait(60) == 130, demo.output
        assert alive(started) == []
        assert "everything has been stopped" in demo.output


def test_a_quest_that_ran_when_the_stack_was_stopped_goes_on_and_is_paid_once(home: Path) -> None:
    parts = ("postgres", "temporal", "stripe", "worker", "api")
    port = str(free_port())

    with Up(home, *parts, LORELOOM_PORT=port) as up, up.client() as api:
        started = up.descendants()
        world = f"/v1/worlds/{api.post('/v1/worlds', {'name': 'Kept'})['world_id']}"
        api.post(f"{world}/players", {"player_id": "p", "name": "P"})
        quest = accepted_quest(api, world)
        acts = acts_of(quest)
        path = f"/v1/quests/{quest['quest_id']}"
        act, body = next(acts)
        api.post(f"{path}/{act}", body)

        up.process.send_signal(signal.SIGINT)

        assert up.process.wait(60) == 0, up.output
        assert alive(started) == []

    with Up(home, *parts, LORELOOM_PORT=port) as again, again.client() as api:
        for act, body in acts:
            api.post(f"{path}/{act}", body)
        ended = api.wait(path, lambda q: q["texts"]["epilogue"] is not None, "the epilogue")
        assert ended["state"] == "completed"
        assert api.get(f"{world}/players/p")["coin"] == ended["rewards"]["coin"] > 0
        told = [entry["kind"] for entry in api.pages(f"{world}/chronicle")]
        assert told.count("reward.granted") == told.count("quest.accepted") == 1


def accepted_quest(api: ApiClient, world: str) -> Json:
    """A quest that is accepted, and can be played at any hour."""
    for _ in range(10):
        asked = api.post(f"{world}/quests", {"player_id": "p", "kind": "side"})
        path = f"/v1/quests/{asked['quest_id']}"
        quest = api.wait(path, lambda found: found["state"] == "offered", "the offer")
        if not any(objective["condition"] for objective in quest["objectives"]):
            api.post(f"{path}/accept")
            return quest
    pytest.fail("ten quests must all wait for an hour")


def acts_of(quest: Json) -> Iterator[tuple[str, Json]]:
    """What fulfils a quest, each act with an id of its own."""
    for step, (act, body, count) in enumerate(players.acts(quest)):
        for one in range(count):
            yield act, {**body, "action_id": f"act-{step}-{one}"}


@pytest.fixture
def broken_model_server(home: Path, folder: Path) -> Iterator[Stack]:
    program = folder / "python"
    program.write_text("#!/bin/sh\necho the weights are made of cheese\nexit 3\n")
    program.chmod(0o755)
    model = folder / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    settings = settings_for_tests(home, vllm_python=program, model_folder=model)
    stack = Stack(settings, parts=[PartName.POSTGRES, PartName.VLLM])
    yield stack
    stack.stop()


def test_a_part_that_cannot_start_is_named_with_its_reason_and_nothing_stays(
    home: Path, broken_model_server: Stack
) -> None:
    before = set(psutil.Process().children(recursive=True))

    with pytest.raises(PartFailedError) as failure:
        broken_model_server.start()

    report = failure.value.report()
    assert failure.value.part == "vllm"
    assert "exit code 3" in report
    assert "the weights are made of cheese" in report
    assert str(home / "logs" / "vllm.log") in report
    assert alive(list(set(psutil.Process().children(recursive=True)) - before)) == []


def test_a_taken_api_port_is_said_before_anything_is_started(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PartFailedError, match=f"port {port} is taken"):
            Stack(settings_for_tests(home, loreloom_port=port)).start()


def test_without_a_model_server_the_stack_says_that_templates_serve(home: Path) -> None:
    said: list[str] = []
    settings = settings_for_tests(home, vllm_python=home / "nowhere")
    with Stack(settings, parts=[PartName.VLLM], say=said.append) as stack:
        assert stack.started == ()
        assert stack.settings.gold_urls == ()
    assert any("templates" in text for text in said)


def test_a_killed_part_comes_back_with_what_was_committed(home: Path) -> None:
    with Stack(settings_for_tests(home), parts=[PartName.POSTGRES]) as stack:
        url = stack.settings.required_database_url().replace("+psycopg", "")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")

        stack.kill(PartName.POSTGRES)
        assert not answers(url)
        stack.restart(PartName.POSTGRES)

        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
