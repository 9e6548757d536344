"""Arcs as designers keep them: one a YAML file. Read anew for each use, so that an edit counts."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from loreloom.domain.arc import ArcDefinition
from loreloom.domain.wrong_fields import wrong_fields

MAX_FILE_BYTES = 512 * 1024


class ArcFileError(Exception):
    """A file that is no arc. ``reason`` names each field that is wrong."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(f"{file}: {reason}")
        self.file = file
        self.reason = reason


def arc_files(folder: Path | None) -> list[Path]:
    """The files of a folder that are arcs; none if there is no such folder."""
    return [] if folder is None or not folder.is_dir() else sorted(folder.glob("*.yaml"))


def read_arc(file: Path) -> ArcDefinition:
    """The arc of a file. Raises ``ArcFileError`` if it is none."""
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise ArcFileError(file, f"an arc may have {MAX_FILE_BYTES} bytes")
        return ArcDefinition.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise ArcFileError(file, wrong_fields(error, "arc")) from None
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise ArcFileError(file, str(error).replace("\n", " ")) from None


def find_arc_file(folder: Path | None, arc: str) -> ArcDefinition | None:
    """The arc of that name in a folder, or ``None``. Raises ``ArcFileError`` if it is unsound.

    A file has the name of its arc.
    """
    for file in arc_files(folder):
        if file.stem == arc:
            return read_arc(file)
    return None
