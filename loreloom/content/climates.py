"""The climates of the content folder, and the places that its regions have under the sky."""

from pathlib import Path

from pydantic import ValidationError

from loreloom.content.files import ContentError, read_model
from loreloom.content.world import load_world
from loreloom.domain.climate import Climate
from loreloom.domain.climates import ClimateBook, Place
from loreloom.domain.wrong_fields import wrong_fields


def load_climates(folder: Path) -> ClimateBook:
    """The climates of ``climates/*.yaml``, and the places that ``world.yaml`` gives its regions.

    A folder without either has none. Raises ``ContentError``.
    """
    climates: dict[str, Climate] = {}
    for file in sorted((folder / "climates").glob("*.yaml")):
        climate = read_model(file, Climate)
        if climate.name in climates:
            raise ContentError(file, f"there is a climate {climate.name} already")
        climates[climate.name] = climate
    try:
        return ClimateBook(climates=climates, places=_places(folder))
    except ValidationError as error:
        raise ContentError(folder / "world.yaml", wrong_fields(error)) from None


def _places(folder: Path) -> dict[str, Place]:
    world = load_world(folder)
    return {
        region.name: Place(climate=region.climate, sky=region.sky)
        for region in (world.regions if world is not None else ())
        if region.climate is not None
    }
