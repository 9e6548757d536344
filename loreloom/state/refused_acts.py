"""Acts that were refused for what was so in the world: a replay gives the same verdict."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.domain.ids import QuestId
from loreloom.state.store import Store
from loreloom.state.tables.ops import RefusedAct


async def verdict(store: Store, quest_id: QuestId, update_id: str) -> str | None:
    """What stood against an act the first time, if it was refused."""
    query = select(RefusedAct.unmet).where(
        RefusedAct.quest_id == quest_id, RefusedAct.update_id == update_id
    )
    async with store.reading() as connection:
        return (await connection.execute(query)).scalar_one_or_none()


async def refuse(store: Store, quest_id: QuestId, update_id: str, unmet: str) -> None:
    """Keep that an act is refused, and what stands against it; the first verdict stands."""
    async with store.transaction() as tx:
        await tx.run(
            pg_insert(RefusedAct)
            .values(quest_id=quest_id, update_id=update_id, unmet=unmet)
            .on_conflict_do_nothing()
        )
