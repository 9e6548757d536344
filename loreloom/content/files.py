"""Reads a file of the content folder, and says which file is wrong and how."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from loreloom.domain.wrong_fields import wrong_fields

Model = TypeVar("Model", bound=BaseModel)


class ContentError(Exception):
    """A file of the content folder cannot be used; ``file`` names it, or the folder."""

    def __init__(self, file: Path, reason: str, *, line: int | None = None) -> None:
        where = f"{file}" if line is None else f"{file}:{line}"
        super().__init__(f"{where}: {reason}")
        self.file = file
        self.reason = reason


def read_keys(file: Path) -> dict[str, Any]:
    """The keys of a YAML file with their values. Raises ``ContentError``."""
    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise ContentError(file, f"this is no YAML: {error.problem}", line=line) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ContentError(file, f"this is no YAML: {error}") from None
    except OSError as error:
        raise ContentError(file, f"the file cannot be read: {error.strerror}") from None
    if not isinstance(read, dict):
        raise ContentError(file, "the file must hold keys with values")
    return read


def read_model(file: Path, model: type[Model]) -> Model:
    """What a YAML file says, as the model has it. Raises ``ContentError``."""
    return checked(file, model, read_keys(file))


def checked(file: Path, model: type[Model], written: dict[str, Any]) -> Model:
    """What was read of a file, as the model has it. Raises ``ContentError``."""
    try:
        return model.model_validate(written)
    except ValidationError as error:
        raise ContentError(file, wrong_fields(error)) from None
