"""What waits, what was asked of the tiers a moment ago, and whose tokens run out."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Row, case, func, select, text
from sqlalchemy.sql.elements import ColumnElement

from loreloom.domain.ids import PlayerId, WorldId
from loreloom.state.generations import OF_THE_WORLD, today
from loreloom.state.store import Store
from loreloom.state.tables.generations import TokenUse
from loreloom.state.tables.payments import ProviderEvent
from loreloom.state.tables.quests import WorkflowStart
from loreloom.state.tables.worlds import World

NEWEST = """WITH newest AS (
    SELECT purpose, record FROM generations
    WHERE created_at > now() - :since
    ORDER BY created_at DESC
    LIMIT :most
)"""
LOOKED_AT = 2000
"""At most so many generations are looked at: each is a document of its own to unfold."""

TEXTS = text(f"""{NEWEST}
SELECT purpose, count(*) AS made,
    count(*) FILTER (WHERE record ->> 'source' = 'template') AS by_template,
    count(*) FILTER (WHERE record ->> 'reason' = 'budget') AS over_budget,
    count(*) FILTER (WHERE record ->> 'reason' = 'refused') AS refused,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY (record ->> 'milliseconds')::int) AS p50_ms,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY (record ->> 'milliseconds')::int) AS p99_ms
FROM newest GROUP BY purpose ORDER BY purpose
""")

CALLS = text(f"""{NEWEST}, calls AS (
    SELECT call ->> 'tier' AS tier, (call ->> 'url_index')::int AS address,
        call ->> 'outcome' = 'ok' AS answered,
        jsonb_array_length(call -> 'problems') > 0 AS refused,
        (call ->> 'first_token_ms')::int AS first_token_ms,
        (call ->> 'total_ms')::int AS total_ms
    FROM newest, jsonb_array_elements(record -> 'attempts') AS call
)
SELECT tier, address, count(*) AS made,
    count(*) FILTER (WHERE NOT answered) AS failed,
    count(*) FILTER (WHERE refused) AS refused,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY first_token_ms) AS first_token_p50_ms,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY first_token_ms) AS first_token_p99_ms,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY total_ms) AS total_p50_ms,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY total_ms) AS total_p99_ms
FROM calls GROUP BY GROUPING SETS ((tier), (tier, address)) ORDER BY tier, address NULLS FIRST
""")


class HealthModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Waiting(HealthModel):
    """How many wait to be handled, and since when the oldest of them does."""

    count: int
    oldest: datetime | None


class MadeTexts(HealthModel):
    """The texts of one purpose: how they came to be, and how long that took.

    ``over_budget`` and ``refused`` are those among ``by_template`` that a model was not asked for,
    or whose every attempt the rules refused.
    """

    purpose: str
    made: int
    by_template: int
    over_budget: int
    refused: int
    p50_ms: float
    p99_ms: float


class CallFigures(HealthModel):
    """The calls to one address of a tier, or with no ``address`` to all of it. ``failed`` gave no
    whole answer, ``refused`` one that the rules refused."""

    tier: str
    address: int | None
    made: int
    failed: int
    refused: int
    first_token_p50_ms: float | None
    first_token_p99_ms: float | None
    total_p50_ms: float
    total_p99_ms: float


class Spent(HealthModel):
    """Tokens that a world, or one of its players, has spent today (UTC) of its budget."""

    world_id: WorldId
    player_id: PlayerId | None
    tokens: int
    budget: int


async def waiting_events(store: Store) -> Waiting:
    """What the provider told and nobody has handled."""
    return await _waiting(store, ProviderEvent.handled_at.is_(None), ProviderEvent.received_at)


async def waiting_starts(store: Store) -> Waiting:
    """Workflows that were planned and have not been started."""
    return await _waiting(store, WorkflowStart.started_at.is_(None), WorkflowStart.created_at)


async def made_texts(store: Store, since: timedelta) -> Sequence[MadeTexts]:
    """The texts of that time by purpose; of very many, the newest."""
    async with store.reading() as connection:
        rows = await connection.execute(TEXTS, {"since": since, "most": LOOKED_AT})
        return [MadeTexts.model_validate(dict(row._mapping)) for row in rows]


async def call_figures(store: Store, since: timedelta) -> Sequence[CallFigures]:
    """The calls of that time by tier and by address, as far as its newest texts tell of them."""
    async with store.reading() as connection:
        rows = await connection.execute(CALLS, {"since": since, "most": LOOKED_AT})
        return [CallFigures.model_validate(dict(row._mapping)) for row in rows]


async def near_their_budget(store: Store, share: float, limit: int) -> Sequence[Spent]:
    """Who has spent at least that share of today's tokens, those with the least left first."""
    budget = case(
        (TokenUse.player_id == OF_THE_WORLD, World.world_daily_tokens),
        else_=World.player_daily_tokens,
    )
    query = (
        select(TokenUse.world_id, TokenUse.player_id, TokenUse.tokens, budget.label("budget"))
        .join(World, World.world_id == TokenUse.world_id)
        .where(TokenUse.day == today(), budget > 0, TokenUse.tokens >= budget * share)
        .order_by((TokenUse.tokens / budget).desc(), TokenUse.world_id, TokenUse.player_id)
        .limit(limit)
    )
    async with store.reading() as connection:
        return [_spent(row) for row in await connection.execute(query)]


async def _waiting(store: Store, open_still: ColumnElement[bool], since: object) -> Waiting:
    query = select(func.count().label("number"), func.min(since).label("oldest")).where(open_still)
    async with store.reading() as connection:
        row = (await connection.execute(query)).one()
    return Waiting(count=row.number, oldest=row.oldest)


def _spent(row: Row[tuple[str, str, int, int]]) -> Spent:
    return Spent(
        world_id=WorldId(row.world_id),
        player_id=None if row.player_id == OF_THE_WORLD else PlayerId(row.player_id),
        tokens=row.tokens,
        budget=row.budget,
    )
