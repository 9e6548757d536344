"""Looking at everything that is stored: for a word in it, and whether it has changed."""

from functools import cache

import psycopg
from sqlalchemy import func, literal_column, select, text

from loreloom.state.store import Store
from loreloom.state.tables.base import Base

Columns = tuple[tuple[str, str], ...]
"""Tables, each with one of its columns."""


async def rows_with(store: Store, word: str) -> dict[str, int]:
    """How many rows of each table hold a word anywhere, bytes included; no table that has none."""
    found = {}
    async with store.reading() as connection:
        for table in Base.metadata.sorted_tables:
            whole = func.concat(
                literal_column(f'"{table.name}"::text'),
                *(func.encode(c, "escape") for c in table.c if c.type.python_type is bytes),
            )
            query = select(func.count()).select_from(table).where(whole.contains(word))
            count = (await connection.execute(query)).scalar_one()
            if count:
                found[table.name] = count
    return found


async def digests_of(store: Store) -> dict[str, str | None]:
    """A digest of each table's rows, whatever their order; of an empty one, none."""
    async with store.reading() as connection:
        found = (await connection.execute(text(_all_digests()))).all()
    return {row.name: row.digest for row in found}


def digests_through(
    connection: psycopg.Connection[tuple[str, str | None]], but: Columns
) -> dict[str, str | None]:
    """The same, where nothing waits; the columns ``but`` do not count."""
    return dict(connection.execute(_all_digests(but).encode()).fetchall())


@cache
def _all_digests(but: Columns = ()) -> str:
    # As one text: built from parts, it takes longer to put together than to answer.
    return " UNION ALL ".join(_digest(table.name, but) for table in Base.metadata.sorted_tables)


def _digest(table: str, but: Columns) -> str:
    left_out = "".join(f" - '{column}'" for of, column in but if of == table)
    row = f"(to_jsonb(t){left_out})::text" if left_out else "t::text"
    return (
        f"SELECT '{table}' AS name, md5(string_agg({row}, '|' ORDER BY {row})) AS digest"
        f' FROM "{table}" AS t'
    )
