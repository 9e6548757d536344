"""What a viewer may see, as a condition of SQL: never a filter after the search."""

from typing import Any

from loreloom.domain.canon import Telling, Viewpoint


def visible(alias: str) -> str:
    """The condition on a row of that alias; its values come from ``visible_values``."""
    return (
        f"(:sees_all OR ({alias}.rating_rank <= :rating_rank"
        f" AND ({alias}.telling <> '{Telling.SECRET}' OR {alias}.fact = ANY (:facts))))"
    )


def visible_values(viewpoint: Viewpoint) -> dict[str, Any]:
    """The values that ``visible`` asks for."""
    return {
        "sees_all": viewpoint.sees_all,
        "rating_rank": viewpoint.rating.rank,
        "facts": sorted(viewpoint.facts),
    }
