"""The price book, read from the designers' file."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from loreloom.domain.price_book import PriceBook
from loreloom.domain.wrong_fields import wrong_fields


class PriceBookError(Exception):
    """The file is not a price book. The message names the file and each wrong field."""


def load_price_book(file: Path) -> PriceBook:
    """The price book in a file; an empty one if there is no file. Raises ``PriceBookError``."""
    if not file.exists():
        return PriceBook()
    try:
        return PriceBook.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")) or {})
    except ValidationError as error:
        raise PriceBookError(f"{file}: {wrong_fields(error, 'price book')}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PriceBookError(f"{file}:{line}: this is no YAML: {error.problem}") from None
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise PriceBookError(f"{file}: {error}") from None
