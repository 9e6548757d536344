"""Reads the climates of a content folder, and says which file is wrong and how."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from loreloom.domain.climate import Climate
from loreloom.domain.climates import ClimateBook, Place


class ClimateContentError(Exception):
    """A file of the content folder cannot be used; ``where`` names it."""

    def __init__(self, where: Path, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


def load_climates(folder: Path) -> ClimateBook:
    """The climates of ``climates/*.yaml``, and the places that ``world.yaml`` gives its regions.

    A folder without either has none. Raises ``ClimateContentError``.
    """
    climates: dict[str, Climate] = {}
    for file in sorted((folder / "climates").glob("*.yaml")):
        climate = _climate(file)
        if climate.name in climates:
            raise ClimateContentError(file, f"there is a climate {climate.name} already")
        climates[climate.name] = climate
    world = folder / "world.yaml"
    try:
        return ClimateBook(climates=climates, places=_places(world))
    except ValidationError as error:
        raise ClimateContentError(world, said(error)) from None


def _climate(file: Path) -> Climate:
    try:
        return Climate.model_validate(_read(file))
    except ValidationError as error:
        raise ClimateContentError(file, said(error)) from None


def _places(world: Path) -> dict[str, Place]:
    if not world.exists():
        return {}
    regions = _read(world).get("regions") or ()
    return {
        region["name"]: Place(climate=region["climate"], sky=region.get("sky"))
        for region in regions
        if "climate" in region
    }


def _read(file: Path) -> dict[str, Any]:
    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ClimateContentError(file, f"this is no YAML: {error}") from None
    if not isinstance(read, dict):
        raise ClimateContentError(file, "the file must hold keys with values")
    return read


def said(error: ValidationError) -> str:
    """What is wrong, and in which field."""
    found = error.errors(include_url=False, include_input=False)
    return "; ".join(
        f"{'.'.join(map(str, e['loc']))}: {e['msg']}" if e["loc"] else e["msg"] for e in found
    )
