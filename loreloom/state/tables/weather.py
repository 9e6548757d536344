"""Climates as worlds began with them, and the weather that somebody made."""

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from loreloom.state.tables.base import Base, Json


class ClimateDefinition(Base):
    """A climate under the digest of what it says: one that is edited is another one."""

    __tablename__ = "climates"

    digest: Mapped[str] = mapped_column(primary_key=True)
    definition: Mapped[Json]


class ImposedWeather(Base):
    """A weather that was made in a region, in game seconds; open if ``until_seconds`` is null.

    ``number`` counts in a region: the highest that covers a moment counts. ``key`` is the order's
    own, so that an order makes one weather.
    """

    __tablename__ = "imposed_weathers"
    __table_args__ = (
        ForeignKeyConstraint(["world_id", "region"], ["regions.world_id", "regions.region"]),
        Index("uq_imposed_weathers_key", "world_id", "region", "key", unique=True),
    )

    world_id: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    state: Mapped[str]
    from_seconds: Mapped[int]
    until_seconds: Mapped[int | None]
    by: Mapped[str]
    cleared: Mapped[bool] = mapped_column(server_default="false")
