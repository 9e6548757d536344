"""Story arcs as others read them: where they stand, the way they took, and what is shared."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from loreloom.state.tables.base import Base, Json


class ArcDefinitionRow(Base):
    """A definition that some arc runs or ran by; ``digest`` is its hash."""

    __tablename__ = "arc_definitions"

    digest: Mapped[str] = mapped_column(primary_key=True)
    arc: Mapped[str]
    definition: Mapped[Json]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Arc(Base):
    """What is known of an arc. While it runs its workflow is the truth and writes this.

    ``clock_seen`` is the anchor of the clock that its workflow saw last, or was told to look at.
    ``awaits`` are the kinds of the chronicle's entries that may lead it on, and ``heard`` is the
    newest entry of its world that it has seen the effect of, or was told of.
    """

    __tablename__ = "arcs"
    __table_args__ = (
        ForeignKeyConstraint(["world_id", "player_id"], ["players.world_id", "players.player_id"]),
        Index("ix_arcs_listing", "world_id", "created_at", "arc_id"),
        Index("ix_arcs_running", "arc", "arc_id", postgresql_where=text("state = 'running'")),
    )

    arc_id: Mapped[str] = mapped_column(primary_key=True)
    world_id: Mapped[str] = mapped_column(ForeignKey("worlds.world_id"))
    player_id: Mapped[str | None]
    arc: Mapped[str]
    digest: Mapped[str] = mapped_column(ForeignKey("arc_definitions.digest"))
    state: Mapped[str]
    seq: Mapped[int] = mapped_column(server_default="0")
    beat: Mapped[str | None]
    outcome: Mapped[str | None]
    reason: Mapped[str | None]
    clock_seen: Mapped[datetime | None]
    awaits: Mapped[list[str]] = mapped_column(server_default="{}")
    heard: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ArcBeat(Base):
    """A beat that was entered: when, why, by which definition, and what was chosen there."""

    __tablename__ = "arc_beats"
    __table_args__ = (Index("uq_arc_beats_action", "arc_id", "action_id", unique=True),)

    arc_id: Mapped[str] = mapped_column(ForeignKey("arcs.arc_id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    beat: Mapped[str]
    kind: Mapped[str]
    digest: Mapped[str] = mapped_column(ForeignKey("arc_definitions.digest"))
    reason: Mapped[Json]
    game_seconds: Mapped[int]
    at: Mapped[datetime]
    choice: Mapped[str | None]
    action_id: Mapped[str | None]
    quest_id: Mapped[str | None]


class ArcGoal(Base):
    """A goal that was opened; an arc that comes back to it opens it anew, under another ``seq``.

    ``seq`` is that of the beat's entry, ``told`` the total that the arc's workflow has heard of.
    """

    __tablename__ = "arc_goals"
    __table_args__ = (
        CheckConstraint("total >= 0", name="total_not_negative"),
        Index(
            "ix_arc_goals_untold",
            "changed_at",
            postgresql_where=text("total > told AND closed_at IS NULL"),
        ),
    )

    arc_id: Mapped[str] = mapped_column(ForeignKey("arcs.arc_id"), primary_key=True)
    goal: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[int]
    total: Mapped[int] = mapped_column(server_default="0")
    told: Mapped[int] = mapped_column(server_default="0")
    open: Mapped[bool] = mapped_column(server_default="true")
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    closed_at: Mapped[datetime | None]


class ArcContribution(Base):
    """A contribution that was counted; ``total`` is the goal's with it, the answer that it got.

    An ``action_id`` is the player's own: another player may use the same.
    """

    __tablename__ = "arc_contributions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["arc_id", "goal", "seq"], ["arc_goals.arc_id", "arc_goals.goal", "arc_goals.seq"]
        ),
    )

    arc_id: Mapped[str] = mapped_column(primary_key=True)
    player_id: Mapped[str] = mapped_column(primary_key=True)
    action_id: Mapped[str] = mapped_column(primary_key=True)
    goal: Mapped[str]
    seq: Mapped[int]
    amount: Mapped[int]
    total: Mapped[int]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
