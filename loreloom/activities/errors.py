"""Which failures are worth trying again: everything, but what the database refuses for good.

And what is said of a failure where prompts and players' words are at hand.
"""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import (
    DataError,
    IntegrityError,
    NoResultFound,
    ProgrammingError,
    SQLAlchemyError,
)
from temporalio.exceptions import ApplicationError

import loreloom
from loreloom.activities.signatures.errors import BROKEN, DATABASE, FAULT

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


@contextmanager
def quoting_nobody() -> Iterator[None]:
    """Let what fails say its type and its place, and no word of what it was about.

    What a model or a player wrote may stand in an error's message, and a failure stays in the
    history. A database that fails is tried again; a fault of our own would only come again.
    """
    try:
        yield
    except ApplicationError:
        raise
    except SQLAlchemyError as error:
        said, again = _type_and_place(error), not refuses_for_good(error)
        raise ApplicationError(said, type=DATABASE, non_retryable=not again) from None
    except Exception as error:
        said = _type_and_place(error)
        raise ApplicationError(said, type=FAULT, non_retryable=True) from None


def _type_and_place(error: Exception) -> str:
    """The error's type, and the innermost line of ours that it came through."""
    kind = type(getattr(error, "orig", None) or error).__name__
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(_OURS):
            return f"{kind} in {frame.name}, {path.relative_to(_OURS)} line {frame.lineno}"
    return kind


_OURS = Path(loreloom.__file__).parent
