"""A player's act: an Update of the quest's workflow, answered with the quest's new state.

While the workflow answers, nothing is read from Postgres. What is read otherwise: the answer to an
act that was taken before, and why a quest takes no acts.
"""

import asyncio
import time
from dataclasses import dataclass

from temporalio.client import Client

from loreloom.api.gate import Gate
from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.api.metrics import Metrics, outcome_of
from loreloom.api.parts import ApiConfig
from loreloom.api.temporal import RETRY_SECONDS, outages
from loreloom.api.updates import NotTaken, Update, send
from loreloom.domain.ids import QuestId, quest_workflow_id
from loreloom.domain.quest import QuestState, first_answer
from loreloom.domain.refusals import RefusalCode
from loreloom.domain.standing import QuestStanding, standing_of
from loreloom.state.quest_steps import progress_of
from loreloom.state.quests import QuestRecord, find_quest
from loreloom.state.store import Store
from loreloom.workflows.signatures import ChooseAct, ProgressAct

GOES_ON = frozenset({QuestState.OFFERED, QuestState.ACTIVE})


@dataclass(frozen=True, slots=True)
class Act:
    """An act by its name in the workflow, and the id of its Update, which stands for the act itself
    where the caller gives it no id of its own."""

    name: str
    update_id: str
    argument: ProgressAct | ChooseAct | None = None

    @property
    def action_id(self) -> str:
        """The id under which the answer is kept."""
        return self.argument.action_id if self.argument else self.update_id


class Acts:
    """Hands acts to workflows, a few at once for each."""

    def __init__(self, store: Store, client: Client, config: ApiConfig, metrics: Metrics) -> None:
        self._store = store
        self._client = client
        self._seconds = config.act_seconds
        self._gate = Gate(config.act_gate, "quest")
        self._metrics = metrics

    async def take(self, quest_id: QuestId, act: Act) -> QuestStanding:
        """Take an act and return where the quest stands. Raises ``ApiError`` if it is not taken."""
        try:
            with self._gate.hold(quest_id):
                standing, outcome = await self._take(quest_id, act)
        except ApiError as error:
            self._count(act, outcome_of(error))
            raise
        self._count(act, outcome)
        return standing

    async def _take(self, quest_id: QuestId, act: Act) -> tuple[QuestStanding, str]:
        began = time.perf_counter()
        update = Update(
            quest_workflow_id(quest_id), act.name, act.update_id, QuestStanding, act.argument
        )
        try:
            with outages():
                async with asyncio.timeout(self._seconds):
                    standing = await send(self._client, update, lambda: self._should_run(quest_id))
        except NotTaken as error:
            return await self._taken_before(quest_id, act, error.refusal), "repeated"
        self._metrics.act_seconds.labels(act.name).observe(time.perf_counter() - began)
        return standing, "taken"

    async def _should_run(self, quest_id: QuestId) -> bool:
        """Whether a workflow that was not found should be there, as while it continues as new."""
        quest = await find_quest(self._store, quest_id)
        return quest is not None and quest.progress.state in GOES_ON

    async def _taken_before(
        self, quest_id: QuestId, act: Act, refused: ApiError | None
    ) -> QuestStanding:
        """The first answer to a repeated act. Raises ``ApiError`` if the act is new."""
        quest = await find_quest(self._store, quest_id)
        if quest is None:
            raise ApiError(ErrorCode.UNKNOWN_QUEST, f"there is no quest {quest_id}")
        if quest.plan is not None:
            taken = await progress_of(self._store, quest_id, act.action_id)
            if taken is not None:
                return standing_of(quest.plan, first_answer(quest.plan, taken, quest.progress))
        if refused is not None and _is_behind(quest, act, refused):
            raise ApiError(
                ErrorCode.ACT_UNANSWERED,
                "the quest's process has not caught up with the offer",
                retry_after=RETRY_SECONDS,
            )
        raise refused or _not_running(quest)

    def _count(self, act: Act, outcome: str) -> None:
        self._metrics.acts.labels(act.name, outcome).inc()


def _is_behind(quest: QuestRecord, act: Act, refused: ApiError) -> bool:
    """Whether the process refused what it will take: a worker died as it wrote the offer down."""
    of_an_offer = act.argument is None and quest.progress.state is QuestState.OFFERED
    return of_an_offer and refused.code is RefusalCode.WRONG_STATE


def _not_running(quest: QuestRecord) -> ApiError:
    state = quest.progress.state
    if state in GOES_ON:
        return ApiError(ErrorCode.NOT_RUNNING, f"the quest is {state}, but its process has ended")
    return ApiError(RefusalCode.WRONG_STATE, f"the quest is {state}; it takes no acts")
