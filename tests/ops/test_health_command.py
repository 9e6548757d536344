"""`loreloom ops health` and `ops export`: the engine at a glance, and a workflow as a file."""

import json
from pathlib import Path

import pytest

from loreloom.state.keys import Scope
from loreloom.workers.verifying import read_recorded
from tests.support.commands import loreloom
from tests.support.serving import Api


@pytest.fixture
def found(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """An API that an operator's command line finds."""
    monkeypatch.setenv("LORELOOM_PORT", api.url.rpartition(":")[2])
    monkeypatch.setenv("LORELOOM_KEY", api.secrets[Scope.OPS])
    return api


async def test_health_without_a_worker_is_said_and_ends_with_1(found: Api) -> None:
    queue = f"{found.parts.config.queue_prefix}-story"

    told = await loreloom("ops", "health")

    assert told.exit_code == 1
    assert f"! {queue} (workflow): no worker" in told.output
    as_json = json.loads((await loreloom("ops", "health", "--json")).output)
    assert as_json["queues"][0]["queue"] == queue


async def test_a_workflow_is_written_into_a_file(found: Api, tmp_path: Path) -> None:
    world = (await found.world())["world_id"]
    await found.player(world)
    quest = await found.quest(world)
    file = tmp_path / "quest.json"

    written = await loreloom("ops", "export", quest["workflow_id"], "--to", str(file))

    assert written.exit_code == 0, written.output
    (recorded,) = read_recorded(file)
    assert (recorded.workflow_id, recorded.kind) == (quest["workflow_id"], "Quest")
    printed = await loreloom("ops", "export", quest["workflow_id"])
    assert json.loads(printed.output)["workflow"]["workflow_id"] == quest["workflow_id"]
    missing = await loreloom("ops", "export", "quest/none")
    assert missing.exit_code == 1
