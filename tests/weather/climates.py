"""The climates that the tests are about: those of the example world, and the default one."""

from pathlib import Path

import loreloom
from loreloom.content.climates import load_climates
from loreloom.domain.calendar import Calendar
from loreloom.domain.climate import Climate
from loreloom.domain.climates import TEMPERATE
from loreloom.domain.sky import Sky

CONTENT = Path(loreloom.__file__).parents[1] / "content"
BOOK = load_climates(CONTENT)
CLIMATES: dict[str, Climate] = {**BOOK.climates, TEMPERATE.name: TEMPERATE}
FIVE = sorted(BOOK.climates)


def a_sky(climate: str = "temperate", *, seed: int = 7, calendar: Calendar | None = None) -> Sky:
    return Sky(
        name="Harbour", seed=seed, climate=CLIMATES[climate], calendar=calendar or Calendar()
    )
