"""One workflow as a file that someone else can open, replay and inspect offline."""

from datetime import datetime
from typing import Literal

from loreloom.api.schemas.fields import Data, View
from loreloom.api.schemas.ops import ReplayView, StoryView
from loreloom.api.schemas.quests import GenerationView
from loreloom.state.chronicle import Entry

FORMAT: Literal["loreloom.workflow/1"] = "loreloom.workflow/1"


class ExportedRun(View):
    """A run of the workflow. ``history`` is Temporal's own JSON, as its tools and SDKs read it."""

    run_id: str
    started_at: datetime
    closed_at: datetime | None
    history: Data


class WorkflowExport(View):
    """A workflow with all that is known of it, its runs newest first.

    ``chronicle`` is what was told of it, ``generations`` each text with its prompt and verdicts,
    ``replays`` who replayed it and why. ``earlier_runs`` says that there are runs beyond these.
    """

    format: Literal["loreloom.workflow/1"] = FORMAT
    exported_at: datetime
    workflow: StoryView
    runs: tuple[ExportedRun, ...]
    earlier_runs: bool
    chronicle: tuple[Entry, ...]
    generations: tuple[GenerationView, ...]
    replays: tuple[ReplayView, ...]
