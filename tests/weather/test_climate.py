"""What a climate's file must hold, and what a designer is told who gets it wrong."""

from itertools import islice
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from loreloom.content.climates import load_climates
from loreloom.content.files import ContentError
from loreloom.domain.calendar import HOUR, Calendar, Month
from loreloom.domain.climate import Climate
from loreloom.domain.climates import TEMPERATE, ClimateBook, Place, weathers_by_season
from loreloom.domain.sky import Sky, state_at, states_from
from loreloom.domain.weather import Weather
from tests.weather.climates import BOOK, CLIMATES, CONTENT, FIVE, a_sky

SOUND: dict[str, object] = {
    "name": "moor",
    "hours_between": 2,
    "seasons": [
        {"name": "wet", "temperature": 8, "shares": {"rain": 50, "mist": 30, "clear": 20}},
        {"name": "dry", "temperature": 14, "shares": {"clear": 70, "mist": 30}},
    ],
    "follows": {"mist": ["rain", "clear"]},
}


def wrong(**changes: object) -> str:
    """What is said of a climate that is sound but for these changes."""
    with pytest.raises(ValidationError) as refused:
        Climate.model_validate(SOUND | changes)
    return str(refused.value)


def season(**shares: float) -> list[dict[str, object]]:
    return [{"name": "all", "temperature": 8, "shares": shares}]


def test_a_sound_climate_is_taken_and_what_follows_holds_both_ways() -> None:
    moor = Climate.model_validate(SOUND)
    assert moor.after(Weather.CLEAR) == {Weather.MIST}
    assert moor.after(Weather.MIST) == {Weather.RAIN, Weather.CLEAR}
    assert Climate.model_validate(moor.model_dump(mode="json")).digest == moor.digest


def test_the_climate_that_the_page_shows_is_sound() -> None:
    page = (CONTENT.parent / "docs" / "weather.md").read_text(encoding="utf-8")
    shown = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])
    assert Climate.model_validate(shown).name == "covered_river"


def test_shares_must_make_a_whole() -> None:
    assert "make 90, not 100" in wrong(seasons=season(rain=60, mist=30))
    assert "greater than or equal" in wrong(seasons=season(rain=110, mist=-10))


def test_every_weather_of_a_season_must_lead_to_every_other() -> None:
    said = wrong(seasons=season(rain=50, mist=25, clear=25), follows={"mist": ["clear"]})
    assert "in all, no chain of weathers leads from clear to rain" in said


def test_a_weather_must_be_able_to_end_in_a_season_that_lacks_it() -> None:
    said = wrong(follows={"mist": ["clear", "rain"], "clear": ["snow"]})
    assert "snow follows or is followed, but no season has it" in said
    seasons = [
        {"name": "wet", "temperature": 8, "shares": {"rain": 50, "mist": 50}},
        {"name": "dry", "temperature": 8, "shares": {"clear": 100}},
    ]
    said = wrong(seasons=seasons)
    assert "rain cannot end when dry comes" in said


def test_a_weather_must_not_outlive_its_season() -> None:
    said = wrong(seasons=season(rain=98, mist=1, clear=1), hours_between=4)
    assert "rain would last 400 hours on average in all" in said


def test_a_season_comes_once_and_values_make_sense() -> None:
    assert "the season all is there twice" in wrong(
        seasons=season(mist=100) + season(mist=100), follows={}
    )
    assert "lower end" in wrong(states={"rain": {"wind": [30, 10]}})
    assert "coldest" in wrong(states={"rain": {"coldest": 30, "warmest": 10}})
    assert "extra" in wrong(weather="wet").lower()


@st.composite
def climates(draw: st.DrawFn) -> dict[str, object]:
    """Climates as designers might write them, sound or not."""
    weathers = draw(st.lists(st.sampled_from(list(Weather)), min_size=1, max_size=5, unique=True))
    names = ["spring", "autumn"]
    seasons = []
    for name in names:
        some = draw(st.lists(st.sampled_from(weathers), min_size=1, unique=True))
        cuts = draw(st.lists(st.integers(1, 8), min_size=len(some), max_size=len(some)))
        shares = {w.value: 100 * cut / sum(cuts) for w, cut in zip(some, cuts, strict=True)}
        seasons.append({"name": name, "temperature": 5, "shares": shares})
    pairs = draw(st.lists(st.tuples(st.sampled_from(weathers), st.sampled_from(weathers))))
    follows: dict[str, list[str]] = {}
    for one, other in pairs:
        follows.setdefault(one.value, []).append(other.value)
    return {"name": "drawn", "hours_between": 1, "seasons": seasons, "follows": follows}


@settings(max_examples=300, deadline=None)
@given(climates(), st.integers(0, 10**6))
def test_what_the_check_lets_through_always_has_a_weather(
    drawn: dict[str, object], seed: int
) -> None:
    """Every climate that passes is found by coupling, and in each season comes to that season's."""
    try:
        climate = Climate.model_validate(drawn)
    except ValidationError:
        return
    sky = Sky(
        name="here", seed=seed, climate=climate, calendar=Calendar(seasons=("spring", "autumn"))
    )
    for number, of_season in enumerate(climate.seasons):
        assert state_at(sky, 24 * (30 * number + 29)) in of_season.shares


def test_the_example_world_has_five_climates_and_every_region_has_one_of_them() -> None:
    assert FIVE == ["cistern", "covered_river", "estuary", "hilltop", "kilns"]
    world = yaml.safe_load((CONTENT / "world.yaml").read_text())
    for region in world["regions"]:
        assert BOOK.climate_of(region["name"]).name in FIVE
    assert BOOK.climate_of("Nowhere") == TEMPERATE
    assert BOOK.sky_of("Bellgate Hill") == BOOK.sky_of("Staithe Side") == "above"
    assert BOOK.sky_of("Kilnwarren") == "Kilnwarren"


def test_below_ground_no_snow_falls() -> None:
    outside = {Weather.SNOW, Weather.STORM, Weather.PARTLY_CLOUDY, Weather.BLIZZARD}
    for name in ("cistern", "covered_river", "kilns"):
        assert not BOOK.climates[name].weathers & outside


def test_a_region_in_a_climate_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValidationError, match="no such"):
        ClimateBook(places={"Moor": Place(climate="moor")})


def test_a_wrong_file_is_named_with_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "climates").mkdir()
    file = tmp_path / "climates" / "moor.yaml"
    file.write_text(yaml.safe_dump(SOUND | {"hours_between": 0}))
    with pytest.raises(ContentError, match="hours_between") as refused:
        load_climates(tmp_path)
    assert refused.value.file == file
    file.write_text("name: [")
    with pytest.raises(ContentError, match="no YAML"):
        load_climates(tmp_path)
    file.write_text(yaml.safe_dump(SOUND))
    assert set(load_climates(tmp_path).climates) == {"moor"}
    assert load_climates(tmp_path / "nothing") == ClimateBook()


@pytest.mark.parametrize("name", sorted(CLIMATES))
def test_no_sky_has_a_weather_that_its_season_cannot_have(name: str) -> None:
    sky = a_sky(name)
    can_be = weathers_by_season(sky.climate, sky.calendar)
    year = sky.calendar.days_per_year * sky.calendar.hours_per_day
    for hour, state in enumerate(islice(states_from(sky, 0), year)):
        assert state in can_be[sky.calendar.read(hour * HOUR).season]


def test_a_year_of_one_season_has_its_own_weathers() -> None:
    months = (Month(name="All", days=30, season="wet"),)
    calendar = Calendar(seasons=("wet",), months=months)
    moor = Climate.model_validate(SOUND)
    assert weathers_by_season(moor, calendar) == {"wet": frozenset(moor.seasons[0].shares)}
