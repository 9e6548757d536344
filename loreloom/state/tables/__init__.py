"""Every table, gathered on one metadata for migrations."""

from loreloom.state.tables import (
    access,
    arcs,
    generations,
    knowledge,
    life,
    ops,
    payments,
    quests,
    weather,
    worlds,
)
from loreloom.state.tables.base import Base

__all__ = [
    "Base",
    "access",
    "arcs",
    "generations",
    "knowledge",
    "life",
    "ops",
    "payments",
    "quests",
    "weather",
    "worlds",
]
