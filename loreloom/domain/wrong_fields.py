"""What is wrong in something that was written by hand, as the person who wrote it is told."""

from pydantic import ValidationError


def wrong_fields(error: ValidationError, whole: str = "") -> str:
    """Each wrong field by its dotted path, with the reason; ``whole`` names what has no path."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(_told(".".join(map(str, one["loc"])) or whole, one["msg"]) for one in found)


def _told(where: str, reason: str) -> str:
    return f"{where}: {reason}" if where else reason
