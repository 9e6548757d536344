"""The calendar of the content folder, which a world of the canon `default` counts its time by."""

from pathlib import Path

from loreloom.content.files import ContentError, checked, read_keys
from loreloom.domain.calendar import Calendar


def load_calendar(content: Path) -> Calendar:
    """The calendar of ``calendar.yaml``, or the default one where there is no such file.

    Raises ``ContentError``.
    """
    file = content / "calendar.yaml"
    if not file.exists():
        return Calendar()
    written = read_keys(file)
    parts = written.pop("parts", None)
    if parts is not None:
        if not isinstance(parts, dict):
            raise ContentError(file, "parts: each part of the day has the hour at which it begins")
        written["part_starts"] = list(parts.items())
    return checked(file, Calendar, written)
