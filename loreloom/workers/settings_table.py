"""The table of settings in the documentation, made from the settings themselves.

``python -m loreloom.workers.settings_table`` writes it anew; a test holds the pages against it.
"""

from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from loreloom.workers.settings import PROJECT, Settings

PAGES = (PROJECT / "README.md", PROJECT / "docs" / "settings.md")
BEGIN = "<!-- settings table: written by `python -m loreloom.workers.settings_table` -->\n"
END = "<!-- end of the settings table -->\n"


def shown_default(field: FieldInfo) -> str:
    """A default as an operator would type it."""
    value = field.default
    if value is None or value == () or isinstance(value, SecretStr):
        return "–"
    if isinstance(value, Path):
        return f"`{value.relative_to(PROJECT)}`"
    if isinstance(value, tuple):
        return f"`{','.join(value)}`"
    return f"`{value}`"


def table() -> str:
    """The table as Markdown, one line a setting."""
    rows = [
        f"| `{name.upper()}` | {shown_default(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| setting | default | meaning |", "| --- | --- | --- |", *rows]) + "\n"


def renewed(page: str) -> str:
    """The page with its table made anew."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return head + BEGIN + table() + END + tail


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")
