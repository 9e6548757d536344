"""Arcs for the tests, each as small as what it shows."""

from typing import Any

from loreloom.domain.arc import ArcDefinition
from loreloom.domain.conditions import Situation

END: dict[str, Any] = {"kind": "end", "outcome": "done"}


def to(beat: str, priority: int = 0, **when: Any) -> dict[str, Any]:
    """A way on."""
    return {"to": beat, "priority": priority, "when": when}


def an_arc(
    beats: dict[str, dict[str, Any]], *, scope: str = "player", start: str = "first", **rest: Any
) -> ArcDefinition:
    """An arc of these beats; it has an end of the name ``end`` if they give none."""
    fields = {"arc": "trial", "title": "A trial", "scope": scope, "start": start, **rest}
    return ArcDefinition.model_validate({**fields, "beats": {"end": END, **beats}})


def tell(*ways: dict[str, Any]) -> dict[str, Any]:
    """A beat that tells something and goes on."""
    return {"kind": "tell", "text": "Something is said.", "next": list(ways)}


def now(**so: Any) -> Situation:
    """A moment of spring, by day."""
    return Situation.model_validate({"season": "spring", "part": "day", **so})
