"""Quests as others read them, the acts on them, and the workflows that are meant to start."""

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from loreloom.state.tables.base import Base, Json


class Quest(Base):
    """What is known of a quest. While it runs its workflow is the truth and writes this."""

    __tablename__ = "quests"
    __table_args__ = (
        ForeignKeyConstraint(["world_id", "player_id"], ["players.world_id", "players.player_id"]),
        Index("ix_quests_listing", "world_id", "created_at", "quest_id"),
        Index("ix_quests_player", "world_id", "player_id", "created_at", "quest_id"),
    )

    quest_id: Mapped[str] = mapped_column(primary_key=True)
    world_id: Mapped[str] = mapped_column(ForeignKey("worlds.world_id"))
    player_id: Mapped[str]
    request: Mapped[Json]
    """What the caller asked for: kind, region, giver, theme, difficulty."""
    state: Mapped[str]
    revision: Mapped[int] = mapped_column(server_default="0")
    plan: Mapped[Json | None]
    progress: Mapped[Json | None]
    story: Mapped[Json | None]
    """Title, summary, giver, offer, the objectives' and choices' lines, and the epilogue."""
    citations: Mapped[list[Json] | None]
    endings: Mapped[Json | None]
    reward: Mapped[Json | None]
    source: Mapped[str | None]
    tier: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class QuestAct(Base):
    """An act that was taken, and the answer that it got: a repeat is answered from here."""

    __tablename__ = "quest_acts"

    quest_id: Mapped[str] = mapped_column(ForeignKey("quests.quest_id"), primary_key=True)
    action_id: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int]
    progress: Mapped[Json]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class WorkflowStart(Base):
    """A workflow that is to be started: written with the row it serves, marked once it runs.

    If the process dies between the two, the next sweep starts it.
    """

    __tablename__ = "workflow_starts"
    __table_args__ = (
        Index(
            "ix_workflow_starts_open",
            "created_at",
            postgresql_where="started_at IS NULL",
        ),
    )

    workflow_id: Mapped[str] = mapped_column(primary_key=True)
    workflow: Mapped[str]
    input: Mapped[Json]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
