"""Weather that is made: what counts at a moment, what the forecast shows, what comes next."""

from hypothesis import given, settings
from hypothesis import strategies as st

from loreloom.domain.calendar import HOUR
from loreloom.domain.climate import Climate, ClimateSeason
from loreloom.domain.imposed import (
    HORIZON_HOURS,
    Imposition,
    changes,
    next_change,
    next_look,
    outlook,
    standing_at,
)
from loreloom.domain.sky import forecast
from loreloom.domain.weather import Weather
from tests.weather.climates import a_sky

SKY = a_sky("estuary", seed=5)
W = Weather


def made(number: int, state: Weather, begins: int, ends: int | None) -> Imposition:
    return Imposition(
        number=number, state=state, from_seconds=begins, until_seconds=ends, by="a test"
    )


impositions = st.lists(
    st.tuples(
        st.sampled_from(list(Weather)), st.integers(0, 400 * HOUR), st.integers(1, 100 * HOUR)
    ),
    max_size=4,
).map(
    lambda drawn: [
        made(n, state, begins, begins + lasts) for n, (state, begins, lasts) in enumerate(drawn)
    ]
)


def test_what_was_made_counts_while_it_lasts_and_the_newest_counts() -> None:
    fog = made(1, W.FOG, 10 * HOUR, 40 * HOUR)
    snow = made(2, W.SNOW, 20 * HOUR, 25 * HOUR)
    own = [hour.state for hour in forecast(SKY, 0, 50)]
    seen = [standing_at(SKY, (fog, snow), hour * HOUR).state for hour in range(50)]
    assert seen == own[:10] + [W.FOG] * 10 + [W.SNOW] * 5 + [W.FOG] * 15 + own[40:]


def test_the_forecast_shows_what_was_made_and_its_values() -> None:
    cold = made(1, W.EXTREME_COLD, 5 * HOUR, 9 * HOUR)
    hours = outlook(SKY, (cold,), 0, 12)
    assert [hour.state for hour in hours[5:9]] == [W.EXTREME_COLD] * 4
    assert all(hour.temperature <= -12 for hour in hours[5:9])
    assert hours[:5] + hours[9:] == forecast(SKY, 0, 12)[:5] + forecast(SKY, 0, 12)[9:]


@settings(max_examples=60, deadline=None)
@given(impositions, st.integers(0, 300 * HOUR), st.integers(1, 200 * HOUR))
def test_the_changes_told_are_the_weather_at_every_moment(
    imposed: list[Imposition], after: int, span: int
) -> None:
    through = after + span
    told = list(changes(SKY, imposed, after, through))
    moments = [change.seconds for change in told]
    assert moments == sorted(set(moments))
    assert all(after < moment <= through for moment in moments)
    for moment in range(after, through, 1793):
        passed = [change for change in told if change.seconds <= moment]
        known = passed[-1].standing if passed else standing_at(SKY, imposed, after)
        assert known == standing_at(SKY, imposed, moment)
    for change in told:
        assert change.standing == standing_at(SKY, imposed, change.seconds)
        assert change.standing != standing_at(SKY, imposed, change.seconds - 1)


@settings(max_examples=60, deadline=None)
@given(impositions, st.integers(0, 300 * HOUR), st.integers(1, 200 * HOUR), st.integers(1, 199))
def test_an_interval_told_in_two_parts_tells_the_same(
    imposed: list[Imposition], after: int, span: int, part: int
) -> None:
    middle = after + span * part // 200
    whole = list(changes(SKY, imposed, after, after + span))
    parts = [*changes(SKY, imposed, after, middle), *changes(SKY, imposed, middle, after + span)]
    assert parts == whole
    coming = next_change(SKY, imposed, after)
    assert coming is not None
    assert not whole or whole[0] == coming
    assert next_look(SKY, imposed, after) == coming.seconds


def test_nothing_comes_after_a_weather_without_an_end() -> None:
    assert next_change(SKY, (made(1, W.FOG, 0, None),), 5 * HOUR) is None
    assert next_look(SKY, (made(1, W.FOG, 0, None),), 5 * HOUR) is None


def test_the_end_of_a_made_weather_is_seen_however_far_it_is() -> None:
    storm = made(1, W.STORM, 0, 5 * HORIZON_HOURS * HOUR)
    coming = next_change(SKY, (storm,), HOUR)
    assert coming is not None
    assert coming.seconds == storm.until_seconds
    assert coming.standing == standing_at(SKY, (), coming.seconds)
    # Looking for it that late could pass the end of what a date can be, where time is slow.
    assert next_look(SKY, (storm,), HOUR) == (HORIZON_HOURS + 1) * HOUR


def test_a_sky_of_one_weather_is_looked_at_again_at_the_horizon() -> None:
    still = ClimateSeason(name="all", temperature=10, shares={W.CLEAR: 100})
    sky = SKY.model_copy(update={"climate": Climate(name="still", seasons=(still,))})
    assert next_change(sky, (), HOUR) is None
    assert next_look(sky, (), HOUR) == (HORIZON_HOURS + 1) * HOUR
