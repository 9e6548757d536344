"""Reads what lives by itself from a content folder, and says which file is wrong and how."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from loreloom.domain.living.content import NO_LIFE, LifeContent


class LifeContentError(Exception):
    """A file of the content folder cannot be used; ``where`` names it, or the folder."""

    def __init__(self, where: Path, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


def load_life(folder: Path) -> LifeContent:
    """What lives in the worlds of the folder's canon; a folder without a world has nothing.

    ``world.yaml`` names canon and regions, ``factions/`` has one file a faction, ``goods.yaml``,
    ``characters.yaml`` and ``facts.yaml`` the rest; each of them may be missing. Raises
    ``LifeContentError``.
    """
    world_file = folder / "world.yaml"
    if not world_file.exists():
        return NO_LIFE
    world = _read(world_file)
    found: dict[str, Any] = {
        "canon": world.get("canon", NO_LIFE.canon),
        "regions": [region["name"] for region in world.get("regions", ())],
        "factions": [_read(file) for file in sorted((folder / "factions").glob("*.yaml"))],
    }
    for part in ("goods", "characters", "facts"):
        file = folder / f"{part}.yaml"
        if file.exists():
            found[part] = _read(file).get(part, ())
    try:
        return LifeContent.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise LifeContentError(folder, _said(first["loc"], first["msg"], found)) from None


def _read(file: Path) -> dict[str, Any]:
    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise LifeContentError(file, f"this is no YAML: {error}") from None
    if not isinstance(read, dict):
        raise LifeContentError(file, "the file must hold keys with values")
    return read


def _said(path: tuple[int | str, ...], message: str, found: dict[str, Any]) -> str:
    """Where in the content it is wrong: a part is called by its name rather than by its number."""
    if len(path) < 2 or not isinstance(path[1], int):
        return f"{'.'.join(map(str, path))}: {message}" if path else message
    part = found[str(path[0])][path[1]]
    name = part.get("name", path[1]) if isinstance(part, dict) else path[1]
    return f"{path[0]}: {name}: {'.'.join(map(str, path[2:]))}: {message}"
