"""Skipping the step that a story does not get past, where nothing is granted or charged by it.

A skip takes the step's own key: whoever does the step after that finds it done, also in a replay.
"""

from collections.abc import Sequence

from temporalio.api.history.v1 import HistoryEvent

from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.api.ops.replaying import FAILURE, Replays, Wish
from loreloom.api.ops.steps import failed_locally, history_of
from loreloom.api.ops.words import WORKFLOW_TASK, activity_words
from loreloom.api.parts import AppParts
from loreloom.api.schemas.ops import SkippedView, StoryState, StoryView
from loreloom.domain.ids import ArcId, QuestId
from loreloom.state import skips
from loreloom.state.arcs import find_arc

EPILOGUE = frozenset({"quest_epilogue", "quest_epilogue_by_template"})
TELLING = frozenset({"arc_tell", "arc_write", "arc_tell_own"})


def may_skip(story: StoryView, events: Sequence[HistoryEvent]) -> bool:
    """Whether the step that the story does not get past only tells something."""
    return _failing_step(story, events) in EPILOGUE | TELLING


async def skip(
    parts: AppParts, replays: Replays, workflow_id: str, *, reason: str, by: str, replay_id: str
) -> SkippedView:
    """Skip the step by which the workflow failed or is stuck, and let it go on.

    Raises ``ApiError`` if it is at no such step, at one that may not be skipped, or gone on.
    """
    _, _, name = workflow_id.partition("/")
    # Read before the story is: an arc that goes on meanwhile is not skipped at its next beat.
    arc = await find_arc(parts.store, ArcId(name))
    story = (await replays.plan(workflow_id, FAILURE)).story
    step = _failing_step(story, (await history_of(parts.temporal, story)).events)
    if step not in EPILOGUE | TELLING:
        why = f"only what tells something is skipped, and not “{activity_words(step)}”"
        raise ApiError(ErrorCode.NOT_SKIPPABLE, why)
    if step in EPILOGUE:
        await skips.skip_epilogue(parts.store, QuestId(name), by=by, reason=reason)
    elif arc is None or not await skips.skip_telling(
        parts.store, arc.arc_id, arc.seq, by=by, reason=reason
    ):
        raise ApiError(ErrorCode.MOVED_ON, f"{workflow_id} has gone on meanwhile")
    made = None
    # A step that is tried again finds itself done at its next try.
    if story.state is not StoryState.STUCK:
        made = await replays.replay(workflow_id, Wish(FAILURE, reason, by), replay_id)
    return SkippedView(
        workflow_id=workflow_id,
        step=step,
        told=activity_words(step),
        replay=made.replay if made is not None else None,
    )


def _failing_step(story: StoryView, events: Sequence[HistoryEvent]) -> str:
    failed = story.failing.step if story.failing is not None else WORKFLOW_TASK
    return (failed_locally(events) or failed) if failed == WORKFLOW_TASK else failed
