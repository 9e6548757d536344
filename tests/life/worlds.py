"""Living worlds for the tests: the example one, and one as large as an issue promised."""

from pathlib import Path
from random import Random

from loreloom.content.life import load_life
from loreloom.domain.calendar import Calendar
from loreloom.domain.ids import CanonName
from loreloom.domain.living.content import (
    CharacterContent,
    FactionContent,
    Goal,
    GoodContent,
    LifeContent,
    Temper,
)
from loreloom.domain.living.day import live_day
from loreloom.domain.living.world import Happening, LivingWorld, beginning

CONTENT = Path(__file__).parents[2] / "content"
YEARS_CALENDAR = Calendar()


def example() -> LifeContent:
    """The example world's content."""
    return load_life(CONTENT)


def season_of(day: int) -> str:
    """The season of a day by the calendar that worlds have by default."""
    return YEARS_CALENDAR.read(day * YEARS_CALENDAR.seconds_per_day).season


def lived(
    content: LifeContent, days: int, seed: int = 7
) -> tuple[LivingWorld, list[tuple[Happening, ...]]]:
    """A world after so many days, and what happened on each."""
    world, happened = beginning(content), []
    for day in range(1, days + 1):
        world, today = live_day(world, day, seed, content, season_of(day))
        happened.append(today)
    return world, happened


def large(factions: int = 12, regions: int = 40, characters: int = 300) -> LifeContent:
    """A world of made-up names of that size, always the same."""
    chance = Random(412)
    names = [f"Region {number}" for number in range(regions)]
    houses = [f"House {number}" for number in range(factions)]
    return LifeContent(
        canon=CanonName("default"),
        regions=tuple(names),
        factions=tuple(
            FactionContent(
                name=house,
                goals={goal: chance.randint(1, 4) for goal in chance.sample(list(Goal), 3)},
                wealth=chance.randint(20, 80),
                strength=chance.randint(20, 80),
                seat=names[number],
                holds=tuple(names[number::factions]),
                regards={other: chance.randint(-50, 50) for other in houses[:number]},
            )
            for number, house in enumerate(houses)
        ),
        goods=tuple(
            GoodContent(
                name=f"good {number}",
                price=chance.randint(2, 60),
                makes=dict.fromkeys(chance.sample(names, min(10, regions)), 80),
                wants={
                    name: chance.randint(10, 40) for name in chance.sample(names, min(30, regions))
                },
                by_season={"winter": 130, "summer": 80},
            )
            for number in range(12)
        ),
        characters=tuple(
            CharacterContent(
                name=f"Person {number}",
                home=chance.choice(names),
                faction=chance.choice([*houses, None]),
                temper=chance.choice(list(Temper)),
                routine={"day": chance.choice(names)},
            )
            for number in range(characters)
        ),
    )
