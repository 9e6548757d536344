"""A story arc: beat after beat, each entered once and for a reason that is kept."""

import asyncio
from typing import NoReturn

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from loreloom.activities.signatures.arc import QuestEnded, Seen, Tally
    from loreloom.activities.signatures.errors import BROKEN, refused
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
    from loreloom.domain.arc_walk import ArcState, Reason, Way
    from loreloom.domain.ids import QuestId
    from loreloom.domain.refusals import Refusal, RefusalCode
    from loreloom.workflows import attributes
    from loreloom.workflows.arc_book import ArcBook
    from loreloom.workflows.arc_looks import seconds_to_next_look
    from loreloom.workflows.arc_starts import start_quest, write
    from loreloom.workflows.moving_on import NEWEST_BUILD, should_move_on
    from loreloom.workflows.signatures import (
        ArcInput,
        ArcStanding,
        CancelArc,
        ChooseAct,
        MigrateArc,
    )
    from loreloom.workflows.updates import ruled

MAX_REASON = 500
LOOKS_AHEAD = "looks-ahead-before-it-moves"
"""The patch since which an arc moves to no definition by which it could come to stay for ever."""
MOVES_ON_WHILE_IT_WAITS = "moves-on-while-it-waits"
"""The patch since which an arc that waits begins a new run as soon as it should."""


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
        except FailureError as error:
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
                await self._open(seq, beat)
            elif isinstance(beat, QuestBeat):
                asked = await self._book.ask_quest(seq, beat)
                await start_quest(self._arc, asked)
                self._progress = rules.quest_started(self._progress, asked.quest.quest_id)
            elif isinstance(beat, ChangeBeat):
                await self._book.change(seq, self._definition.title, beat)
            elif isinstance(beat, TellBeat) and beat.brief is None:
                await self._book.tell(seq, beat.text)
        if isinstance(beat, TellBeat) and beat.brief is not None:
            # Out of turn: acts do not wait for a model.
            await write(self._arc, seq, self._definition.title, beat, self._last_quest)

    async def _go_on(self) -> None:
        """Wait until the beat is over and a way is open, then enter the beat that it leads to."""
        looks = 0
        while self._runs:
            if should_move_on():
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

    async def _open(self, seq: int, beat: GoalBeat) -> None:
        """Open the goal, or go by its new target. A signal may have told of more meanwhile."""
        tally = await self._book.open_goal(seq, beat)
        self._progress = self._progress.but(total=max(self._progress.total, tally.total))

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
                self._woken,
                timeout=seconds_to_next_look(self._beat, self._progress, seen, looks),
            )
        except TimeoutError:
            return

    def _woken(self) -> bool:
        if self._stirred or not self._runs:
            return True
        # A goal is told of its total far more often than it has to act on it: were it to stay in
        # one run, the server would in time refuse it every signal, the last one too. Asked for the
        # patch only then, a run that began before it moves on as well.
        return should_move_on() and workflow.patched(MOVES_ON_WHILE_IT_WAITS)

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
        # What was given the last time that the arc stood here counts for that time.
        if self._beat.name == tally.goal and tally.seq in (None, self._progress.seq):
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
            ahead = workflow.patched(LOOKS_AHEAD)
            self._require_migratable(act.definition, ahead=ahead)
            await self._book.move(self._progress.seq, act.definition)
            self._definition = act.definition
            if self._progress.beat is not None and isinstance(self._beat, GoalBeat):
                await self._open(self._progress.seq, self._beat)
            self._stirred = True
            return self._standing()

    @migrate.validator
    def _can_migrate(self, act: MigrateArc) -> None:
        self._require_migratable(act.definition)

    def _require_choice(self, choice_id: str) -> None:
        if self._progress.beat is None:
            raise refused(Refusal(RefusalCode.WRONG_STATE, "the arc has not begun"))
        ruled(rules.chosen, self._beat_id, self._beat, self._progress, choice_id)

    def _require_migratable(self, definition: ArcDefinition, *, ahead: bool = True) -> None:
        progress = self._progress
        ruled(rules.require_running, progress)
        rule = rules.require_migratable if ahead else rules.require_its_beat
        ruled(rule, self._definition, definition, progress.beat, rules.past_of(progress))

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

    @property
    def _last_quest(self) -> QuestId | None:
        quest = self._progress.quests.get(self._progress.last_quest or "")
        return quest.quest_id if quest is not None else None

    def _standing(self) -> ArcStanding:
        progress = self._progress
        return ArcStanding(
            state=progress.state,
            beat=progress.beat,
            seq=progress.seq,
            choice_id=progress.choices.get(progress.beat) if progress.beat else None,
            digest=self._definition.digest,
        )

    async def _break(self, error: FailureError) -> NoReturn:
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
                ArcInput(arc=self._arc, definition=self._definition, progress=self._progress),
                initial_versioning_behavior=NEWEST_BUILD,
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
