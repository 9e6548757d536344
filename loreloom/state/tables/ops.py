"""What ops have done, and verdicts that a replay must give again."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from loreloom.state.tables.base import Base, Json


class Replay(Base):
    """A replay that somebody asked for. A run is replayed once; what comes of it is another run."""

    __tablename__ = "replays"
    __table_args__ = (
        UniqueConstraint("run_id", name="uq_replays_run_id"),
        Index("ix_replays_listing", "at", "replay_id"),
        Index("ix_replays_of", "workflow_id", "at"),
        Index("ix_replays_batch", "batch_id"),
    )

    replay_id: Mapped[str] = mapped_column(primary_key=True)
    batch_id: Mapped[str | None]
    workflow_id: Mapped[str]
    run_id: Mapped[str]
    new_run_id: Mapped[str | None]
    from_point: Mapped[str]
    event_id: Mapped[int]
    told: Mapped[str]
    reason: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class Erasure(Base):
    """An erasure: who erased when and why, and of whom only the pseudonym."""

    __tablename__ = "erasures"
    __table_args__ = (Index("ix_erasures_listing", "at", "pseudonym"),)

    pseudonym: Mapped[str] = mapped_column(primary_key=True)
    world_id: Mapped[str] = mapped_column(ForeignKey("worlds.world_id"))
    workflow_ids: Mapped[list[str]]
    """What was told or done for the player: no row that stays would find it again."""
    reason: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class PlayerRepair(Base):
    """What ops put right in a player's rows: what stood there before, and what stands since."""

    __tablename__ = "player_repairs"
    __table_args__ = (Index("ix_player_repairs_of", "world_id", "player_id", "at"),)

    repair_id: Mapped[str] = mapped_column(primary_key=True)
    world_id: Mapped[str]
    player_id: Mapped[str]
    before: Mapped[Json]
    after: Mapped[Json]
    reason: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class RefusedAct(Base):
    """An act that was refused for the hour, the weather or a fact, under its Update's id."""

    __tablename__ = "refused_acts"

    quest_id: Mapped[str] = mapped_column(ForeignKey("quests.quest_id"), primary_key=True)
    update_id: Mapped[str] = mapped_column(primary_key=True)
    unmet: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
