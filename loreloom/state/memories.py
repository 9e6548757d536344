"""What characters remember of players. It is written with the step that it remembers."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Row, select, text
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.domain.ids import PlayerId, QuestId, WorldId, quest_workflow_id
from loreloom.domain.living.memories import Deed, Memory
from loreloom.domain.quest import QuestKind
from loreloom.state.store import GAME_SECONDS, Store, Transaction
from loreloom.state.tables.life import MemoryRow

MOST = 200
"""So many of the newest memories come to mind at all."""

REMEMBER = """
    INSERT INTO memories
        (memory_id, world_id, character, player_id, deed, about, quest_kind, game_seconds)
    SELECT CAST(:memory_id AS text), ended.world_id, ended.story->>'giver', ended.player_id,
        CAST(:deed AS text), ended.story->>'title', ended.request->>'kind', {game_seconds}
    FROM quests ended JOIN {clock} clock ON clock.world_id = ended.world_id
    WHERE ended.quest_id = :quest_id AND ended.story IS NOT NULL
    ON CONFLICT DO NOTHING
"""
"""The giver of a quest remembers how it ended; ``clock`` is where the game time comes from."""

_ALONE = text(REMEMBER.format(game_seconds=GAME_SECONDS, clock="worlds"))


async def remember(tx: Transaction, quest_id: QuestId, deed: Deed) -> None:
    """The giver of a quest remembers how it ended; once a quest, whatever is retried."""
    values = {"memory_id": quest_workflow_id(quest_id), "deed": deed.value, "quest_id": quest_id}
    await tx.run(_ALONE, values)


class ArcMemories(BaseModel):
    """What characters remember of an arc's player from one beat on. ``about`` is the arc's title.

    ``key`` is the beat's own: the same is remembered once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    world_id: WorldId
    player_id: PlayerId
    about: str
    deeds: dict[str, Deed]
    game_seconds: int


async def remember_arc(tx: Transaction, remembered: ArcMemories) -> None:
    """Characters remember what the player did in an arc, once a beat."""
    if not remembered.deeds:
        return
    await tx.run(
        pg_insert(MemoryRow).on_conflict_do_nothing(),
        [
            {
                "memory_id": f"{remembered.key}/{character}",
                "world_id": remembered.world_id,
                "character": character,
                "player_id": remembered.player_id,
                "deed": deed.value,
                "about": remembered.about,
                # A story of its own weighs as much as a main quest.
                "quest_kind": QuestKind.MAIN.value,
                "game_seconds": remembered.game_seconds,
            }
            for character, deed in remembered.deeds.items()
        ],
    )


async def memories_of(
    store: Store, world_id: WorldId, character: str, player_id: PlayerId
) -> Sequence[Memory]:
    """What a character remembers of a player, the newest first."""
    query = (
        select(MemoryRow.__table__)
        .where(
            MemoryRow.world_id == world_id,
            MemoryRow.character == character,
            MemoryRow.player_id == player_id,
        )
        .order_by(MemoryRow.game_seconds.desc(), MemoryRow.memory_id)
        .limit(MOST)
    )
    async with store.reading() as connection:
        return [_memory(row) for row in await connection.execute(query)]


def _memory(row: Row[Any]) -> Memory:
    return Memory(
        memory_id=row.memory_id,
        deed=Deed(row.deed),
        about=row.about,
        quest_kind=QuestKind(row.quest_kind),
        at=row.game_seconds,
    )
