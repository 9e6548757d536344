"""The JSON schemas of what designers write, for editors that check as one types.

``python -m loreloom.workers.content_schemas`` writes them; a test holds the files against it.
"""

import json
from pathlib import Path

from pydantic import BaseModel

from loreloom.domain.arc import ArcDefinition
from loreloom.domain.templates import QuestTemplate
from loreloom.workers.settings import PROJECT

SCHEMAS: dict[Path, type[BaseModel]] = {
    PROJECT / "content" / "arc.schema.json": ArcDefinition,
    PROJECT / "content" / "quest.schema.json": QuestTemplate,
}


def schema_of(model: type[BaseModel]) -> str:
    """The schema as its file holds it."""
    named = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **model.model_json_schema(),
    }
    return json.dumps(named, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    for file, model in SCHEMAS.items():
        file.write_text(schema_of(model), encoding="utf-8")
