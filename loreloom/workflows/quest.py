"""A quest: designed, offered, played, rewarded and told to its end."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NoReturn

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    FailureError,
)

with workflow.unsafe.imports_passed_through():
    from loreloom.activities.signatures.arc import QuestEnded
    from loreloom.activities.signatures.errors import BROKEN, REFUSED, refused
    from loreloom.activities.signatures.quest import (
        DesignSteps,
        Ending,
        EpilogueSteps,
        LookAround,
        QuestSteps,
        Recorded,
        Step,
        WithoutModel,
    )
    from loreloom.domain import quest as rules
    from loreloom.domain.clock import Clock
    from loreloom.domain.quest import Objective, ObjectiveKind, QuestPlan, QuestProgress, QuestState
    from loreloom.domain.refusals import Refusal, RefusalCode
    from loreloom.domain.standing import QuestStanding, standing_of
    from loreloom.workflows import attributes
    from loreloom.workflows.no_model import why_no_model
    from loreloom.workflows.roles import Role, sibling_queue
    from loreloom.workflows.signatures import (
        ChooseAct,
        ProgressAct,
        QuestInput,
    )
    from loreloom.workflows.updates import key_of_order, ruled
    from loreloom.workflows.waking import seconds_until

DESIGN_QUEUE_WAIT = timedelta(seconds=60)
DESIGN_TIME = timedelta(seconds=45)
DESIGN_BOUND = timedelta(seconds=120)
"""How long a story waits for the model's tier at most, with every try: then a template serves."""
EPILOGUE_QUEUE_WAIT = timedelta(seconds=30)
EPILOGUE_TIME = timedelta(seconds=30)
EPILOGUE_BOUND = timedelta(seconds=75)
HEARTBEAT = timedelta(seconds=8)
WRITE_TIME = timedelta(seconds=5)
MAX_REASON = 500

LONGEST_UNSEEN = timedelta(days=1)
"""How long a quest with a limit goes by a clock at most before it looks at it again. Changes are
told to it; this is for one that was not."""
LIMIT_BY_THE_CLOCK = "limit-by-the-clock"
"""The patch since which an accepted quest keeps the moment of game time at which its time is up."""

WRITE_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=5)
)
MODEL_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=500),
    maximum_interval=timedelta(seconds=5),
    maximum_attempts=5,
)


@workflow.defn(name="Quest")
class QuestWorkflow:
    """One quest of one player. The workflow is the truth of it while it runs."""

    @workflow.init
    def __init__(self, start: QuestInput) -> None:
        self._quest = start.quest
        self._clock_at_request = start.clock
        self._plan = start.plan
        self._tell_at_end = start.tell
        self._progress = start.progress
        self._deadline: datetime | None = start.deadline
        self._stirred = False
        self._failure: FailureError | None = None
        # Acts are taken one at a time: what is written down must follow in order.
        self._turn = asyncio.Lock()
        run = workflow.info()
        self._reset = run.run_id != run.original_execution_run_id

    @workflow.run
    async def run(self, start: QuestInput) -> QuestState:
        """The quest from beginning to end; returns the state that it ended in."""
        self._show()
        try:
            await self._design()
            await self._offer()
            await self._play()
            await self._reward()
            await self._tell_epilogue()
            await self._say_that_it_ended()
        except FailureError as error:
            await self._break(error)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._progress.state

    # The story's steps, in their order. Each does nothing if the story is past it.

    async def _design(self) -> None:
        if self._plan is not None:
            return
        try:
            self._plan = await workflow.execute_activity_method(
                DesignSteps.design,
                self._quest,
                task_queue=self._queue(Role.SILVER),
                schedule_to_close_timeout=DESIGN_BOUND,
                schedule_to_start_timeout=DESIGN_QUEUE_WAIT,
                start_to_close_timeout=DESIGN_TIME,
                heartbeat_timeout=HEARTBEAT,
                retry_policy=MODEL_RETRY,
                summary="Design the quest from the canon",
            )
        except ActivityError as error:
            # A story does not stop for a model.
            self._plan = await workflow.execute_activity_method(
                DesignSteps.design_by_template,
                self._without_model(error),
                start_to_close_timeout=DESIGN_TIME,
                retry_policy=WRITE_RETRY,
                summary="Design the quest from a template",
            )

    async def _offer(self) -> None:
        if self._progress.state is not QuestState.DESIGNING:
            return
        offered = await self._write(self._to(rules.offered(self._progress), "quest.offered"))
        # From the moment that is written down, so that a reset does not shift it.
        until = offered.at + timedelta(seconds=self._the_plan.offer_seconds)
        seconds = max(0.0, (until - workflow.now()).total_seconds())
        try:
            await self._until(lambda: self._progress.state is not QuestState.OFFERED, seconds)
        except TimeoutError:
            await self._end_unless_acted(QuestState.OFFERED, QuestState.EXPIRED)

    async def _play(self) -> None:
        while not self._over:
            seconds = await self._seconds_left()
            try:
                await self._until(self._needs_attention, seconds)
            except TimeoutError:
                if await self._time_is_up():
                    await self._end_unless_acted(QuestState.ACTIVE, QuestState.FAILED)
            if workflow.info().is_continue_as_new_suggested():
                await self._continue_as_new()
        self._raise_failure()
        async with self._turn:
            while self._progress.state is QuestState.ACTIVE and self._lost:
                failed = rules.ended(self._progress, QuestState.FAILED)
                await self._write(self._to(failed, "quest.failed", reason="choice"))

    async def _reward(self) -> None:
        if self._progress.state is not QuestState.ACTIVE:
            return
        completed = rules.ended(self._progress, QuestState.COMPLETED)
        await workflow.execute_activity_method(
            QuestSteps.reward,
            Ending(quest=self._quest, plan=self._the_plan, progress=completed, at=workflow.now()),
            start_to_close_timeout=WRITE_TIME,
            retry_policy=WRITE_RETRY,
            summary="Grant the reward",
        )
        self._adopt(completed)

    async def _tell_epilogue(self) -> None:
        if self._progress.state not in (QuestState.COMPLETED, QuestState.FAILED):
            return
        try:
            await workflow.execute_activity_method(
                EpilogueSteps.epilogue,
                self._quest,
                task_queue=self._queue(Role.GOLD),
                schedule_to_close_timeout=EPILOGUE_BOUND,
                schedule_to_start_timeout=EPILOGUE_QUEUE_WAIT,
                start_to_close_timeout=EPILOGUE_TIME,
                heartbeat_timeout=HEARTBEAT,
                retry_policy=MODEL_RETRY,
                summary="Write the epilogue",
            )
        except ActivityError as error:
            await workflow.execute_activity_method(
                EpilogueSteps.epilogue_by_template,
                self._without_model(error),
                start_to_close_timeout=EPILOGUE_TIME,
                retry_policy=WRITE_RETRY,
                summary="Take the epilogue from a template",
            )

    async def _say_that_it_ended(self) -> None:
        if self._tell_at_end is None:
            return
        end = QuestEnded(
            quest_id=self._quest.quest_id,
            state=self._progress.state,
            chosen=self._progress.chosen,
        )
        try:
            await workflow.get_external_workflow_handle(self._tell_at_end).signal(
                "quest_ended", end
            )
        except FailureError as error:
            # Whoever waited for it is over by now; nothing hangs on it.
            workflow.logger.info("%s heard nothing of the end: %s", self._tell_at_end, error)

    @workflow.signal
    def look_again(self) -> None:
        """The world's clock was changed."""
        self._stirred = True

    # A player's acts. A refusal changes nothing; a validator's refusal does not enter history.
    # After a reset the acts of before come all at once: each waits for its turn to be ruled on.

    @workflow.update
    async def accept(self) -> QuestStanding:
        """The player takes the offer."""
        await self._designed()

        def step() -> Step:
            progress = ruled(rules.accepted, self._progress, due)
            return self._to(progress, "quest.accepted", action_id=key_of_order())

        async with self._turn:
            due = await self._due_if_accepted()
            standing = await self._act(step)
        return await self._settled(standing)

    @accept.validator
    def _can_accept(self) -> None:
        if not self._reset:
            ruled(rules.accepted, self._progress)

    @workflow.update
    async def abandon(self) -> QuestStanding:
        """The player refuses the offer or gives the quest up."""
        await self._designed()

        def step() -> Step:
            progress = ruled(rules.abandoned, self._the_plan, self._progress)
            return self._to(progress, "quest.abandoned", action_id=key_of_order())

        async with self._turn:
            standing = await self._act(step)
        return await self._settled(standing)

    @abandon.validator
    def _can_abandon(self) -> None:
        if not self._reset:
            ruled(rules.abandoned, self._the_plan, self._progress)

    @workflow.update
    async def progress(self, act: ProgressAct) -> QuestStanding:
        """The player worked on an objective."""
        await self._designed()

        def step() -> Step:
            progress = ruled(
                rules.progressed, self._the_plan, self._progress, act.objective_id, act.amount
            )
            counted = rules.counted(self._the_plan, self._progress, progress, act.objective_id)
            said = {"objective_id": act.objective_id, **dict(counted)}
            return self._to(progress, "quest.progressed", action_id=act.action_id, **said)

        async with self._turn:
            await self._require_condition(act.objective_id, act.action_id)
            standing = await self._act(step)
        return await self._settled(standing)

    @progress.validator
    def _can_progress(self, act: ProgressAct) -> None:
        if not self._reset:
            ruled(rules.progressed, self._the_plan, self._progress, act.objective_id, act.amount)

    @workflow.update
    async def choose(self, act: ChooseAct) -> QuestStanding:
        """The player chose a way."""
        await self._designed()

        def step() -> Step:
            progress = ruled(rules.chose, self._the_plan, self._progress, act.choice_id)
            fact = self._the_plan.choice(act.choice_id).sets_fact
            said = {"choice_id": act.choice_id, "sets_fact": fact}
            return self._to(progress, "quest.chosen", action_id=act.action_id, **said)

        async with self._turn:
            for objective in self._the_plan.objectives:
                if objective.kind is ObjectiveKind.CHOOSE:
                    await self._require_condition(objective.objective_id, act.action_id)
            standing = await self._act(step)
        return await self._settled(standing)

    @choose.validator
    def _can_choose(self, act: ChooseAct) -> None:
        if not self._reset:
            ruled(rules.chose, self._the_plan, self._progress, act.choice_id)

    async def _designed(self) -> None:
        """Return once there is a quest to act on; only acts of before a reset come earlier."""
        if self._progress.state is QuestState.DESIGNING:
            await workflow.wait_condition(lambda: self._progress.state is not QuestState.DESIGNING)

    # Writing down.

    def _to(self, progress: QuestProgress, kind: str, **said: Any) -> Step:
        return Step(quest=self._quest, progress=progress, at=workflow.now(), kind=kind, **said)

    async def _write(self, step: Step) -> Recorded:
        """Write a step down and go on from what then stands at its revision.

        That is the step itself, or another act that was written there by a task that died with its
        worker. It is neither if an earlier act has the step's action id.

        A local activity: it costs the server no task of its own, and no act can come between what
        readers see and what the workflow knows.
        """
        recorded = await workflow.execute_local_activity_method(
            QuestSteps.record,
            step,
            start_to_close_timeout=WRITE_TIME,
            retry_policy=WRITE_RETRY,
        )
        if recorded.revision == step.progress.revision:
            stands = recorded.progress
            if (self._progress.state, stands.state) == (QuestState.OFFERED, QuestState.ACTIVE):
                self._set_deadline(stands, recorded.at)
            self._adopt(stands)
        return recorded

    async def _act(self, rule: Callable[[], Step]) -> QuestStanding:
        """Write a player's act and answer it; a repeat of an earlier act gets the first answer.

        Where another act is found in its place, the rules are asked anew.
        """
        while True:
            step = rule()
            try:
                recorded = await self._write(step)
            except FailureError as error:
                if _is_refused(error):
                    # The world's clock is further than when this quest last looked at it.
                    self._stirred = True
                    raise
                self._failure = error
                return self._standing()
            if not recorded.by_another:
                return standing_of(self._the_plan, recorded.progress)

    async def _settled(self, standing: QuestStanding) -> QuestStanding:
        """The answer to an act; the act that ends a quest is answered with its end."""
        ends = standing.revision == self._progress.revision and (self._fulfilled or self._lost)
        if not ends and self._failure is None:
            return standing
        await workflow.wait_condition(
            lambda: self._progress.state not in (QuestState.OFFERED, QuestState.ACTIVE)
        )
        return self._standing()

    async def _end_unless_acted(self, before: QuestState, after: QuestState) -> None:
        """End a quest whose time is up, unless an act came first."""
        async with self._turn:
            while self._progress.state is before and not self._fulfilled and not self._lost:
                ended = rules.ended(self._progress, after)
                await self._write(self._to(ended, f"quest.{after}", reason="time"))

    async def _break(self, error: FailureError) -> NoReturn:
        """Say that the process failed, and fail, so that ops can repair and replay it.

        A quest that has ended stays ended, also when its epilogue cannot be told.
        """
        reason = str(error.cause or error)[:MAX_REASON]
        if self._progress.state not in (QuestState.COMPLETED, QuestState.FAILED):
            async with self._turn:
                broken = rules.broken(self._progress)
                await self._write(self._to(broken, "quest.broken", reason=reason))
        await workflow.wait_condition(workflow.all_handlers_finished)
        raise ApplicationError(reason, type=BROKEN, non_retryable=True) from error

    async def _continue_as_new(self) -> None:
        # The act that ends the quest waits for this very run to reward it, so it is not waited for.
        await workflow.wait_condition(lambda: workflow.all_handlers_finished() or self._over)
        if self._over:
            return
        workflow.continue_as_new(
            QuestInput(
                quest=self._quest,
                clock=self._clock_at_request,
                plan=self._plan,
                progress=self._progress,
                deadline=self._deadline,
                tell=self._tell_at_end,
            )
        )

    # Where the story stands.

    @property
    def _the_plan(self) -> QuestPlan:
        if self._plan is None:
            raise refused(Refusal(RefusalCode.WRONG_STATE, "the quest is being designed"))
        return self._plan

    @property
    def _fulfilled(self) -> bool:
        return rules.is_fulfilled(self._the_plan, self._progress)

    @property
    def _lost(self) -> bool:
        return rules.is_lost(self._the_plan, self._progress)

    @property
    def _over(self) -> bool:
        """Whether the play is over: by its end, or by a write that failed for good."""
        active = self._progress.state is QuestState.ACTIVE
        return not active or self._fulfilled or self._lost or self._failure is not None

    def _standing(self) -> QuestStanding:
        return standing_of(self._the_plan, self._progress)

    def _adopt(self, progress: QuestProgress) -> None:
        moved_on = progress.state is not self._progress.state
        self._progress = progress
        self._show(moved_on)

    def _show(self, moved_on: bool = True) -> None:
        """Tell an inspector in Temporal's UI where the story stands."""
        if moved_on:
            pairs = [attributes.STATE.value_set(self._progress.state.value)]
            if self._progress.state is QuestState.OFFERED and self._the_plan.region is not None:
                pairs.append(attributes.REGION.value_set(self._the_plan.region))
            workflow.upsert_search_attributes(pairs)
        workflow.set_current_details(_details(self._plan, self._progress))

    async def _until(self, condition: Callable[[], bool], seconds: float | None) -> None:
        """Wait for a condition or a failed act; ``TimeoutError`` when the time is up."""
        await workflow.wait_condition(
            lambda: condition() or self._failure is not None, timeout=seconds
        )
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _needs_attention(self) -> bool:
        return self._over or self._stirred or workflow.info().is_continue_as_new_suggested()

    async def _due_if_accepted(self) -> int | None:
        """The game second at which the time is up of a quest that is accepted now."""
        limit = self._the_plan.limit_game_seconds
        if limit is None or not workflow.patched(LIMIT_BY_THE_CLOCK):
            return None
        return (await self._look_at_clock()).game_seconds(workflow.now()) + limit

    async def _seconds_left(self) -> float | None:
        """Real seconds until the time may be up, as the world's clock goes now."""
        self._stirred = False
        due = self._progress.due
        if due is None:
            return self._seconds_to_deadline()
        left = seconds_until(await self._look_at_clock(), due, LONGEST_UNSEEN)
        return LONGEST_UNSEEN.total_seconds() if left is None else left

    async def _time_is_up(self) -> bool:
        due = self._progress.due
        return due is None or (await self._look_at_clock()).game_seconds(workflow.now()) >= due

    async def _look_at_clock(self) -> Clock:
        return await workflow.execute_local_activity_method(
            QuestSteps.clock,
            self._quest,
            start_to_close_timeout=WRITE_TIME,
            retry_policy=WRITE_RETRY,
        )

    # A quest that was accepted before it kept its due moment ends at a real one, reckoned by the
    # clock as it stood at the request.

    def _set_deadline(self, accepted: QuestProgress, at: datetime) -> None:
        """From the moment that is written down, so that a reset does not shift it."""
        limit = self._the_plan.limit_game_seconds
        if limit is not None and accepted.due is None and self._clock_at_request is not None:
            self._deadline = at + self._clock_at_request.real_span(limit)

    def _seconds_to_deadline(self) -> float | None:
        if self._deadline is None:
            return None
        return max(0.0, (self._deadline - workflow.now()).total_seconds())

    async def _require_condition(self, objective_id: str, action_id: str) -> None:
        """Refuse the act unless the objective's condition holds where the player is now.

        What was said of the act before a reset is said again.
        """
        condition = self._objective(objective_id).condition
        if condition is None:
            return
        seen = await workflow.execute_local_activity_method(
            QuestSteps.look_around,
            LookAround(
                quest=self._quest,
                region=self._the_plan.region,
                action_id=action_id,
                update_id=key_of_order(),
                condition=condition,
            ),
            start_to_close_timeout=WRITE_TIME,
            retry_policy=WRITE_RETRY,
        )
        if seen.refused is not None:
            raise refused(Refusal(RefusalCode.CONDITION_UNMET, seen.refused))

    def _objective(self, objective_id: str) -> Objective:
        return ruled(self._the_plan.objective, objective_id)

    def _without_model(self, error: ActivityError) -> WithoutModel:
        return WithoutModel(**dict(self._quest), why=why_no_model(error))

    def _queue(self, role: Role) -> str:
        return sibling_queue(workflow.info().task_queue, role)


def _is_refused(error: FailureError) -> bool:
    return isinstance(error, ApplicationError) and error.type == REFUSED


def _details(plan: QuestPlan | None, progress: QuestProgress) -> str:
    lines = [f"**{progress.state}** (revision {progress.revision})"]
    for objective in plan.objectives if plan else ():
        done = progress.done.get(objective.objective_id, 0)
        lines.append(f"- {objective.kind} {objective.target}: {done} of {objective.required}")
    if progress.chosen:
        lines.append(f"- chosen: {progress.chosen}")
    return "\n".join(lines)
