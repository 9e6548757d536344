"""Named characters: where they are at an hour, and how they feel after a day."""

from collections.abc import Iterable, Mapping, Sequence
from random import Random

from loreloom.domain.living.content import CharacterContent, Temper
from loreloom.domain.living.world import (
    BASE_MOOD,
    TROUBLED,
    Happening,
    HappeningKind,
    LivingWorld,
    bounded,
)

SWINGS: Mapping[Temper, int] = {
    Temper.CHEERFUL: 80,
    Temper.CALM: 50,
    Temper.PROUD: 110,
    Temper.ANXIOUS: 140,
    Temper.GLOOMY: 100,
}
"""Percent of its weight with which a happening moves a character."""

ACTOR: Mapping[HappeningKind, int] = {
    HappeningKind.TRADED: 8,
    HappeningKind.ALLIED: 14,
    HappeningKind.FEUDED: -12,
    HappeningKind.EXPANDED: 22,
    HappeningKind.REPELLED: -14,
    HappeningKind.RECOVERED: 3,
}
"""What an act of its own faction does to a character's mood."""

OTHER: Mapping[HappeningKind, int] = {
    HappeningKind.TRADED: 6,
    HappeningKind.ALLIED: 12,
    HappeningKind.FEUDED: -16,
    HappeningKind.EXPANDED: -26,
    HappeningKind.REPELLED: 12,
}
"""What an act of another faction towards its own does to it."""

NEIGHBOUR: Mapping[HappeningKind, int] = {
    HappeningKind.FEUDED: -8,
    HappeningKind.EXPANDED: -6,
    HappeningKind.REPELLED: -4,
    HappeningKind.DEAR: -8,
    HappeningKind.CHEAP: 5,
}
"""What a happening in the region where it lives does to it."""

MOOD_WORDS = ((60, "in high spirits"), (20, "content"), (-20, "even"), (-60, "low"))
LOWEST = "in despair"
BACK = 8
"""A mood goes back by this part of its distance from what it usually is, each day."""


def place_of(character: CharacterContent, part: str, world: LivingWorld) -> str:
    """Where a character is in a part of the day; while there is trouble at home, it stays there."""
    if world.trouble.get(character.home, 0) >= TROUBLED:
        return character.home
    return character.routine.get(part, character.home)


def mood_in_words(mood: int) -> str:
    """A mood as one would say it."""
    return next((words for least, words in MOOD_WORDS if mood >= least), LOWEST)


def moods_after(
    moods: Mapping[str, int],
    characters: Iterable[CharacterContent],
    happenings: Sequence[Happening],
    chance: Random,
) -> dict[str, int]:
    """How everyone feels after a day: moved by what touched them, drawn back by their temper."""
    actors: dict[str, int] = {}
    others: dict[str, int] = {}
    regions: dict[str, int] = {}
    for happening in happenings:
        for number, name in enumerate(happening.who):
            effects, total = (OTHER, others) if number else (ACTOR, actors)
            total[name] = total.get(name, 0) + effects.get(happening.kind, 0)
        if happening.region is not None:
            moved = NEIGHBOUR.get(happening.kind, 0)
            regions[happening.region] = regions.get(happening.region, 0) + moved
    return {
        character.name: _felt(
            moods[character.name],
            character.temper,
            actors.get(character.faction or "", 0)
            + others.get(character.faction or "", 0)
            + regions.get(character.home, 0),
            chance.randint(-3, 3),
        )
        for character in characters
    }


def _felt(mood: int, temper: Temper, moved: int, whim: int) -> int:
    back = (BASE_MOOD[temper] - mood) // BACK
    return bounded(mood + back + moved * SWINGS[temper] // 100 + whim, -100, 100)
