"""What an arc sets going beyond its own writing: a quest of its player, and a model that tells."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import (
    RetryPolicy,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import (
    ActivityError,
    WorkflowAlreadyStartedError,
)

with workflow.unsafe.imports_passed_through():
    from loreloom.activities.signatures.arc import ArcRef, Asked, TellingOwn, TellingSteps, Writing
    from loreloom.domain.arc import TellBeat
    from loreloom.domain.ids import QuestId, arc_workflow_id, quest_workflow_id
    from loreloom.domain.quest import QuestState
    from loreloom.workflows import attributes
    from loreloom.workflows.arc_book import WRITE_RETRY
    from loreloom.workflows.no_model import why_no_model
    from loreloom.workflows.roles import Role, sibling_queue
    from loreloom.workflows.signatures import QUEST, QuestInput

QUEUE_WAIT = timedelta(seconds=30)
WRITING_TIME = timedelta(seconds=45)
WRITING_BOUND = timedelta(seconds=90)
HEARTBEAT = timedelta(seconds=8)
MODEL_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=500),
    maximum_interval=timedelta(seconds=5),
    maximum_attempts=5,
)


async def start_quest(arc: ArcRef, asked: Asked) -> None:
    """Start a quest of the arc's player under its own id, whose end the arc will be told."""
    quest = asked.quest
    try:
        # Abandoned, not awaited: a reset of either would leave the other waiting.
        await workflow.start_child_workflow(
            QUEST,
            QuestInput(quest=quest, tell=arc_workflow_id(arc.arc_id)),
            id=quest_workflow_id(quest.quest_id),
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(attributes.WORLD, quest.world_id),
                    SearchAttributePair(attributes.PLAYER, quest.player_id),
                    SearchAttributePair(attributes.KIND, asked.kind.value),
                    SearchAttributePair(attributes.STATE, QuestState.DESIGNING.value),
                ]
            ),
            static_summary=f"A {asked.kind} quest of {quest.player_id}",
        )
    except WorkflowAlreadyStartedError:
        # The arc was reset: the quest of the first time is the quest.
        workflow.logger.info("%s has been started already", quest.quest_id)


async def write(
    arc: ArcRef, seq: int, title: str, beat: TellBeat, quest_id: QuestId | None
) -> None:
    """Have a text written and told; where no model's queue is served, the beat's own is told."""
    step = Writing(arc=arc, seq=seq, at=workflow.now(), title=title, beat=beat, quest_id=quest_id)
    try:
        await workflow.execute_activity_method(
            TellingSteps.write,
            step,
            task_queue=sibling_queue(workflow.info().task_queue, Role.GOLD),
            schedule_to_close_timeout=WRITING_BOUND,
            schedule_to_start_timeout=QUEUE_WAIT,
            start_to_close_timeout=WRITING_TIME,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=MODEL_RETRY,
            summary="Write what the beat tells",
        )
    except ActivityError as error:
        await workflow.execute_activity_method(
            TellingSteps.tell_own,
            TellingOwn(**dict(step), why=why_no_model(error)),
            start_to_close_timeout=WRITING_TIME,
            retry_policy=WRITE_RETRY,
            summary="Tell the beat's own text",
        )
