"""Transactions. A state change and the chronicle entries that tell of it commit together."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import (
    CursorResult,
    ExceptionContext,
    Executable,
    Row,
    func,
    insert,
    literal_column,
    update,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.event import listen
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from loreloom.domain.ids import PlayerId, WorldId
from loreloom.state.tables.worlds import ChronicleEntry, Effect, World

GAME_SECONDS = """(game_anchor + CASE WHEN paused THEN 0 ELSE
    floor(game_micros / 1000000.0
        + greatest(0, extract(epoch FROM clock_timestamp() - clock_anchor))
            * scale::numeric)::bigint
END)"""
"""``Clock.game_seconds`` of a row of ``worlds`` at the moment of the statement, in SQL."""


class Event(BaseModel):
    """Something that happened, as it is told to the chronicle.

    ``key`` names the step that tells it: the same key is told once in a world, whatever is retried.
    ``game_seconds`` is for what has a time of its own in the world; else it is when it is told.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    world_id: WorldId
    key: str
    kind: str
    subject: str
    player_id: PlayerId | None = None
    game_seconds: int | None = None
    data: dict[str, Any] = {}


class Transaction:
    """An open transaction: statements run at once, events are told when it commits.

    Telling comes last because it takes the world's row, which orders the chronicle: held only for
    the length of a commit, it lets other writers of the same world pass.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self._events: list[Event] = []

    async def run(self, statement: Executable, values: Any = None) -> CursorResult[Any]:
        """Run one statement."""
        return await self.connection.execute(statement, values)

    async def first_time(self, key: str) -> bool:
        """Whether the step of that key has not been done yet; from now on it has.

        A second transaction with the same key waits for the first, and is told ``False`` if that
        one commits.
        """
        claim = pg_insert(Effect).values(key=key).on_conflict_do_nothing().returning(Effect.key)
        return (await self.run(claim)).first() is not None

    def tell(self, *events: Event) -> None:
        """Add events to the chronicle when the transaction commits."""
        self._events.extend(events)

    async def flush_events(self) -> None:
        """Write what was told, world by world in a fixed order, so that writers cannot deadlock."""
        for world_id in sorted({event.world_id for event in self._events}):
            await self._append(world_id, [e for e in self._events if e.world_id == world_id])
        self._events.clear()

    async def _append(self, world_id: WorldId, events: Sequence[Event]) -> None:
        claimed = (
            update(World)
            .where(World.world_id == world_id)
            .values(chronicle_seq=World.chronicle_seq + len(events))
            .returning(
                World.chronicle_seq,
                literal_column(GAME_SECONDS).label("game_seconds"),
                func.clock_timestamp().label("now"),
            )
        )
        row = (await self.run(claimed)).one()
        first = row.chronicle_seq - len(events) + 1
        await self.run(
            insert(ChronicleEntry),
            [
                {
                    "world_id": world_id,
                    "id": first + position,
                    "key": event.key,
                    "kind": event.kind,
                    "at": row.now,
                    "game_seconds": row.game_seconds
                    if event.game_seconds is None
                    else event.game_seconds,
                    "player_id": event.player_id,
                    "subject": event.subject,
                    "data": event.data,
                }
                for position, event in enumerate(events)
            ],
        )


class Store:
    """The database. ``url`` is a SQLAlchemy URL of the ``postgresql+psycopg`` driver."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=False,
            hide_parameters=True,
            connect_args={
                "connect_timeout": 5,
                "options": "-c TimeZone=UTC -c idle_in_transaction_session_timeout=15000"
                " -c statement_timeout=30000",
            },
        )
        listen(self.engine.sync_engine, "handle_error", _quote_nothing)
        self._autocommitting = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """One transaction: committed with its events at the end, rolled back on any error."""
        async with self.engine.begin() as connection:
            transaction = Transaction(connection)
            yield transaction
            await transaction.flush_events()

    async def run_alone(self, statement: Executable, values: Any) -> Row[Any]:
        """Run one statement that is a transaction of its own, and return its one row.

        It costs one round trip, where ``transaction`` costs two more.
        """
        async with self._autocommitting.connect() as connection:
            return (await connection.execute(statement, values)).one()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading only; what is read in it is never committed."""
        async with self.engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[AsyncConnection]:
        """A connection that nobody had or gets: its temporary tables are gone with it.

        Each statement is a transaction of its own.
        """
        async with self._autocommitting.connect() as connection:
            try:
                yield connection
            finally:
                await connection.invalidate()

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()


def _quote_nothing(context: ExceptionContext) -> None:
    """Cut an error to its first line.

    Errors are logged and kept in histories, and beneath the first line Postgres quotes the row that
    it refused, which may hold what a player said.
    """
    error, raised = context.original_exception, context.sqlalchemy_exception
    line = next(iter(str(error).splitlines()), "")
    error.args = (line,)
    if raised is not None:
        raised.args = (line,)
