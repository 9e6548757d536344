"""Ending a quest from outside, with an outcome that is said and a compensation."""

import asyncio
from typing import cast

from temporalio.client import Client, WorkflowFailureError
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError

from loreloom.activities.signatures.quest import QuestRef
from loreloom.activities.signatures.settlement import NotSettled, Settle, Settled
from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.api.parts import AppParts
from loreloom.api.schemas.ops import SettleBody, SettledView
from loreloom.api.temporal import outages
from loreloom.domain.ids import QuestId, settlement_workflow_id
from loreloom.domain.refusals import RefusalCode
from loreloom.domain.rewards import Reward
from loreloom.state.quests import QuestRecord
from loreloom.state.settlements import OVER, is_settled
from loreloom.workflows import attributes
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import SETTLEMENT


async def settle(parts: AppParts, quest: QuestRecord, body: SettleBody, by: str) -> SettledView:
    """End the quest, once; asked again it answers the same.

    Raises ``ApiError`` if the quest ended by itself, if ops ended it before in another way, or if
    nobody answers in time: it is ended all the same once somebody serves it, and asking again
    answers how.
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
            settled = await _settled(parts.temporal, parts.config.queue_prefix, wish)
    if isinstance(settled, NotSettled):
        raise _ended(settled.why)
    if (settled.outcome, settled.compensation) != (wish.outcome, wish.compensation):
        raise _ended_before(quest.quest_id, settled)
    return SettledView(
        quest_id=quest.quest_id,
        outcome=settled.outcome,
        compensation=settled.compensation,
        arc_told=settled.told,
    )


async def _settled(client: Client, prefix: str, wish: Settle) -> Settled | NotSettled:
    """The settlement's answer. What was refused is asked anew: the quest may be replayed by now."""
    begun = await _start(client, prefix, wish, WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY)
    settled = await _result(client, wish)
    if begun or isinstance(settled, Settled):
        return settled
    await _start(client, prefix, wish, WorkflowIDReusePolicy.ALLOW_DUPLICATE)
    return await _result(client, wish)


async def _start(client: Client, prefix: str, wish: Settle, reuse: WorkflowIDReusePolicy) -> bool:
    """Whether it was begun or joined; if not, it is done, and its answer can be read."""
    try:
        await client.start_workflow(
            SETTLEMENT,
            wish,
            id=settlement_workflow_id(wish.quest.quest_id),
            task_queue=queue_of(Role.STORY, prefix),
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=reuse,
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(attributes.WORLD, wish.quest.world_id),
                    SearchAttributePair(attributes.PLAYER, wish.quest.player_id),
                ]
            ),
            static_summary=f"Ops end the quest as {wish.outcome}",
        )
    except WorkflowAlreadyStartedError:
        return False
    return True


async def _result(client: Client, wish: Settle) -> Settled | NotSettled:
    handle = client.get_workflow_handle(
        settlement_workflow_id(wish.quest.quest_id),
        # Temporal takes a union and its annotation does not say so.
        result_type=cast(type, Settled | NotSettled),
    )
    try:
        settled: Settled | NotSettled = await handle.result()
    except WorkflowFailureError as error:
        cause = error.cause.__cause__ or error.cause
        raise _ended(str(cause)) from error
    return settled


def _ended_before(quest_id: QuestId, settled: Settled) -> ApiError:
    given = given_words(settled.compensation)
    detail = f"ops ended {quest_id} before, as {settled.outcome}, and gave {given}"
    return ApiError(ErrorCode.SETTLED, detail)


def given_words(given: Reward) -> str:
    """What a player was given, in words."""
    counted = {"experience": given.experience, "coin": given.coin, **given.items}
    said = [f"{count} {name}" for name, count in counted.items() if count]
    said += [f"{change:+} standing with {name}" for name, change in given.standing.items()]
    return ", ".join(said) or "nothing"


def _ended(detail: str) -> ApiError:
    return ApiError(RefusalCode.WRONG_STATE, detail)
