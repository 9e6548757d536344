"""Lists by cursor: a page knows the cursor of the next one, or that there is none."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """Some items, and the cursor that continues after them."""

    model_config = ConfigDict(frozen=True)

    items: tuple[T, ...]
    next: str | None


def page_of(found: Sequence[T], limit: int, cursor: Callable[[T], str]) -> Page[T]:
    """The page of at most ``limit`` from one row more than that, which tells if more follow."""
    items = tuple(found[:limit])
    return Page(items=items, next=cursor(items[-1]) if len(found) > limit else None)
