"""The record of every generation, and the tokens that were spent on a day."""

from datetime import UTC, date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.domain.ids import GenerationId, PlayerId, WorldId
from loreloom.state.store import Store, Transaction
from loreloom.state.tables.base import Json
from loreloom.state.tables.generations import Generation, TokenUse

OF_THE_WORLD = ""
"""The ``player_id`` under which a world's own sum of tokens is kept."""


class KeptGeneration(BaseModel):
    """One generation as it is kept; ``record`` is the generation room's own account of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    generation_id: GenerationId
    key: str
    world_id: WorldId
    player_id: PlayerId | None
    subject: str
    purpose: str
    record: Json
    tokens: int
    created_at: datetime | None = None


class TokensSpent(BaseModel):
    """Tokens spent today (UTC) by a world and by one of its players."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by_world: int = 0
    by_player: int = 0


async def keep_generation(tx: Transaction, generation: KeptGeneration) -> None:
    """Keep a generation and count its tokens; the same key is kept and counted once."""
    kept = await tx.run(
        pg_insert(Generation)
        .values(
            generation_id=generation.generation_id,
            key=generation.key,
            world_id=generation.world_id,
            player_id=generation.player_id,
            subject=generation.subject,
            purpose=generation.purpose,
            record=generation.record,
        )
        .on_conflict_do_nothing()
        .returning(Generation.generation_id)
    )
    if kept.first() is None or generation.tokens == 0:
        return
    for player in sorted({OF_THE_WORLD, generation.player_id or OF_THE_WORLD}):
        await tx.run(
            pg_insert(TokenUse)
            .values(
                world_id=generation.world_id,
                day=today(),
                player_id=player,
                tokens=generation.tokens,
            )
            .on_conflict_do_update(
                index_elements=["world_id", "day", "player_id"],
                set_={"tokens": TokenUse.tokens + generation.tokens},
            )
        )


async def tokens_spent(store: Store, world_id: WorldId, player_id: PlayerId) -> TokensSpent:
    """What a world and a player have spent today."""
    query = select(TokenUse.player_id, TokenUse.tokens).where(
        TokenUse.world_id == world_id,
        TokenUse.day == today(),
        TokenUse.player_id.in_((OF_THE_WORLD, player_id)),
    )
    async with store.reading() as connection:
        spent = {row.player_id: row.tokens for row in await connection.execute(query)}
    return TokensSpent(by_world=spent.get(OF_THE_WORLD, 0), by_player=spent.get(player_id, 0))


async def generations_of(store: Store, subject: str) -> list[KeptGeneration]:
    """Every generation that was made for a workflow, oldest first."""
    query = (
        select(Generation.__table__)
        .where(Generation.subject == subject)
        .order_by(Generation.created_at, Generation.generation_id)
    )
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [_kept(row) for row in rows]


async def find_generation(store: Store, generation_id: str) -> KeptGeneration | None:
    """The generation of that id, or ``None`` if there is none."""
    query = select(Generation.__table__).where(Generation.generation_id == generation_id)
    async with store.reading() as connection:
        row = (await connection.execute(query)).one_or_none()
    return _kept(row) if row is not None else None


async def asked_for(
    store: Store, world_id: WorldId, purpose: str, since: datetime, until: datetime, most: int
) -> tuple[GenerationId, ...]:
    """A world's generations of a purpose and a time for which a model was asked, newest first."""
    query = (
        select(Generation.generation_id)
        .where(
            Generation.world_id == world_id,
            Generation.purpose == purpose,
            Generation.created_at >= since,
            Generation.created_at < until,
            Generation.record["asked"].astext.is_not(None),
            Generation.record["messages"][0].astext.is_not(None),
        )
        .order_by(Generation.created_at.desc(), Generation.generation_id)
        .limit(most)
    )
    async with store.reading() as connection:
        return tuple(GenerationId(found) for found in await connection.scalars(query))


async def subject_of(store: Store, generation_id: str) -> str | None:
    """The workflow that a generation was made for, or ``None`` if there is no such generation."""
    query = select(Generation.subject).where(Generation.generation_id == generation_id)
    async with store.reading() as connection:
        return (await connection.execute(query)).scalar_one_or_none()


def _kept(row: Any) -> KeptGeneration:
    return KeptGeneration(
        generation_id=row.generation_id,
        key=row.key,
        world_id=row.world_id,
        player_id=row.player_id,
        subject=row.subject,
        purpose=row.purpose,
        record=row.record,
        tokens=0,
        created_at=row.created_at,
    )


def today() -> date:
    """The day (UTC) that tokens are counted under now."""
    return datetime.now(UTC).date()
