"""When an arc looks at its world again."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from loreloom.activities.signatures.arc import Seen
    from loreloom.domain import arc_wait
    from loreloom.domain.arc import Beat
    from loreloom.domain.arc_walk import ArcProgress
    from loreloom.workflows.waking import seconds_until


def seconds_to_next_look(beat: Beat, progress: ArcProgress, seen: Seen, looks: int) -> float | None:
    """Real seconds; ``None`` if nothing can come but a signal or an act."""
    times = [_seconds_until(seen, moment) for moment in arc_wait.moments(beat, progress)]
    if arc_wait.awaited_quest(beat, progress) is not None and not progress.done:
        times.append(arc_wait.pause_before_look(looks, arc_wait.LONGEST_LOOK_AT_QUEST))
    for moment in (seen.not_before, seen.after_that):
        if moment is not None and moment > seen.game_seconds:
            until = _seconds_until(seen, moment)
            times.append(None if until is None else min(until, arc_wait.LONGEST_AWAITING))
        elif moment is not None:
            times.append(arc_wait.pause_before_look(looks, arc_wait.LONGEST_LOOK))
    return min((seconds for seconds in times if seconds is not None), default=None)


def _seconds_until(seen: Seen, moment: int) -> float | None:
    return seconds_until(seen.clock, moment, arc_wait.LONGEST_SLEEP)
