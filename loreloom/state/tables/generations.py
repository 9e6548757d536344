"""Every call to a tier, as a designer reads it and asks for it again, and the tokens spent."""

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from loreloom.state.tables.base import Base, Json


class Generation(Base):
    """One recorded generation: what was asked, what came, what it rests on, what was refused."""

    __tablename__ = "generations"
    __table_args__ = (
        Index("ix_generations_subject", "subject", "created_at"),
        Index("ix_generations_created", "created_at"),
    )

    generation_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    world_id: Mapped[str] = mapped_column(ForeignKey("worlds.world_id"))
    player_id: Mapped[str | None]
    subject: Mapped[str]
    """The workflow that it was made for."""
    purpose: Mapped[str]
    record: Mapped[Json]
    """The ``GenerationRecord`` as the generation room made it."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class WhatIf(Base):
    """A generation that was asked for again where no player sees it."""

    __tablename__ = "whatifs"
    __table_args__ = (Index("ix_whatifs_of", "generation_id"),)

    whatif_id: Mapped[str] = mapped_column(primary_key=True)
    generation_id: Mapped[str] = mapped_column(
        ForeignKey("generations.generation_id", ondelete="CASCADE")
    )
    world_id: Mapped[str] = mapped_column(ForeignKey("worlds.world_id"))
    player_id: Mapped[str | None]
    variation: Mapped[Json]
    """The ``Variation``: what was to be otherwise."""
    said: Mapped[Json | None]
    """What came, once it has."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class WhatIfSet(Base):
    """Generations of a world that were asked for again with the same thing otherwise."""

    __tablename__ = "whatif_sets"

    whatif_id: Mapped[str] = mapped_column(primary_key=True)
    world_id: Mapped[str] = mapped_column(ForeignKey("worlds.world_id"))
    purpose: Mapped[str]
    since: Mapped[datetime]
    until: Mapped[datetime]
    most: Mapped[int]
    otherwise: Mapped[Json]
    """The ``Otherwise``, the same for each text."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class TokenUse(Base):
    """Tokens spent in a world on one day, by player; the world's own under an empty player."""

    __tablename__ = "token_use"
    __table_args__ = (Index("ix_token_use_day", "day"),)

    world_id: Mapped[str] = mapped_column(ForeignKey("worlds.world_id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    player_id: Mapped[str] = mapped_column(primary_key=True)
    tokens: Mapped[int]
