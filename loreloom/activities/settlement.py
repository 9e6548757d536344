"""Ending a quest from outside: its process first, then its row with the compensation."""

from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from loreloom.activities.errors import broken_if_refused
from loreloom.activities.signatures.settlement import NotSettled, Settle, Settled, SettlementSteps
from loreloom.domain.ids import arc_workflow_id, quest_workflow_id
from loreloom.domain.quest import QuestState
from loreloom.state import quests, settlements
from loreloom.state.settlements import HasEnded, Settlement
from loreloom.state.store import Store


class SettlementActivities(SettlementSteps):
    """The steps of a settlement."""

    def __init__(self, store: Store, client: Client) -> None:
        self._store = store
        self._client = client

    @activity.defn(name="quest_stop")
    async def stop(self, settle: Settle) -> None:
        quest = await quests.find_quest(self._store, settle.quest.quest_id)
        if quest is not None and quest.progress.state in settlements.OVER:
            # It ended by itself meanwhile, and may still be telling how.
            return
        await self._terminate(settle)

    @activity.defn(name="quest_settle")
    async def settle(self, settle: Settle) -> Settled | NotSettled:
        settlement = Settlement(
            **settle.quest.model_dump(),
            outcome=QuestState(settle.outcome),
            compensation=settle.compensation,
            by=settle.by,
            reason=settle.reason,
        )
        with broken_if_refused():
            try:
                done = await settlements.settle(self._store, settlement)
            except HasEnded as ended:
                return NotSettled(why=str(ended))
        # A replay may have begun it anew since it was stopped; from now on none does.
        await self._terminate(settle)
        return Settled(
            outcome=done.outcome,
            compensation=done.compensation,
            chosen=done.chosen,
            told=arc_workflow_id(done.arc_id) if done.arc_id else None,
        )

    async def _terminate(self, settle: Settle) -> None:
        handle = self._client.get_workflow_handle(quest_workflow_id(settle.quest.quest_id))
        try:
            await handle.terminate(reason=f"{settle.by} ended the quest: {settle.reason}")
        except RPCError as error:
            # A process that has ended, or never began, needs no stopping.
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
