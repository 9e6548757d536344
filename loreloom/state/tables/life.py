"""What a world does by itself, as it is stored, and what its characters remember of players."""

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from loreloom.state.tables.base import Base, Json


class LivingRow(Base):
    """Where a world's own life stands: the state after ``day``, the last one lived.

    While a world lives the days that it slept through, ``asleep_since`` is the last day before
    them and ``untold`` counts what was notable on those that are lived.
    """

    __tablename__ = "living"

    world_id: Mapped[str] = mapped_column(ForeignKey("worlds.world_id"), primary_key=True)
    day: Mapped[int]
    state: Mapped[Json]
    asleep_since: Mapped[int | None]
    untold: Mapped[int] = mapped_column(server_default="0")
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class RumourRow(Base):
    """What is said in some regions of a world, until a day of the world."""

    __tablename__ = "rumours"
    __table_args__ = (Index("ix_rumours_listing", "world_id", "until_day"),)

    world_id: Mapped[str] = mapped_column(ForeignKey("worlds.world_id"), primary_key=True)
    rumour_id: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    about: Mapped[list[str]]
    regions: Mapped[list[str]]
    day: Mapped[int]
    until_day: Mapped[int]
    weight: Mapped[int]


class OpeningRow(Base):
    """Work that a happening made; ``quest_id`` is the quest that it became."""

    __tablename__ = "openings"
    __table_args__ = (
        Index(
            "ix_openings_open",
            "world_id",
            "until_day",
            postgresql_where="quest_id IS NULL",
        ),
    )

    world_id: Mapped[str] = mapped_column(ForeignKey("worlds.world_id"), primary_key=True)
    opening_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    giver: Mapped[str]
    region: Mapped[str]
    reason: Mapped[str]
    why: Mapped[str]
    day: Mapped[int]
    until_day: Mapped[int]
    weight: Mapped[int]
    quest_id: Mapped[str | None]


class MemoryRow(Base):
    """What a character remembers of a player: how a quest of that giver ended, once a quest."""

    __tablename__ = "memories"
    __table_args__ = (
        ForeignKeyConstraint(["world_id", "player_id"], ["players.world_id", "players.player_id"]),
        Index("ix_memories_of", "world_id", "character", "player_id", "game_seconds"),
    )

    memory_id: Mapped[str] = mapped_column(primary_key=True)
    world_id: Mapped[str]
    character: Mapped[str]
    player_id: Mapped[str]
    deed: Mapped[str]
    about: Mapped[str]
    quest_kind: Mapped[str]
    game_seconds: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
