"""Erasing a player: the rows in one transaction, then the histories in Temporal."""

from collections.abc import AsyncIterator, Iterator, Sequence

from temporalio import activity
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from loreloom.activities.errors import broken, broken_if_refused
from loreloom.activities.signatures.erasure import Erase, ErasureSteps, Left, Renamed, Run
from loreloom.state import personal
from loreloom.state.erasures import AskedErasure
from loreloom.state.personal import StillOwes, Whose
from loreloom.state.players import NoPlayer
from loreloom.state.store import Store

WORLD, PLAYER = "LoreloomWorld", "LoreloomPlayer"
"""The search attributes, as ``workflows/attributes.py`` registers them."""
IN_A_QUERY = 100


class ErasureActivities(ErasureSteps):
    """The steps of an erasure."""

    def __init__(self, store: Store, client: Client) -> None:
        self._store = store
        self._client = client

    @activity.defn(name="erasure_rows")
    async def rows(self, renamed: Renamed) -> tuple[str, ...]:
        erase = renamed.erase
        asked = AskedErasure(pseudonym=renamed.pseudonym, reason=erase.reason, by=erase.by)
        with broken_if_refused():
            try:
                return await personal.erase(self._store, _whose(erase), asked)
            except (StillOwes, NoPlayer) as refused:
                raise broken(str(refused)) from refused

    @activity.defn(name="erasure_histories")
    async def histories(self, left: Left) -> int:
        deleted = 0
        async for run in self._runs(left):
            activity.heartbeat()
            await self.forget(run)
            deleted += 1
        return deleted

    @activity.defn(name="erasure_forget")
    async def forget(self, run: Run) -> None:
        # A run that still goes is ended by it.
        request = DeleteWorkflowExecutionRequest(
            namespace=self._client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=run.workflow_id, run_id=run.run_id),
        )
        try:
            await self._client.workflow_service.delete_workflow_execution(request)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def _runs(self, left: Left) -> AsyncIterator[Run]:
        erase = left.erase
        of_player = f"{WORLD} = '{erase.world_id}' AND {PLAYER} = '{erase.player_id}'"
        for query in (of_player, *_queries(left.workflow_ids)):
            activity.heartbeat()
            async for found in self._client.list_workflows(query):
                yield Run(workflow_id=found.id, run_id=found.run_id)


def _queries(workflow_ids: Sequence[str]) -> Iterator[str]:
    for first in range(0, len(workflow_ids), IN_A_QUERY):
        some = ", ".join(f"'{each}'" for each in workflow_ids[first : first + IN_A_QUERY])
        yield f"WorkflowId IN ({some})"


def _whose(erase: Erase) -> Whose:
    return Whose(world_id=erase.world_id, player_id=erase.player_id)
