"""Quest templates as designers keep them, to be read and edited. Read anew for each use."""

from pathlib import Path

NO_TEMPLATE = "epilogues"
"""A file of the folder that holds the plain epilogues."""


def template_texts(folder: Path | None) -> dict[str, str]:
    """The text of each template of a folder, by the template's id; none without a folder.

    A file has the name of its template.
    """
    files = [] if folder is None else sorted(folder.glob("*.yaml"))
    return {
        file.stem: file.read_text(encoding="utf-8-sig")
        for file in files
        if file.stem != NO_TEMPLATE
    }
