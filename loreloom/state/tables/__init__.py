"""Every table, gathered on one metadata for migrations."""

from loreloom.state.tables import access, generations, knowledge, quests, worlds
from loreloom.state.tables.base import Base

__all__ = ["Base", "access", "generations", "knowledge", "quests", "worlds"]
