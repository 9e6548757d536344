"""The price book, read from the designers' file."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from loreloom.domain.price_book import PriceBook


class PriceBookError(Exception):
    """The file is not a price book. The message names the file and each wrong field."""


def load_price_book(file: Path) -> PriceBook:
    """The price book in a file; an empty one if there is no file. Raises ``PriceBookError``."""
    if not file.exists():
        return PriceBook()
    try:
        return PriceBook.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")) or {})
    except (ValidationError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise PriceBookError(f"{file}: {error}") from error
