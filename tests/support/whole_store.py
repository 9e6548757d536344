"""Looking for a word in everything that is stored."""

from sqlalchemy import func, literal_column, select

from loreloom.state.store import Store
from loreloom.state.tables.base import Base


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
