"""The chronicle, as callers get it."""

from loreloom.api.schemas.fields import View
from loreloom.state.chronicle import Entry


class ChroniclePage(View):
    """A page of entries; ``next`` continues after it, null if nothing more has happened yet."""

    items: tuple[Entry, ...]
    next: str | None
