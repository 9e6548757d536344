"""A sky's weather: the shares that its climate says, exactly, at any hour, from nothing stored."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreloom.domain.calendar import Calendar
from loreloom.domain.climate import Climate, ClimateSeason
from loreloom.domain.sky import HourOfWeather, Sky, forecast, hours_of, state_at, states_from
from loreloom.domain.weather import VALUES, Weather
from tests.weather.climates import CLIMATES, FIVE, a_sky

W = Weather
YEARS = 120
SET_ASIDE = 100
"""Hours at the beginning of a season in which the last one is still felt."""


@pytest.mark.parametrize("name", CLIMATES)
def test_the_shares_are_what_the_rule_leaves_as_they_are(name: str) -> None:
    """The exact long-run distribution: shares times the rule's transitions are the shares."""
    climate = CLIMATES[name]
    for season in climate.seasons:
        shares = {w: Fraction(str(s)) / 100 for w, s in season.shares.items()}
        moves = {
            (a, b): shares[b] if b in climate.after(a) else Fraction(0)
            for a in shares
            for b in shares
            if a != b
        }
        for state, share in shares.items():
            gained = sum(shares[a] * p for (a, b), p in moves.items() if b == state)
            lost = share * sum(p for (a, _), p in moves.items() if a == state)
            assert gained == lost, (season.name, state)


@pytest.mark.parametrize("name", CLIMATES)
def test_each_season_has_the_weather_that_its_climate_says(name: str) -> None:
    """Over 120 game years: no share is off by what chance would not explain."""
    sky, calendar = a_sky(name, seed=11), Calendar()
    of_season = calendar.days_per_season * 24
    names = [calendar.read(n * of_season * 3600).season for n in range(4 * YEARS)]
    seen: dict[str, Counter[Weather]] = {season: Counter() for season in names}
    states = states_from(sky, 0)
    for season in names:
        seen[season].update(list(islice(states, of_season))[SET_ASIDE:])
    for of_climate in sky.climate.seasons:
        counted = seen[of_climate.name]
        hours = counted.total()
        assert hours == YEARS * (of_season - SET_ASIDE)
        off = sum(
            abs(counted[w] / hours - of_climate.shares.get(w, 0) / 100)
            for w in sky.climate.weathers
        )
        assert off / 2 < 0.025, (of_climate.name, off / 2)


@pytest.mark.parametrize("name", FIVE)
def test_an_hour_has_the_shares_over_all_seeds(name: str) -> None:
    """Chi-square over worlds that know nothing of each other, at one hour of each season.

    The bound is the value that chance passes once in ten thousand times.
    """
    climate, worlds, calendar = CLIMATES[name], 3000, Calendar()
    for number, season in enumerate(climate.seasons):
        hour = (number * calendar.days_per_season + 20) * 24
        seen = Counter(state_at(a_sky(name, seed=seed), hour) for seed in range(worlds))
        assert set(seen) <= set(season.shares)
        expected = {w: share * worlds / 100 for w, share in season.shares.items()}
        distance = sum((seen[w] - n) ** 2 / n for w, n in expected.items())
        assert distance < CHI_SQUARE_9999[len(expected) - 1], (season.name, distance)


CHI_SQUARE_9999 = {
    1: 15.14, 2: 18.42, 3: 21.11, 4: 23.51, 5: 25.74, 6: 27.86, 7: 29.88, 8: 31.83, 9: 33.72,
    10: 35.56, 11: 37.37, 12: 39.13, 13: 40.87,
}  # fmt: skip


@pytest.mark.parametrize("name", CLIMATES)
def test_any_hour_asked_for_alone_is_the_hour_of_the_forecast(name: str) -> None:
    sky = a_sky(name, seed=3)
    foretold = forecast(sky, 0, 10_000)
    assert [hour.hour for hour in foretold] == list(range(10_000))
    assert len({hour.state for hour in foretold}) > 2
    for hour in range(0, 10_000, 7):
        assert state_at.__wrapped__(sky, hour) is foretold[hour].state
    assert forecast(sky, 4321, 50) == foretold[4321:4371]


@given(st.integers(-(10**6), 10**9), st.integers(0, 2**63 - 1), st.sampled_from(FIVE))
def test_two_neighbouring_hours_follow_each_other(hour: int, seed: int, name: str) -> None:
    sky = a_sky(name, seed=seed)
    before, after = state_at(sky, hour), state_at(sky, hour + 1)
    assert after == before or after in sky.climate.after(before)
    assert list(islice(states_from(sky, hour), 2)) == [before, after]


@given(st.integers(0, 10**7), st.sampled_from(list(CLIMATES)), st.sampled_from(list(Weather)))
def test_values_lie_within_what_the_state_allows(hour: int, name: str, state: Weather) -> None:
    climate = CLIMATES[name]
    (values,) = hours_of(a_sky(name), hour, [state])
    bounds = climate.values(state)
    assert bounds.coldest <= values.temperature <= bounds.warmest
    assert bounds.wind[0] <= values.wind <= bounds.wind[1]
    assert bounds.humidity[0] <= values.humidity <= bounds.humidity[1]
    assert bounds.intensity[0] <= values.intensity <= bounds.intensity[1]


def test_days_are_warmer_than_nights_and_summers_than_winters() -> None:
    sky = a_sky()
    hours = hours_of(sky, 0, [W.CLEAR] * 24 * 120)

    def mean(some: Sequence[HourOfWeather]) -> float:
        return sum(h.temperature for h in some) / len(some)

    assert mean([h for h in hours if h.hour % 24 == 14]) > mean(
        [h for h in hours if h.hour % 24 == 2]
    )
    assert mean(hours[40 * 24 : 60 * 24]) > mean(hours[100 * 24 : 120 * 24]) + 15


def test_no_season_comes_with_a_jump() -> None:
    hours = hours_of(a_sky(), 24 * 20, [W.CLEAR] * 24 * 100)
    steps = [abs(b.temperature - a.temperature) for a, b in pairwise(hours)]
    assert max(steps) < 6


def test_skies_of_one_name_have_one_weather_and_others_their_own() -> None:
    here = a_sky("estuary")
    there = here.model_copy(update={"name": "Elsewhere"})
    assert forecast(here, 0, 500) == forecast(a_sky("estuary"), 0, 500)
    differ = sum(
        a.state != b.state
        for a, b in zip(forecast(here, 0, 500), forecast(there, 0, 500), strict=True)
    )
    assert differ > 200
    assert forecast(a_sky("estuary", seed=8), 0, 500) != forecast(here, 0, 500)


def test_a_calendar_of_other_seasons_takes_the_climate_s_in_their_order() -> None:
    calendar = Calendar(days_per_season=40, seasons=("wet", "dry"))
    climate = CLIMATES["temperate"]
    assert climate.season("wet", 0, 2).name == "spring"
    assert climate.season("dry", 1, 2).name == "autumn"
    assert climate.season("autumn", 0, 2).name == "autumn"
    sky = a_sky("temperate", calendar=calendar)
    assert {hour.state for hour in forecast(sky, 100, 860)} <= set(climate.seasons[0].shares)


def test_a_climate_of_one_weather_always_has_it() -> None:
    still = ClimateSeason(name="all", temperature=10, shares={W.FOG: 100})
    sky = Sky(
        name="cave", seed=1, climate=Climate(name="cave", seasons=(still,)), calendar=Calendar()
    )
    assert {hour.state for hour in forecast(sky, 0, 300)} == {W.FOG}


def test_a_weather_that_the_new_season_lacks_leaves_soon() -> None:
    sky = a_sky("temperate")
    summer = range(30 * 24 + SET_ASIDE, 60 * 24)
    assert not {W.SNOW, W.BLIZZARD, W.FOG} & {state_at(sky, hour) for hour in summer}


def test_every_state_has_its_values() -> None:
    assert set(VALUES) == set(Weather)
