"""Replaying recorded histories against the code as it stands."""

import json
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from loreloom.workers.worker import WORKFLOWS
from tests.sandbox import SANDBOX

HISTORIES = Path(__file__).parent


def recorded(workflow: str) -> list[Path]:
    """The files of all releases of a workflow."""
    return sorted((HISTORIES / workflow).glob("*/*.json"))


def read(file: Path, replace: tuple[str, str] | None = None) -> WorkflowHistory:
    """A recorded history, with one text in it replaced by another if asked for."""
    text = file.read_text()
    if replace is not None:
        assert replace[0] in text
        text = text.replace(*replace)
    return WorkflowHistory.from_json(_started(text)["workflowId"], text)


def _started(text: str) -> dict[str, Any]:
    begun: dict[str, Any] = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
    return begun


def type_of(file: Path) -> str:
    """The workflow type whose history a file holds."""
    return str(_started(file.read_text())["workflowType"]["name"])


def name_of(workflow: type) -> str:
    """The workflow type of a class that the worker serves."""
    return str(getattr(workflow, "__temporal_workflow_definition").name)


async def replay(history: WorkflowHistory) -> None:
    """Replay a history. Raises ``NondeterminismError`` if the code would have gone another way."""
    replayer = Replayer(
        workflows=WORKFLOWS,
        workflow_runner=SANDBOX,
        data_converter=pydantic_data_converter,
    )
    await replayer.replay_workflow(history)
