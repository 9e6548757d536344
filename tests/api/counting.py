"""What a world keeps, counted."""

from sqlalchemy import text

from tests.support.serving import Api

COUNTED = ("worlds", "players", "quests", "chronicle")


async def counts(api: Api) -> list[int]:
    """How many worlds, players, quests and chronicle entries there are."""
    found = []
    async with api.parts.store.reading() as connection:
        for table in COUNTED:
            counted = await connection.execute(text(f"SELECT count(*) FROM {table}"))
            found.append(counted.scalar_one())
    return found
