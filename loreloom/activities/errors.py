"""Which failures are worth trying again: everything, but what the database refuses for good."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, IntegrityError, NoResultFound, ProgrammingError
from temporalio.exceptions import ApplicationError

from loreloom.activities.signatures.errors import BROKEN

_FOR_GOOD = (IntegrityError, DataError, ProgrammingError, NoResultFound)


def refuses_for_good(error: BaseException) -> bool:
    """Whether the database refused a statement, or a row is missing: again would be no better."""
    return isinstance(error, _FOR_GOOD)


def broken(message: str, *kind: str) -> ApplicationError:
    """A failure that only a repair can mend; ``kind`` tells it from others to whoever repairs."""
    return ApplicationError(message, *kind, type=BROKEN, non_retryable=True)


@contextmanager
def broken_if_refused() -> Iterator[None]:
    """Fail for good where the database refuses a statement or a row is missing."""
    try:
        yield
    except _FOR_GOOD as error:
        cause = getattr(error, "orig", None) or error
        kind = type(cause).__name__
        raise broken(f"{kind}: {str(cause).splitlines()[0]}", kind) from error
