"""How a workflow wakes at the moments at which something changes, and sleeps between them."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from loreloom.domain.chance import chance
    from loreloom.domain.clock import Clock
    from loreloom.workflows.moving_on import should_move_on

LONGEST_SLEEP = timedelta(days=30)
SOON = 0.05
"""Least real seconds to a moment of game time, so that a clock's rounding cannot spin."""


class Due(Protocol):
    """When to look again, ``None`` if only news can be a reason, and how much later is in time."""

    @property
    def next_at(self) -> datetime | None: ...

    @property
    def jitter_seconds(self) -> float: ...


class Waking:
    """The sleep of a workflow that wakes whenever it is due, and earlier if there is news."""

    def __init__(self) -> None:
        self._news = False

    def look_again(self) -> None:
        """There is news: it wakes, or looks once more if it is awake."""
        self._news = True

    async def rounds(self, look: Callable[[], Awaitable[Due]]) -> None:
        """Look, sleep until the next look is due, and so on, until it should continue as new."""
        while not should_move_on():
            self._news = False
            await self._sleep(await look())

    async def _sleep(self, due: Due) -> None:
        if due.next_at is None:
            await workflow.wait_condition(self._woken)
            return
        # What is due at one moment would wake in one instant; a seeded delay keeps it apart.
        late = due.jitter_seconds * chance(0, workflow.info().workflow_id, due.next_at.isoformat())
        left = min(due.next_at - workflow.now() + timedelta(seconds=late), LONGEST_SLEEP)
        try:
            await workflow.wait_condition(self._woken, timeout=max(0.001, left.total_seconds()))
        except TimeoutError:
            return

    def _woken(self) -> bool:
        return self._news or should_move_on()


def seconds_until(clock: Clock, moment: int, longest: timedelta) -> float | None:
    """Real seconds to a game second by a clock, the ``longest`` at most; ``None`` while paused."""
    furthest = clock.game_seconds(workflow.now() + longest)
    if moment > furthest and not clock.paused:
        return longest.total_seconds()
    at = clock.real_moment(moment)
    return None if at is None else max(SOON, (at - workflow.now()).total_seconds())
