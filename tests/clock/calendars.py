"""Calendars for the tests: some that are written out, and any that could be written."""

from hypothesis import strategies as st

from loreloom.domain.calendar import Calendar, FirstDay, Holiday, Month, Moon

MONTHS = Calendar(
    hours_per_day=10,
    seasons=("cold", "wet", "warm"),
    months=(
        Month(name="Rime", days=3, season="cold"),
        Month(name="Thaw", days=2, season="wet"),
        Month(name="Flood", days=4, season="wet"),
        Month(name="Hay", days=5, season="warm"),
        Month(name="Frost", days=2, season="cold"),
    ),
    part_starts=(("light", 0), ("gloom", 6)),
    holidays=(
        Holiday(name="Ham Night", month="Flood", day=4),
        Holiday(name="Deep Night", season="cold", day=3),
    ),
    moon=Moon(cycle_days=2.5, phases=("new", "half", "full")),
    begins=FirstDay(year=412, month="Thaw", day=2),
)
"""Months, a season over the end of the year, and a world that begins in the middle of it."""


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Any calendar: with seasons of equal length or months, holidays, a moon, a first day."""
    hours = draw(st.integers(1, 30))
    starts = sorted(draw(st.sets(st.integers(0, hours - 1), min_size=1, max_size=5)))
    parts = tuple((draw(st.sampled_from("abcd")), start) for start in starts)
    seasons = tuple(f"season {n}" for n in range(draw(st.integers(1, 4))))
    months = draw(_months(seasons)) if draw(st.booleans()) else ()
    length = draw(st.integers(1, 9))
    plain = {
        "hours_per_day": hours,
        "days_per_season": length,
        "seasons": seasons,
        "part_starts": parts,
        "months": months,
    }
    bare = Calendar(**plain)
    feasts = draw(st.sets(st.integers(0, bare.days_per_year - 1), max_size=4))
    moon = None
    if draw(st.booleans()):
        phases = tuple(f"phase {n}" for n in range(draw(st.integers(1, 8))))
        shortest = len(phases) / hours
        moon = Moon(cycle_days=draw(st.floats(shortest, shortest + 40)), phases=phases)
    begins = None
    if draw(st.booleans()):
        day = draw(st.integers(0, bare.days_per_year - 1))
        begins = FirstDay(year=draw(st.integers(1, 500)), **_date(bare, day))
    return Calendar(
        **plain,
        holidays=tuple(Holiday(name=f"feast {day}", **_date(bare, day)) for day in feasts),
        moon=moon,
        begins=begins,
    )


@st.composite
def _months(draw: st.DrawFn, seasons: tuple[str, ...]) -> tuple[Month, ...]:
    names = [season for season in seasons for _ in range(draw(st.integers(1, 3)))]
    turn = draw(st.integers(0, len(names) - 1))
    return tuple(
        Month(name=f"month {n}", days=draw(st.integers(1, 6)), season=season)
        for n, season in enumerate(names[turn:] + names[:turn])
    )


def _date(calendar: Calendar, day_of_year: int) -> dict[str, object]:
    """The date of a day of the year, from 0, as designers write it."""
    time = calendar.read(day_of_year * calendar.seconds_per_day)
    if time.month is not None:
        return {"month": time.month, "day": time.day_of_month}
    return {"season": time.season, "day": time.day}
