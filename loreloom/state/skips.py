"""Steps that ops skip: only such as tell something, under the key by which they tell it once."""

from sqlalchemy import select

from loreloom.domain.ids import ArcId, QuestId, quest_workflow_id
from loreloom.domain.quest import QuestState
from loreloom.state.arc_steps import OfArc
from loreloom.state.quests import keep_epilogue, record_of
from loreloom.state.store import Event, Store
from loreloom.state.tables.arcs import Arc
from loreloom.state.tables.quests import Quest
from loreloom.state.tables.worlds import Effect

PLAIN = {QuestState.COMPLETED: "It is done.", QuestState.FAILED: "It is over."}
"""What a quest ends with whose epilogue was skipped."""
SKIPPED = "skipped"


async def skip_epilogue(store: Store, quest_id: QuestId, *, by: str, reason: str) -> None:
    """End the quest with a plain line in its epilogue's place, once; one that was told stands.

    Nothing is told of a quest whose player was erased meanwhile.
    """
    subject = quest_workflow_id(quest_id)
    async with store.transaction() as tx:
        found = await tx.run(
            select(Quest.__table__).where(Quest.quest_id == quest_id).with_for_update()
        )
        row = found.first()
        if row is None:
            return
        quest = record_of(row)
        line = PLAIN[quest.progress.state]
        if not await tx.first_time(_key(quest_id)) or not await keep_epilogue(tx, quest_id, line):
            return

        def event(key: str, kind: str, **data: object) -> Event:
            return Event(
                world_id=quest.world_id,
                key=f"{subject}/{key}",
                kind=kind,
                subject=subject,
                player_id=quest.player_id,
                data={"quest_id": quest_id, "state": quest.progress.state, **data},
            )

        tx.tell(
            event("skipped", "quest.skipped", step="epilogue", by=by, reason=reason),
            event("epilogue", "quest.epilogue", text=line, source=SKIPPED),
        )


async def epilogue_is_skipped(store: Store, quest_id: QuestId) -> bool:
    """Whether ops skipped the quest's epilogue."""
    query = select(Effect.key).where(Effect.key == _key(quest_id))
    async with store.reading() as connection:
        return (await connection.execute(query)).first() is not None


async def skip_telling(store: Store, arc_id: ArcId, seq: int, *, by: str, reason: str) -> bool:
    """Have the beat of that number tell nothing, once; what it told stands. ``False``, and nothing
    is skipped, if the arc stands there no more."""
    async with store.transaction() as tx:
        found = await tx.run(
            select(Arc.world_id, Arc.player_id, Arc.seq, Arc.beat)
            .where(Arc.arc_id == arc_id)
            .with_for_update()
        )
        arc = found.first()
        if arc is None or arc.seq != seq:
            return False
        step = OfArc(arc_id=arc_id, world_id=arc.world_id, player_id=arc.player_id, seq=arc.seq)
        if await tx.first_time(step.key("told")):
            tx.tell(step.event("arc.skipped", beat=arc.beat, by=by, reason=reason))
        return True


def _key(quest_id: QuestId) -> str:
    return f"{quest_workflow_id(quest_id)}/epilogue-skipped"
