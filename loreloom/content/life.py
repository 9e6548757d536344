"""What lives by itself in the worlds of the content folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from loreloom.content.calendar import load_calendar
from loreloom.content.files import ContentError, read_keys
from loreloom.content.world import load_world
from loreloom.domain.calendar import Calendar
from loreloom.domain.living.content import NO_LIFE, LifeContent

PARTS = ("goods", "characters", "facts")


def load_life(folder: Path) -> LifeContent:
    """What lives in the worlds of the folder's canon; a folder without a world has nothing.

    ``world.yaml`` names canon and regions, ``factions/`` has one file a faction, ``goods.yaml``,
    ``characters.yaml`` and ``facts.yaml`` the rest; each of them may be missing. Raises
    ``ContentError``.
    """
    world = load_world(folder)
    if world is None:
        return NO_LIFE
    factions = sorted((folder / "factions").glob("*.yaml"))
    found: dict[str, Any] = {
        "canon": world.canon,
        "regions": [region.name for region in world.regions],
        "factions": [read_keys(file) for file in factions],
    }
    for part in PARTS:
        file = folder / f"{part}.yaml"
        if file.exists():
            found[part] = _read_part(file, part)
    try:
        living = LifeContent.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ContentError(
            _file_of(first["loc"], folder, factions), _said(first["loc"], first["msg"], found)
        ) from None
    _require_times(living, load_calendar(folder), folder)
    return living


def _read_part(file: Path, part: str) -> Any:
    """What a file says under its only key."""
    written = read_keys(file)
    for key in written:
        if key != part:
            raise ContentError(file, f"{key!r} is no key of this file; it has {part!r} alone")
    return written.get(part, ())


def _require_times(living: LifeContent, calendar: Calendar, folder: Path) -> None:
    """Raise ``ContentError`` if something is said of a time that the calendar lacks."""
    parts, seasons = {part for part, _ in calendar.part_starts}, set(calendar.seasons)
    for character in living.characters:
        for part in sorted(character.routine.keys() - parts):
            reason = f"{character.name}: routine: {part!r} is no part of the day"
            raise ContentError(folder / "characters.yaml", reason)
    for good in living.goods:
        for season in sorted(good.by_season.keys() - seasons):
            reason = f"{good.name}: by_season: {season!r} is no season"
            raise ContentError(folder / "goods.yaml", reason)


def _file_of(path: tuple[int | str, ...], folder: Path, factions: Sequence[Path]) -> Path:
    """The file that holds the value at a path; the folder for what several files say together."""
    match path:
        case ("factions", int(number), *_):
            return factions[number]
        case ("canon" | "regions", *_):
            return folder / "world.yaml"
        case (str(part), *_) if part in PARTS:
            return folder / f"{part}.yaml"
        case _:
            return folder


def _said(path: tuple[int | str, ...], message: str, found: dict[str, Any]) -> str:
    """Where in the content it is wrong: a part is called by its name rather than by its number."""
    if len(path) < 2 or not isinstance(path[1], int):
        return f"{'.'.join(map(str, path))}: {message}" if path else message
    part = found[str(path[0])][path[1]]
    name = part.get("name", path[1]) if isinstance(part, dict) else path[1]
    return ": ".join(filter(None, (f"{path[0]}: {name}", ".".join(map(str, path[2:])), message)))
