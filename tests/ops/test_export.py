"""One workflow as a file: whoever has it and the code opens and replays it, without an engine."""

from pathlib import Path

import pytest

from loreloom.workers.verifying import read_recorded, verify
from loreloom.workers.worker import WORKFLOWS
from tests.ops.hasty import HastyQuest
from tests.support.serving import Api


@pytest.mark.usefixtures("worker")
async def test_an_exported_quest_is_replayed_offline(api: Api, tmp_path: Path) -> None:
    world = (await api.world())["world_id"]
    await api.player(world)
    quest = await api.accepted(world)
    await api.game.post(f"/v1/quests/{quest['quest_id']}/abandon")
    await api.until_state(quest["quest_id"], "abandoned")
    path = f"/v1/ops/workflows/{quest['workflow_id']}"
    replayed = await api.ops.post(f"{path}/replay", json={"from": "start", "reason": "a look"})
    assert replayed.status_code == 200, replayed.text

    answer = await api.ops.get(f"{path}/export")

    assert answer.status_code == 200, answer.text
    found = answer.json()
    kinds = [entry["kind"] for entry in found["chronicle"]]
    assert kinds[0] == "quest.requested"
    assert "quest.abandoned" in kinds
    assert [each["reason"] for each in found["replays"]] == ["a look"]
    assert found["runs"][0]["run_id"] == found["workflow"]["run_id"]
    file = tmp_path / "quest.json"
    file.write_bytes(answer.content)
    held = await verify(read_recorded(file), WORKFLOWS)
    assert [(each.workflow_id, each.breaks) for each in held] == [
        (quest["workflow_id"], None) for _ in found["runs"]
    ]
    (first, *_) = await verify(read_recorded(file), [HastyQuest])
    assert first.breaks is not None
    assert (await api.designer.get(f"{path}/export")).status_code == 403
    assert (await api.ops.get("/v1/ops/workflows/quest/none/export")).status_code == 404
