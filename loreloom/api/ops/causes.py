"""What is wrong, grouped: all that failed alike is one cause."""

import asyncio
from datetime import UTC, datetime

from loreloom.api.ops.stories import ENDED_BADLY, Look, Stories
from loreloom.api.schemas.ops import (
    CauseList,
    CauseView,
    FailingView,
    StoryQuery,
    StoryState,
    StoryView,
)


async def causes_of(stories: Stories, query: StoryQuery) -> CauseList:
    """The causes of what the query asks for, the most frequent first.

    Where there are very many, it looks at the newest of those that have ended, and at the newest
    and the oldest of each kind that run: at the latter once in some seconds, whoever asks. Raises
    ``ApiError`` if Temporal is away.
    """
    asked = [state for state in ENDED_BADLY if query.state in (None, state)]
    running, *ended = await asyncio.gather(
        _running(stories, query),
        *(_ended(stories, query.model_copy(update={"state": state})) for state in asked),
    )
    looks = (running, *ended)
    groups: dict[str, list[tuple[StoryView, FailingView]]] = {}
    for story in (each for look in looks for each in look.wrong):
        if story.failing is not None:
            groups.setdefault(story.failing.cause, []).append((story, story.failing))
    causes = [_cause(group) for group in groups.values()]
    causes.sort(key=lambda cause: (-cause.count, cause.cause))
    return CauseList(
        items=tuple(causes),
        looked_at=sum(look.looked_at for look in looks),
        complete=all(look.complete for look in looks),
        running_seen_at=running.at,
    )


async def _running(stories: Stories, query: StoryQuery) -> Look:
    if query.state in (None, StoryState.STUCK):
        return await stories.stuck(query)
    return Look((), 0, True, datetime.now(UTC))


async def _ended(stories: Stories, query: StoryQuery) -> Look:
    found, looked, whole = await stories.every(query)
    return Look(tuple(found), looked, whole, datetime.now(UTC))


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
