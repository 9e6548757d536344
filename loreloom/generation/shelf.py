"""The quest templates of a folder as it is now, so that a template is mended under running stories.

The folder is looked at when a template is needed: two dozen files are asked for their time and
size, and read again only if one of them has changed.
"""

import logging
from pathlib import Path

from loreloom.generation.templates import TemplateFileError, TemplateLibrary, load_templates

log = logging.getLogger(__name__)

Marks = frozenset[tuple[str, int, int]]


class TemplateShelf:
    """The templates of a folder; after an edit that cannot be used, those of before it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._marks: Marks | None = None
        self._library: TemplateLibrary | None = None
        self._problem: TemplateFileError | None = None

    def now(self) -> TemplateLibrary:
        """The templates. Raises ``TemplateFileError`` if there never were any that can be used."""
        self._look()
        if self._library is None:
            assert self._problem is not None
            raise self._problem
        return self._library

    def problem(self) -> TemplateFileError | None:
        """Why the folder cannot be used as it is now, if it cannot."""
        self._look()
        return self._problem

    def _look(self) -> None:
        # Before the reading: a file that is written meanwhile is read again at the next look.
        marks = _marks_of(self._folder)
        if marks == self._marks:
            return
        again = self._marks is not None
        self._marks = marks
        try:
            self._library, self._problem = load_templates(self._folder), None
        except TemplateFileError as problem:
            self._problem = problem
            log.warning("the quest templates stay as they were: %s", problem)
            return
        if again:
            log.info("the quest templates of %s were read again", self._folder)


def _marks_of(folder: Path) -> Marks:
    """What tells one state of the folder from another, without reading its files."""
    found = set()
    for file in folder.glob("*.yaml"):
        try:
            stat = file.stat()
        except OSError:
            continue
        found.add((file.name, stat.st_mtime_ns, stat.st_size))
    return frozenset(found)
