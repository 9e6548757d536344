"""Cursors as callers see them: opaque, bound to their list, refused when they are not ours."""

import base64
import binascii

from loreloom.api.http.errors import invalid

MAX_CURSOR = 2000
"""The longest is that of a document's name: 300 characters of four bytes, with the list's own."""


def to_cursor(kind: str, last: str | None) -> str | None:
    """The cursor after an item; ``None`` where nothing follows."""
    if last is None:
        return None
    return base64.urlsafe_b64encode(f"{kind}:{last}".encode()).decode().rstrip("=")


def from_cursor(kind: str, cursor: str | None) -> str | None:
    """What the cursor was made from. Raises ``ApiError`` if it is not one of this list."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise invalid("after", "this is no cursor of this list") from None
    found, separator, last = text.partition(":")
    if found != kind or not separator or not last or "\x00" in last:
        raise invalid("after", "this is no cursor of this list")
    return last
