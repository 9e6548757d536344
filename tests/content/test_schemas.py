"""The schemas that designers' editors hold their files against."""

import json
from pathlib import Path

import pytest

from loreloom.workers.content_schemas import SCHEMAS, schema_of


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.name)
def test_the_published_schema_is_the_models(file: Path) -> None:
    told = "run: python -m loreloom.workers.content_schemas"
    assert file.read_text(encoding="utf-8") == schema_of(SCHEMAS[file]), told


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.name)
def test_the_published_schema_names_every_field_and_no_other(file: Path) -> None:
    schema = json.loads(file.read_text(encoding="utf-8"))
    assert set(schema["properties"]) == set(SCHEMAS[file].model_fields)
    assert schema["additionalProperties"] is False
