"""A story arc: beat after beat, each entered once and for a reason that is kept."""

import asyncio
from typing import NoReturn

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from loreloom.activities.signatures.arc import Asked, QuestEnded, Seen, Tally
    from loreloom.activities.signatures.errors import BROKEN
    from loreloom.domain import arc_wait
    from loreloom.domain import arc_walk as rules
    from loreloom.domain.arc import (
        ArcDefinition,
        Beat,
        ChangeBeat,
        EndBeat,
        GoalBeat,
        QuestBeat,
        TellBeat,
    )
    from loreloom.domain.arc_walk import ArcState, Reason, StartedQuest, Way
    from loreloom.domain.ids import arc_workflow_id, quest_workflow_id
    from loreloom.domain.quest import QuestState
    from loreloom.domain.refusals import Refusal, RefusalCode
    from loreloom.workflows import attributes
    from loreloom.workflows.arc_book import ArcBook
    from loreloom.workflows.signatures import (
        QUEST,
        ArcInput,
        ArcStanding,
        CancelArc,
        ChooseAct,
        MigrateArc,
        QuestInput,
    )
    from loreloom.workflows.updates import refused, ruled

MAX_REASON = 500
SOON = 0.05
"""Least real seconds to a moment of game time, so that a clock's rounding cannot spin."""


@workflow.defn(name="Arc")
class ArcWorkflow:
    """One arc of a player or of a world. The workflow is the truth of it while it runs."""

    @workflow.init
    def __init__(self, start: ArcInput) -> None:
        self._arc = start.arc
        self._definition = start.definition
        self._progress = start.progress
        self._book = ArcBook(start.arc)
        # Beats are entered and acts are taken one at a time.
        self._turn = asyncio.Lock()
        self._stirred = False

    @workflow.run
    async def run(self, start: ArcInput) -> ArcState:
        """The arc from its first beat to its end; returns the state that it ended in."""
        self._introduce()
        try:
            await self._begin()
            while self._runs:
                await self._do()
                await self._go_on()
        except ActivityError as error:
            await self._break(error)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._progress.state

    # A beat after another: what it does, what it waits for, and where it leads.

    async def _begin(self) -> None:
        async with self._turn:
            if self._progress.beat is None and self._runs:
                first = Reason(words="the arc begins here")
                await self._enter(Way(to=self._definition.start, reason=first))

    async def _do(self) -> None:
        """Do what the present beat does, once."""
        async with self._turn:
            if self._progress.done or not self._runs:
                return
            beat, seq = self._beat, self._progress.seq
            if isinstance(beat, GoalBeat):
                tally = await self._book.open_goal(seq, beat)
                self._progress = self._progress.but(total=tally.total)
            elif isinstance(beat, QuestBeat):
                await self._start_quest(await self._book.ask_quest(seq, beat))
            elif isinstance(beat, ChangeBeat):
                await self._book.change(seq, beat)
            elif isinstance(beat, TellBeat):
                await self._book.tell(seq, beat.text)

    async def _go_on(self) -> None:
        """Wait until the beat is over and a way is open, then enter the beat that it leads to."""
        looks = 0
        while self._runs:
            if workflow.info().is_continue_as_new_suggested():
                await self._continue_as_new()
            self._stirred, definition = False, self._definition
            seen = await self._book.look(self._beat, self._progress)
            if seen.quest is not None:
                self._hear(seen.quest)
            async with self._turn:
                # What was seen answers the definition that it was asked by, and no other.
                way = await self._way(seen) if self._definition is definition else None
                if way is not None:
                    await self._enter(way)
                    return
            await self._pause(seen, looks)
            looks += 1

    async def _way(self, seen: Seen) -> Way | None:
        """The way on, if the arc runs and the present beat is over."""
        if not self._runs:
            return None
        beat, progress = self._beat, self._progress
        over = arc_wait.is_over(beat, progress, seen.now, seen.game_seconds)
        late = arc_wait.is_late(beat, progress, seen.game_seconds)
        if not over and not late:
            return None
        if isinstance(beat, GoalBeat) and not progress.done:
            over = await self._close(beat)
        self._progress = self._progress.but(done=True)
        way = None if over else arc_wait.late_way(beat)
        return way or rules.way_on(beat, rules.situated(seen.now, self._progress))

    async def _close(self, beat: GoalBeat) -> bool:
        """Close the goal; whether it was reached, if only by what came last."""
        tally = await self._book.close_goal(self._progress.seq, beat.name)
        reached = tally.total >= tally.target
        goals = {**self._progress.goals, beat.name: reached}
        self._progress = self._progress.but(goals=goals, total=tally.total)
        return reached

    async def _pause(self, seen: Seen, looks: int) -> None:
        """Wait for a signal, for an act, or until the next look can find something new."""
        try:
            await workflow.wait_condition(
                lambda: self._stirred or not self._runs,
                timeout=self._seconds_to_next_look(seen, looks),
            )
        except TimeoutError:
            return

    def _seconds_to_next_look(self, seen: Seen, looks: int) -> float | None:
        """Real seconds; ``None`` if nothing can come but a signal or an act."""
        beat, progress = self._beat, self._progress
        times = [self._seconds_until(seen, m) for m in arc_wait.moments(beat, progress)]
        if arc_wait.awaited_quest(beat, progress) is not None and not progress.done:
            times.append(arc_wait.pause_before_look(looks, arc_wait.LONGEST_LOOK_AT_QUEST))
        if seen.not_before is not None:
            timely = self._seconds_until(seen, seen.not_before)
            looked = arc_wait.pause_before_look(looks, arc_wait.LONGEST_LOOK)
            times.append(None if timely is None else max(looked, timely))
        return min((seconds for seconds in times if seconds is not None), default=None)

    def _seconds_until(self, seen: Seen, moment: int) -> float | None:
        """Real seconds to a game second by the clock as it was seen; ``None`` while paused."""
        at = seen.clock.real_moment(moment)
        return None if at is None else max(SOON, (at - workflow.now()).total_seconds())

    async def _enter(self, way: Way) -> None:
        """Enter a beat. What was written the first time counts, so that a reset walks that way."""
        seq = self._progress.seq + 1
        written = await self._book.enter(self._definition, seq, way)
        if written.definition is not None:
            self._definition = written.definition
        self._progress = self._progress.but(
            seq=seq, beat=written.beat, entered=written.game_seconds, done=False, total=0
        )
        if written.choice is not None:
            self._adopt_choice(written.choice)
        if isinstance(self._beat, EndBeat):
            self._progress = self._progress.but(state=ArcState.ENDED)
        self._show()

    async def _start_quest(self, asked: Asked) -> None:
        quest = asked.quest
        try:
            # Abandoned, not awaited: a reset of either would leave the other waiting.
            await workflow.start_child_workflow(
                QUEST,
                QuestInput(quest=quest, clock=asked.clock, tell=arc_workflow_id(self._arc.arc_id)),
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
            # This arc was reset: the quest of the first time is the quest.
            workflow.logger.info("%s has been started already", quest.quest_id)
        quests = {**self._progress.quests, self._beat_id: StartedQuest(quest_id=quest.quest_id)}
        self._progress = self._progress.but(quests=quests, done=True)

    # Acts and signals.

    @workflow.signal
    def quest_ended(self, end: QuestEnded) -> None:
        """A quest of the arc has ended."""
        self._hear(end)

    @workflow.signal
    def contributed(self, tally: Tally) -> None:
        """Players have pushed on a goal."""
        if self._progress.beat is None or not isinstance(self._beat, GoalBeat):
            return
        if self._beat.name == tally.goal:
            self._progress = self._progress.but(total=max(self._progress.total, tally.total))
            self._stirred = self._stirred or self._progress.total >= self._beat.target

    @workflow.signal
    def look_again(self) -> None:
        """The world may have changed."""
        self._stirred = True

    @workflow.update
    async def choose(self, act: ChooseAct) -> ArcStanding:
        """A way is chosen."""
        async with self._turn:
            self._require_choice(act.choice_id)
            written = await self._book.choose(self._progress.seq, act)
            self._adopt_choice(written.choice_id)
            return self._standing()

    @choose.validator
    def _can_choose(self, act: ChooseAct) -> None:
        self._require_choice(act.choice_id)

    @workflow.update
    async def cancel(self, act: CancelArc) -> ArcStanding:
        """The arc stops where it stands; what it has done stays done."""
        async with self._turn:
            ruled(rules.require_running, self._progress)
            await self._book.stop(self._progress.seq, ArcState.CANCELLED, act.reason)
            self._progress = self._progress.but(state=ArcState.CANCELLED)
            self._show()
            return self._standing()

    @cancel.validator
    def _can_cancel(self, act: CancelArc) -> None:
        ruled(rules.require_running, self._progress)

    @workflow.update
    async def migrate(self, act: MigrateArc) -> ArcStanding:
        """The arc goes on by another definition, from the beat at which it stands."""
        async with self._turn:
            self._require_migratable(act.definition)
            await self._book.move(self._progress.seq, act.definition)
            self._definition = act.definition
            if self._progress.beat is not None and isinstance(self._beat, GoalBeat):
                tally = await self._book.open_goal(self._progress.seq, self._beat)
                self._progress = self._progress.but(total=tally.total)
            self._stirred = True
            return self._standing()

    @migrate.validator
    def _can_migrate(self, act: MigrateArc) -> None:
        self._require_migratable(act.definition)

    def _require_choice(self, choice_id: str) -> None:
        if self._progress.beat is None:
            raise refused(Refusal(RefusalCode.WRONG_STATE, "the arc has not begun"))
        ruled(rules.chosen, self._beat_id, self._beat, self._progress, choice_id)

    def _require_migratable(self, definition: ArcDefinition) -> None:
        progress = self._progress
        ruled(rules.require_running, progress)
        started = tuple(progress.quests)
        ruled(rules.require_migratable, self._definition, definition, progress.beat, started)

    def _hear(self, end: QuestEnded) -> None:
        self._progress = rules.quest_ended(self._progress, end.quest_id, end.state, end.chosen)
        self._stirred = True

    def _adopt_choice(self, choice_id: str) -> None:
        choices = {**self._progress.choices, self._beat_id: choice_id}
        self._progress = self._progress.but(choices=choices, done=True)
        self._stirred = True

    # Where the story stands.

    @property
    def _runs(self) -> bool:
        return self._progress.state is ArcState.RUNNING

    @property
    def _beat_id(self) -> str:
        if self._progress.beat is None:
            raise RuntimeError("the arc has not begun")
        return self._progress.beat

    @property
    def _beat(self) -> Beat:
        return self._definition.beats[self._beat_id]

    def _standing(self) -> ArcStanding:
        progress = self._progress
        return ArcStanding(
            state=progress.state,
            beat=progress.beat,
            seq=progress.seq,
            choice_id=progress.choices.get(progress.beat) if progress.beat else None,
            digest=self._definition.digest,
        )

    async def _break(self, error: ActivityError) -> NoReturn:
        """Say that the process failed, and fail, so that ops can repair and replay it."""
        reason = str(error.cause or error)[:MAX_REASON]
        async with self._turn:
            await self._book.stop(self._progress.seq, ArcState.BROKEN, reason)
            self._progress = self._progress.but(state=ArcState.BROKEN)
        self._show()
        await workflow.wait_condition(workflow.all_handlers_finished)
        raise ApplicationError(reason, type=BROKEN, non_retryable=True) from error

    async def _continue_as_new(self) -> None:
        await workflow.wait_condition(workflow.all_handlers_finished)
        if self._runs:
            workflow.continue_as_new(
                ArcInput(arc=self._arc, definition=self._definition, progress=self._progress)
            )

    def _introduce(self) -> None:
        """Tell an inspector in Temporal's UI what this is."""
        pairs = [
            attributes.WORLD.value_set(self._arc.world_id),
            attributes.KIND.value_set("arc"),
        ]
        if self._arc.player_id is not None:
            pairs.append(attributes.PLAYER.value_set(self._arc.player_id))
        workflow.upsert_search_attributes(pairs)
        self._show()

    def _show(self) -> None:
        """Tell an inspector where the story stands."""
        progress = self._progress
        workflow.upsert_search_attributes([attributes.STATE.value_set(progress.state.value)])
        workflow.set_current_details(
            f"**{self._definition.title}**: {progress.state}, beat {progress.seq}: {progress.beat}"
        )
