"""A quest whose code was changed so that running ones would break."""

from datetime import timedelta

from temporalio import workflow

from loreloom.workflows.signatures import QuestInput
from tests.histories.replaying import HISTORIES

QUESTS = HISTORIES / "quest"


@workflow.defn(name="Quest")
class HastyQuest:
    """A quest that sleeps where it used to be designed: running ones cannot follow."""

    @workflow.run
    async def run(self, start: QuestInput) -> None:
        await workflow.sleep(timedelta(seconds=1))
