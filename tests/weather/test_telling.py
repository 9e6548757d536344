"""What is told of the weather is what was foretold, each change once, whoever tells it."""

import random
from datetime import datetime, timedelta

import pytest

from loreloom.domain.calendar import HOUR
from loreloom.domain.clock import Clock
from loreloom.domain.ids import WorldId
from loreloom.domain.imposed import Imposition, changes, standing_at
from loreloom.domain.sky import forecast
from loreloom.domain.weather import Weather
from loreloom.state.store import Store
from loreloom.state.weather import WeatherOrder, impose_weather, tell_weather
from tests.weather.climates import FIVE
from tests.weather.stage import a_clock, a_world, region_now, told

WORLD = WorldId("world")
HOURS = 10_000
W = Weather


def at_hour(clock: Clock, hour: float) -> datetime:
    moment = clock.real_moment(clock.game_anchor + round(hour * HOUR))
    assert moment is not None
    return moment


@pytest.mark.parametrize("climate", FIVE)
async def test_the_forecast_is_what_is_told_over_ten_thousand_hours(
    store: Store, climate: str
) -> None:
    """Looked at by fits and starts, as a workflow would; some looks are taken twice."""
    clock, chance = a_clock(scale=36_000), random.Random(climate)
    world = await a_world(store, clock, regions=[climate], seed=99)
    (region,) = world.regions
    first = clock.game_anchor // HOUR
    foretold = [hour.state for hour in forecast(region.sky, first, HOURS)]
    hour = 0.0
    while hour < HOURS - 1:
        for _ in range(chance.choice([1, 1, 2])):
            await tell_weather(store, WORLD, climate, at_hour(clock, hour))
        hour = min(HOURS - 1, hour + chance.uniform(6, 24))
    await tell_weather(store, WORLD, climate, at_hour(clock, HOURS - 1))

    entries = await told(store, climate)
    happened, coming = [], iter([*entries, None])
    state, following = foretold[0], next(coming)
    for hour_told in range(first, first + HOURS):
        if following is not None and following.data["since"] == hour_told * HOUR:
            state, following = W(following.data["state"]), next(coming)
        happened.append(state)
    assert following is None
    assert happened == foretold
    assert all(entry.data["cause"] == "sky" for entry in entries)
    assert [e.data["until"] for e in entries[:-1]] == [e.data["since"] for e in entries[1:]]
    assert [e.game_time.seconds for e in entries] == [e.data["since"] for e in entries]


async def test_the_forecast_with_made_weather_is_what_is_told(store: Store) -> None:
    """Orders at seeded moments; between them the forecast of that moment is what then happens."""
    clock, chance = a_clock(scale=36_000), random.Random(4)
    await a_world(store, clock, regions=["estuary"], seed=5)
    hour, known = 0.0, 0
    await tell_weather(store, WORLD, "estuary", at_hour(clock, 0))
    for number in range(60):
        order = WeatherOrder(
            world_id=WORLD,
            region="estuary",
            at=at_hour(clock, hour),
            key=f"order {number}",
            state=chance.choice([None, W.BLIZZARD, W.FOG, W.CLEAR]),
            hours=chance.choice([None, 3.5, 30, 200]),
            by="a test",
        )
        await impose_weather(store, order)
        await impose_weather(store, order)
        region = await region_now(store, "estuary")
        began = clock.game_seconds(at_hour(clock, hour))
        ends = hour + chance.uniform(5, 60)
        while hour < ends:
            hour = min(ends, hour + chance.uniform(1, 20))
            await tell_weather(store, WORLD, "estuary", at_hour(clock, hour))
        entries = await told(store, "estuary")
        before = entries[known - 1].data["state"] if known else None
        for second in range(began, clock.game_seconds(at_hour(clock, hour)), 1800):
            passed = [e for e in entries if e.data["since"] <= second]
            state = passed[-1].data["state"] if passed else before
            foretold = standing_at(region.sky, region.imposed, second).state
            assert state is None or state == foretold, (number, second)
        known = len(entries)
    causes = {entry.data["cause"] for entry in entries}
    assert causes == {"sky", "imposed", "cleared"}


async def test_a_region_that_slept_tells_only_of_the_present(store: Store) -> None:
    clock = a_clock(scale=36_000)
    world = await a_world(store, clock, regions=["estuary"])
    await tell_weather(store, WORLD, "estuary", at_hour(clock, 0))
    slept = clock.game_anchor // HOUR + 400
    sky = world.regions[0].sky
    while standing_at(sky, (), slept * HOUR) == standing_at(sky, (), clock.game_anchor):
        slept += 1
    moment = at_hour(clock, slept - clock.game_anchor // HOUR)
    await tell_weather(store, WORLD, "estuary", moment)
    (entry,) = await told(store, "estuary")
    assert entry.data["state"] == standing_at(sky, (), slept * HOUR).state
    # And since when it stands so.
    assert standing_at(sky, (), entry.data["since"]) == standing_at(sky, (), slept * HOUR)
    assert standing_at(sky, (), entry.data["since"] - 1) != standing_at(sky, (), slept * HOUR)


async def test_after_a_weather_of_days_nothing_is_lost_that_came_while_nobody_looked(
    store: Store,
) -> None:
    """The last look is days ago because nothing had changed, not because nobody was there."""
    clock = a_clock(scale=36_000)
    world = await a_world(store, clock, regions=["estuary"])
    sky, day = world.regions[0].sky, world.calendar.seconds_per_day
    foretold = [*changes(sky, (), clock.game_anchor, clock.game_anchor + 100 * day)]
    since, missed = next(
        (before.seconds, after)
        for before, *after in zip(*(foretold[n:] for n in range(4)), strict=False)
        if after[0].seconds - before.seconds > day >= after[-1].seconds - after[0].seconds
    )
    for seconds in (since, missed[-1].seconds):
        moment = clock.real_moment(seconds)
        assert moment is not None
        await tell_weather(store, WORLD, "estuary", moment)
    entries = await told(store, "estuary")
    assert [entry.data["since"] for entry in entries] == [change.seconds for change in missed]


async def test_an_order_makes_one_weather_whatever_comes_between(store: Store) -> None:
    clock = a_clock()
    await a_world(store, clock, regions=["estuary"])
    now = clock.anchor + timedelta(seconds=5)

    def order(key: str, state: Weather | None, hours: float | None = None) -> WeatherOrder:
        return WeatherOrder(
            world_id=WORLD, region="estuary", at=now, key=key, state=state, hours=hours, by="x"
        )

    async def make(it: WeatherOrder) -> Imposition:
        made = await impose_weather(store, it)
        assert made is not None
        return made

    first = await make(order("one", W.FOG, 10))
    second = await make(order("two", W.SNOW))
    assert await make(order("one", W.FOG, 10)) == first
    assert second.until_seconds is None
    third = await make(order("three", W.RAIN, 1))
    region = await region_now(store, "estuary")
    assert [i.state for i in region.imposed if i.covers(third.from_seconds)] == [W.FOG, W.RAIN]
    # What had no end ended when another was made; the fog, which has one, comes back.
    assert third.until_seconds is not None
    assert region.weather_at(third.from_seconds) is W.RAIN
    assert region.weather_at(third.until_seconds) is W.FOG
    await make(order("clear", None))
    await make(order("four", W.STORM, 2))
    await make(order("clear", None))
    assert (await region_now(store, "estuary")).weather_at(first.from_seconds + 60) is not W.FOG
    states = [(e.data["state"], e.data["cause"]) for e in await told(store, "estuary")]
    assert [s for s in states if s[1] == "imposed"] == [
        ("fog", "imposed"), ("snow", "imposed"), ("rain", "imposed"), ("storm", "imposed")
    ]  # fmt: skip
    assert sum(cause == "cleared" for _, cause in states) == 1
    assert states[-1] == ("storm", "imposed")


async def test_no_such_region_is_said_so(store: Store) -> None:
    await a_world(store, a_clock(), regions=["estuary"])
    assert await tell_weather(store, WORLD, "Moon", a_clock().anchor) is None
