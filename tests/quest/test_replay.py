"""Recorded histories of every way that a quest can go replay against the code as it stands."""

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from loreloom.workers.worker import SANDBOX
from loreloom.workflows.quest import QuestWorkflow
from tests.histories.record import HISTORIES, WAYS

RECORDED = sorted((HISTORIES / "quest").glob("*/*.json"))


def replayer() -> Replayer:
    return Replayer(
        workflows=[QuestWorkflow],
        workflow_runner=SANDBOX,
        data_converter=pydantic_data_converter,
    )


def read(file: Path, replace: tuple[str, str] | None = None) -> WorkflowHistory:
    text = file.read_text()
    if replace is not None:
        assert replace[0] in text
        text = text.replace(*replace)
    workflow_id = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"][
        "workflowId"
    ]
    return WorkflowHistory.from_json(workflow_id, text)


def test_every_way_is_recorded_in_every_release() -> None:
    releases = {file.parent for file in RECORDED}
    assert releases
    for release in releases:
        assert {file.stem for file in release.glob("*.json")} >= set(WAYS)


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: f"{file.parent.name}/{file.stem}")
async def test_a_recorded_quest_replays(file: Path) -> None:
    await replayer().replay_workflow(read(file))


async def test_a_history_that_another_story_made_does_not_replay() -> None:
    """The red one: were the check unable to fail, this would pass."""
    completed = next(file for file in RECORDED if file.stem == "completed")
    with pytest.raises(NondeterminismError):
        await replayer().replay_workflow(read(completed, ("quest_reward", "quest_fine")))
