"""One day of a living world. The same world, day and seed give the same next world."""

from loreloom.domain.chance import generator
from loreloom.domain.living.characters import moods_after
from loreloom.domain.living.content import LifeContent
from loreloom.domain.living.factions import faction_day
from loreloom.domain.living.markets import market_day
from loreloom.domain.living.world import Happening, LivingWorld


def live_day(
    world: LivingWorld, day: int, seed: int, content: LifeContent, season: str = ""
) -> tuple[LivingWorld, tuple[Happening, ...]]:
    """The world after ``day``, and everything that happened on it, great and small.

    ``content`` is the part of it that the world has regions for (``LifeContent.within``), and the
    world is ``fitted`` to it.
    """
    board = faction_day(world, content, day, generator(seed, "life", day, "factions"))
    markets, priced = market_day(
        world.markets, board.trouble, content, day, season, generator(seed, "life", day, "markets")
    )
    happenings = (*board.told, *priced)
    moods = moods_after(
        world.moods, content.characters, happenings, generator(seed, "life", day, "moods")
    )
    after = LivingWorld(
        day=day,
        factions=board.factions,
        held=board.held,
        regard=board.regard,
        markets=markets,
        trouble=board.trouble,
        moods=moods,
        goals=world.goals,
    )
    return after, happenings
