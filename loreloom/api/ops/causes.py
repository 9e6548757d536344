"""What is wrong, grouped: all that failed alike is one cause."""

import asyncio

from loreloom.api.ops.stories import Stories
from loreloom.api.schemas.ops import (
    CauseList,
    CauseView,
    FailingView,
    StoryQuery,
    StoryState,
    StoryView,
)

STATES = (StoryState.FAILED, StoryState.TIMED_OUT, StoryState.TERMINATED, StoryState.STUCK)


async def causes_of(stories: Stories, query: StoryQuery) -> CauseList:
    """The causes of what the query asks for, the most frequent first.

    Where there are very many, it looks at the newest of those that are closed, and at the newest
    and the oldest of each kind that run. Raises ``ApiError`` if Temporal is away.
    """
    asked = [state for state in STATES if query.state in (None, state)]
    looks = await asyncio.gather(
        *(stories.every(query.model_copy(update={"state": state})) for state in asked)
    )
    groups: dict[str, list[tuple[StoryView, FailingView]]] = {}
    for story in (each for found, _, _ in looks for each in found):
        if story.failing is not None:
            groups.setdefault(story.failing.cause, []).append((story, story.failing))
    causes = [_cause(group) for group in groups.values()]
    causes.sort(key=lambda cause: (-cause.count, cause.cause))
    return CauseList(
        items=tuple(causes),
        looked_at=sum(looked for _, looked, _ in looks),
        complete=all(whole for _, _, whole in looks),
    )


def _cause(group: list[tuple[StoryView, FailingView]]) -> CauseView:
    (story, failing), *_ = group
    players = {(each.world_id, each.player_id) for each, _ in group if each.player_id}
    return CauseView(
        cause=failing.cause,
        kind=story.kind,
        step=failing.step,
        told=failing.told,
        error=failing.error,
        message=failing.message,
        count=len(group),
        players=len(players),
        since=min(each.since for _, each in group),
        latest=max(each.since for _, each in group),
    )
