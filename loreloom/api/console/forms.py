"""What a form says, as the body that a caller of the API would send."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from loreloom.api.http.errors import invalid
from loreloom.api.http.problems import field_errors

B = TypeVar("B", bound=BaseModel)


def body_of(model: type[B], given: Mapping[str, object]) -> B:
    """The body with these fields. Raises ``ApiError`` that names the first that is not valid."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        found = field_errors(error.errors())
        raise invalid(found[0].field, found[0].message) from None
