"""What it means when the provider does not do what it was asked."""


class ProviderError(Exception):
    """The provider did not do what it was asked.

    Its own words stay out of this: they can hold what belongs in no log and no history.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ProviderRefused(ProviderError):
    """It never will: the same request would be refused again."""


class ProviderAway(ProviderError):
    """It may yet: it is away, busy, or does not take our key."""
