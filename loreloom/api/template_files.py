"""Quest templates as designers keep them, to be read and edited. Read anew for each use."""

from pathlib import Path

import yaml

from loreloom.api.errors import invalid

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


def loaded_template(text: str) -> object:
    """What a template's text holds, not checked yet. Raises ``ApiError`` if it is no YAML."""
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise invalid("template", f"this is no YAML: {error}".replace("\n", " ")) from None
