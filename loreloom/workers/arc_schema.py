"""Writes the JSON schema of arcs, for editors: ``python -m loreloom.workers.arc_schema``."""

import json
from pathlib import Path

from loreloom.domain.arc import ArcDefinition
from loreloom.workers.settings import PROJECT

FILE = PROJECT / "content" / "arc.schema.json"


def schema() -> str:
    """The schema as the file holds it."""
    made = ArcDefinition.model_json_schema()
    named = {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
    return json.dumps(named, indent=2, sort_keys=True) + "\n"


def write(file: Path = FILE) -> None:
    """Write the schema to its file."""
    file.write_text(schema(), encoding="utf-8")


if __name__ == "__main__":
    write()
