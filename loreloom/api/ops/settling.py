"""Ending a quest from outside, with an outcome that is said and a compensation."""

import asyncio

from temporalio.client import Client, WorkflowFailureError
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError

from loreloom.activities.signatures.quest import QuestRef
from loreloom.activities.signatures.settlement import Settle, Settled
from loreloom.api.errors import ApiError
from loreloom.api.parts import AppParts
from loreloom.api.schemas.ops import SettleBody, SettledView
from loreloom.api.temporal import outages
from loreloom.domain.ids import settlement_workflow_id
from loreloom.domain.refusals import RefusalCode
from loreloom.domain.rewards import Reward
from loreloom.state.quests import QuestRecord
from loreloom.state.settlements import OVER, is_settled
from loreloom.workflows import attributes
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import SETTLEMENT


async def settle(parts: AppParts, quest: QuestRecord, body: SettleBody, by: str) -> SettledView:
    """End the quest; one that ops have ended already is answered as it was ended then.

    Raises ``ApiError`` if the quest ended by itself, or if nobody answers in time: it is ended all
    the same once somebody serves it, and asking again answers how.
    """
    over = quest.progress.state in OVER
    if over and not await is_settled(parts.store, quest.quest_id):
        raise _ended(f"the quest {quest.quest_id} is {quest.progress.state}")
    ref = QuestRef(quest_id=quest.quest_id, world_id=quest.world_id, player_id=quest.player_id)
    wish = Settle(
        quest=ref,
        outcome=body.outcome,
        compensation=Reward(**body.compensation.model_dump()),
        by=by,
        reason=body.reason,
    )
    with outages():
        async with asyncio.timeout(parts.config.act_seconds):
            await _start(parts.temporal, parts.config.queue_prefix, wish)
            settled = await _result(parts.temporal, wish)
    return SettledView(
        quest_id=quest.quest_id,
        outcome=settled.outcome,
        compensation=settled.compensation,
        arc_told=settled.told,
    )


async def _start(client: Client, prefix: str, wish: Settle) -> None:
    try:
        await client.start_workflow(
            SETTLEMENT,
            wish,
            id=settlement_workflow_id(wish.quest.quest_id),
            task_queue=queue_of(Role.STORY, prefix),
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            # One that was refused may be asked for again; one that is done stands.
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(attributes.WORLD, wish.quest.world_id),
                    SearchAttributePair(attributes.PLAYER, wish.quest.player_id),
                ]
            ),
            static_summary=f"Ops end the quest as {wish.outcome}",
        )
    except WorkflowAlreadyStartedError:
        return  # It is done; the answer is read from it.


async def _result(client: Client, wish: Settle) -> Settled:
    handle = client.get_workflow_handle(
        settlement_workflow_id(wish.quest.quest_id), result_type=Settled
    )
    try:
        settled: Settled = await handle.result()
    except WorkflowFailureError as error:
        cause = error.cause.__cause__ or error.cause
        raise _ended(str(cause)) from error
    return settled


def _ended(detail: str) -> ApiError:
    return ApiError(RefusalCode.WRONG_STATE, detail)
