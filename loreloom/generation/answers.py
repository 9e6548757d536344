"""What a model may answer: free text held by a pattern, or a choice among given things."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Schema = dict[str, object]


class Answer(Protocol):
    """A kind of answer, as a part of a JSON schema."""

    @property
    def schema(self) -> Schema:
        """The JSON schema of this answer."""
        ...


@dataclass(frozen=True, slots=True)
class FreeText:
    """Text that matches a pattern from its first character to its last."""

    pattern: str

    @property
    def schema(self) -> Schema:
        """A string with the pattern."""
        return {"type": "string", "pattern": f"^{self.pattern}$"}


@dataclass(frozen=True, slots=True)
class ChoiceAmong:
    """One of the given texts. At least one must be given."""

    options: tuple[str, ...]

    @property
    def schema(self) -> Schema:
        """A string out of a closed list."""
        if not self.options:
            raise ValueError("a choice needs something to choose among")
        return {"type": "string", "enum": list(self.options)}


@dataclass(frozen=True, slots=True)
class Fields:
    """An object with exactly these fields, in their order."""

    fields: tuple[tuple[str, Answer], ...]

    @property
    def schema(self) -> Schema:
        """An object that requires each field and allows no other."""
        return {
            "type": "object",
            "properties": {name: answer.schema for name, answer in self.fields},
            "required": [name for name, _ in self.fields],
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True)
class Row:
    """A list with exactly these answers, in their order."""

    places: Sequence[Answer]

    @property
    def schema(self) -> Schema:
        """An array with a schema for each place."""
        return {
            "type": "array",
            "prefixItems": [place.schema for place in self.places],
            "items": False,
            "minItems": len(self.places),
            "maxItems": len(self.places),
        }
