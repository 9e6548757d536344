"""The calendar of the content folder, which a world of the canon `default` counts its time by."""

from pathlib import Path
from typing import Any

import yaml

from loreloom.domain.calendar import Calendar


def load_calendar(content: Path) -> Calendar:
    """The calendar of ``calendar.yaml``, or the default one where there is no such file.

    Raises pydantic's ``ValidationError``, which names what is wrong in it.
    """
    file = content / "calendar.yaml"
    if not file.exists():
        return Calendar()
    written: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    parts = written.pop("parts", None)
    if parts is not None:
        written["part_starts"] = list(parts.items())
    return Calendar.model_validate(written)
