"""How a workflow hears the payment provider's word, or goes on without it."""

from datetime import timedelta

from temporalio import workflow


class Listening:
    """Hears the provider's word. What it says is of no matter: whoever hears it looks."""

    def __init__(self) -> None:
        self._word = False

    @workflow.signal
    def provider_said(self) -> None:
        """The provider has told something about this."""
        self._word = True

    async def heard(self, wait: timedelta) -> bool:
        """Whether a word came within that time."""
        try:
            await workflow.wait_condition(lambda: self._word, timeout=max(wait, timedelta(0)))
        except TimeoutError:
            return False
        self._word = False
        return True
