"""Worlds, their players, what is so in them, and the chronicle of what happened."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from loreloom.state.tables.base import Base, Json


class World(Base):
    """One running game shard. ``chronicle_seq`` is the id of its newest chronicle entry.

    ``game_micros`` are millionths of a game second beyond ``game_anchor``; ``clock_told`` is the
    game second up to which every boundary of its calendar is told.
    """

    __tablename__ = "worlds"

    world_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    canon: Mapped[str]
    seed: Mapped[int]
    rating: Mapped[str]
    templates_only: Mapped[bool] = mapped_column(server_default="false")
    world_daily_tokens: Mapped[int]
    player_daily_tokens: Mapped[int]
    calendar: Mapped[Json]
    clock_anchor: Mapped[datetime]
    game_anchor: Mapped[int]
    game_micros: Mapped[int] = mapped_column(server_default="0")
    clock_told: Mapped[int] = mapped_column(server_default="0")
    scale: Mapped[float]
    paused: Mapped[bool] = mapped_column(server_default="false")
    chronicle_seq: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Region(Base):
    """A region of a world: its climate, its sky, and its weather as it was told last.

    ``weather_told`` counts what was told; ``weather_through`` is the game second up to which all
    is told, null before the first look.
    """

    __tablename__ = "regions"

    world_id: Mapped[str] = mapped_column(ForeignKey("worlds.world_id"), primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    climate: Mapped[str | None] = mapped_column(ForeignKey("climates.digest"))
    sky: Mapped[str | None]
    weather: Mapped[str | None]
    weather_imposition: Mapped[int | None]
    weather_through: Mapped[int | None]
    weather_told: Mapped[int] = mapped_column(server_default="0")


class Player(Base):
    """A player in a world. The level follows from the experience."""

    __tablename__ = "players"
    __table_args__ = (
        CheckConstraint("coin >= 0", name="coin_not_negative"),
        CheckConstraint("experience >= 0", name="experience_not_negative"),
    )

    world_id: Mapped[str] = mapped_column(ForeignKey("worlds.world_id"), primary_key=True)
    player_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    experience: Mapped[int] = mapped_column(server_default="0")
    coin: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


def _of_player() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["world_id", "player_id"], ["players.world_id", "players.player_id"]
    )


class InventoryItem(Base):
    """How many of a thing a player has."""

    __tablename__ = "inventory"
    __table_args__ = (_of_player(), CheckConstraint("count >= 0", name="count_not_negative"))

    world_id: Mapped[str] = mapped_column(primary_key=True)
    player_id: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]


class Standing(Base):
    """How a faction regards a player."""

    __tablename__ = "standings"
    __table_args__ = (_of_player(),)

    world_id: Mapped[str] = mapped_column(primary_key=True)
    player_id: Mapped[str] = mapped_column(primary_key=True)
    faction: Mapped[str] = mapped_column(primary_key=True)
    standing: Mapped[int]


class Fact(Base):
    """Something that is now so, for one player or, if ``player_id`` is empty, for the world."""

    __tablename__ = "facts"

    world_id: Mapped[str] = mapped_column(ForeignKey("worlds.world_id"), primary_key=True)
    player_id: Mapped[str] = mapped_column(primary_key=True, server_default="")
    fact: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str]
    since: Mapped[datetime] = mapped_column(server_default=func.now())


class ChronicleEntry(Base):
    """One entry of a world's chronicle. ``id`` counts from 1 without gaps in each world.

    ``key`` is the idempotency key of the step that told it; telling it again adds nothing.
    """

    __tablename__ = "chronicle"
    __table_args__ = (
        Index("uq_chronicle_world_id_key", "world_id", "key", unique=True),
        Index("ix_chronicle_player", "world_id", "player_id", "id"),
        Index("ix_chronicle_kind", "world_id", "kind", "id"),
        Index("ix_chronicle_subject", "subject", "id"),
    )

    world_id: Mapped[str] = mapped_column(ForeignKey("worlds.world_id"), primary_key=True)
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    kind: Mapped[str]
    at: Mapped[datetime]
    game_seconds: Mapped[int]
    player_id: Mapped[str | None]
    subject: Mapped[str]
    data: Mapped[Json]


class Effect(Base):
    """The key of a writing step that has been done; a second run finds it and does nothing."""

    __tablename__ = "effects"

    key: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
