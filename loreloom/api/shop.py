"""What the API needs to sell: the price book, how long a checkout is open, and signatures."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from loreloom.domain.price_book import PriceBook
from loreloom.domain.provider import ToldEvent


class BadWebhook(Exception):
    """The body was not signed by the provider, or is no event. Says no more than that."""


class WebhookReader(Protocol):
    """Tells the provider's own words from anybody else's."""

    def __call__(self, body: bytes, signature: str) -> ToldEvent:
        """The event in a body. Raises ``BadWebhook``."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Shop:
    """A store that is open: there is a provider to pay at.

    An unpaid checkout closes after ``expiry``; a provider that is silent is first looked at after
    ``look``.
    """

    book: PriceBook
    read_webhook: WebhookReader
    expiry: timedelta = timedelta(hours=1)
    look: timedelta = timedelta(seconds=30)
