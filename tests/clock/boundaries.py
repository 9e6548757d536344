"""Every boundary once, in order."""

from collections.abc import Sequence

from loreloom.domain.boundaries import boundaries, tally
from loreloom.domain.calendar import Calendar
from loreloom.state.chronicle import Entry
from tests.weather.stage import BEGAN


def assert_every_boundary_once(calendar: Calendar, told: Sequence[Entry], through: int) -> None:
    """In order, none missing, none twice."""
    assert [said for entry in told for said in said_by(calendar, entry)] == [
        (boundary.at, boundary.kind) for boundary in boundaries(calendar, BEGAN, through)
    ]


def said_by(calendar: Calendar, entry: Entry) -> list[tuple[int, str]]:
    """The boundary that an entry tells of, or those that it counts."""
    if entry.kind != "clock.caught_up":
        return [(entry.game_time.seconds, entry.kind)]
    after, through = (entry.data[end]["seconds"] for end in ("from", "to"))
    assert entry.data["counts"] == tally(calendar, after, through)
    return [(boundary.at, boundary.kind) for boundary in boundaries(calendar, after, through)]
