"""The gate before each workflow: one workflow takes a handful of acts at once and no more."""

from collections.abc import Iterator
from contextlib import contextmanager

from loreloom.api.http.errors import ApiError, ErrorCode

RETRY_SECONDS = 1


class Gate:
    """Counts the acts under way by workflow in this process; never makes one wait.

    ``subject`` is what its workflows are, in the words of who is refused.
    """

    def __init__(self, width: int, subject: str) -> None:
        self._width = width
        self._subject = subject
        self._under_way: dict[str, int] = {}

    @contextmanager
    def hold(self, workflow_id: str) -> Iterator[None]:
        """Let one act through. Raises ``ApiError`` if the workflow's gate is full."""
        count = self._under_way.get(workflow_id, 0)
        if count >= self._width:
            raise ApiError(
                ErrorCode.TOO_MANY_ACTS,
                f"{count} acts on this {self._subject} are under way",
                retry_after=RETRY_SECONDS,
            )
        self._under_way[workflow_id] = count + 1
        try:
            yield
        finally:
            left = self._under_way[workflow_id] - 1
            if left:
                self._under_way[workflow_id] = left
            else:
                del self._under_way[workflow_id]
