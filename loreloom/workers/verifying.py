"""Replaying histories against the code as it stands, to find what a deploy would break."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseError
from pydantic import BaseModel, ConfigDict
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

EVENT = re.compile(r"HistoryEvent\(id: (\d+)")
MAX_BREAKS = 500


class Recorded(BaseModel):
    """A history as Temporal's own tools write it."""

    model_config = ConfigDict(frozen=True)

    workflow_id: str
    kind: str
    events: dict[str, Any]


class Held(BaseModel):
    """A history held against the code. ``breaks`` says how the code would go another way, and
    ``event_id`` where it first does, if Temporal names the event."""

    model_config = ConfigDict(frozen=True)

    workflow_id: str
    kind: str
    breaks: str | None = None
    event_id: int | None = None


class NoHistory(Exception):
    """A file, or a folder, holds no history that can be replayed; the message says which."""


def read_recorded(path: Path) -> Iterator[Recorded]:
    """The histories in a file, or in the files of a folder and its folders.

    A file is a history as Temporal writes it, or what `loreloom ops export` wrote. Raises
    ``NoHistory`` for a file that holds none, and for a folder without files.
    """
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    if not files:
        raise NoHistory(f"{path} holds no history")
    for file in files:
        yield from _recorded(file)


def _recorded(file: Path) -> Iterator[Recorded]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        exported = "runs" in document
        for events in [run["history"] for run in document["runs"]] if exported else [document]:
            started = events["events"][0]["workflowExecutionStartedEventAttributes"]
            WorkflowHistory.from_json(started["workflowId"], events)
            yield Recorded(
                workflow_id=started["workflowId"],
                kind=started["workflowType"]["name"],
                events=events,
            )
    except (OSError, ValueError, KeyError, IndexError, TypeError, ParseError) as error:
        raise NoHistory(f"{file} holds no history") from error


async def verify(recorded: Iterable[Recorded], workflows: Sequence[type]) -> list[Held]:
    """Hold each history against the code of these workflows."""
    replayer = Replayer(
        workflows=workflows,
        workflow_runner=UnsandboxedWorkflowRunner(),
        data_converter=pydantic_data_converter,
    )
    return [await _held(replayer, each) for each in recorded]


async def _held(replayer: Replayer, recorded: Recorded) -> Held:
    history = WorkflowHistory.from_json(recorded.workflow_id, recorded.events)
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    if result.replay_failure is None:
        return Held(workflow_id=recorded.workflow_id, kind=recorded.kind)
    said = str(result.replay_failure)
    # Only shown: Temporal names the event nowhere but in its words.
    event = EVENT.search(said)
    return Held(
        workflow_id=recorded.workflow_id,
        kind=recorded.kind,
        breaks=said[:MAX_BREAKS],
        event_id=int(event.group(1)) if event else None,
    )
