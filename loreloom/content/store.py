"""What is for sale in the content folder."""

from pathlib import Path

from loreloom.content.files import read_model
from loreloom.domain.price_book import PriceBook


def load_price_book(content: Path) -> PriceBook:
    """The price book of ``store.yaml``; an empty one where there is no such file.

    ``content`` is the content folder. Raises ``ContentError``.
    """
    file = content / "store.yaml"
    return read_model(file, PriceBook) if file.exists() else PriceBook()
