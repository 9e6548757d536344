"""What `loreloom ops verify` ends with: a pipeline tells a break from what could not be told."""

import json
from pathlib import Path

import pytest

from loreloom.workers import worker as workers
from loreloom.workflows.quest import QuestWorkflow
from tests.ops.hasty import QUESTS, HastyQuest
from tests.support.commands import loreloom
from tests.support.outages import closed_port

RECORDED = str(QUESTS / "0.1.0" / "completed.json")
OFFLINE = ("ops", "verify", "--live", "0", "--histories")


async def test_a_story_that_would_break_ends_it_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await loreloom(*OFFLINE, RECORDED)).exit_code == 0
    planted = [HastyQuest, *(each for each in workers.WORKFLOWS if each is not QuestWorkflow)]
    monkeypatch.setattr(workers, "WORKFLOWS", planted)
    assert (await loreloom(*OFFLINE, RECORDED)).exit_code == 1


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"events": []}', '{"runs": ["a"]}', "\udcff", None]
)
async def test_what_holds_no_history_ends_it_with_2_and_a_line(
    text: str | None, tmp_path: Path
) -> None:
    folder = tmp_path / "histories"
    folder.mkdir()
    if text is not None:
        (folder / "told.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    said = await loreloom(*OFFLINE, str(folder))
    named = folder if text is None else folder / "told.json"
    assert (said.exit_code, said.stderr) == (2, f"{named} holds no history\n")


async def test_a_history_that_no_tool_wrote_ends_it_with_2(tmp_path: Path) -> None:
    started = {"workflowId": "quest/1", "workflowType": {"name": "Quest"}}
    event = {"eventId": "one", "workflowExecutionStartedEventAttributes": started}
    file = tmp_path / "told.json"
    file.write_text(json.dumps({"events": [event]}))
    said = await loreloom(*OFFLINE, str(file))
    assert (said.exit_code, said.stderr) == (2, f"{file} holds no history\n")


async def test_an_api_that_does_not_answer_ends_it_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LORELOOM_PORT", str(closed_port()))
    monkeypatch.setenv("LORELOOM_KEY", "any")
    said = await loreloom("ops", "verify")
    assert said.exit_code == 2
    assert said.stderr.startswith("nothing answers at ")
    assert said.stderr.count("\n") == 1
