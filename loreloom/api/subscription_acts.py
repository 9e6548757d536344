"""Orders to a subscription: an Update of its workflow, answered with where it stands."""

import asyncio

from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from loreloom.api.errors import ApiError, ErrorCode
from loreloom.api.gate import Gate
from loreloom.api.parts import ApiConfig
from loreloom.api.temporal import outages, refusal_in
from loreloom.domain.ids import SubscriptionId, subscription_workflow_id
from loreloom.domain.refusals import RefusalCode
from loreloom.domain.subscription import LIVE, Standing
from loreloom.state.store import Store
from loreloom.state.subscriptions import find_subscription
from loreloom.workflows.signatures import CancelSubscription, ChangeLevel

MISSING_RETRIES = 60
MISSING_WAIT_SECONDS = 0.1

Order = ChangeLevel | CancelSubscription
NAMES: dict[type[Order], str] = {ChangeLevel: "change", CancelSubscription: "cancel"}


class SubscriptionActs:
    """Hands orders to subscriptions, a few at once for each."""

    def __init__(self, store: Store, client: Client, config: ApiConfig) -> None:
        self._store = store
        self._client = client
        self._seconds = config.act_seconds
        self._gate = Gate(config.act_gate)

    async def give(self, subscription_id: SubscriptionId, order: Order, order_id: str) -> Standing:
        """Give an order, which counts once for its id. Raises ``ApiError`` if it is not taken.

        A subscription that was just paid may not run yet, and is waited for.
        """
        with self._gate.hold(subscription_id), outages():
            async with asyncio.timeout(self._seconds):
                for _ in range(MISSING_RETRIES):
                    try:
                        return await self._update(subscription_id, order, order_id)
                    except WorkflowUpdateFailedError as error:
                        refused = refusal_in(error)
                        raise refused or await self._not_running(subscription_id) from error
                    except RPCError as error:
                        if error.status is not RPCStatusCode.NOT_FOUND:
                            raise
                    if not await self._should_run(subscription_id):
                        break
                    await asyncio.sleep(MISSING_WAIT_SECONDS)
        raise await self._not_running(subscription_id)

    async def _update(
        self, subscription_id: SubscriptionId, order: Order, order_id: str
    ) -> Standing:
        handle = self._client.get_workflow_handle(subscription_workflow_id(subscription_id))
        standing: Standing = await handle.execute_update(
            NAMES[type(order)], order, id=order_id, result_type=Standing
        )
        return standing

    async def _should_run(self, subscription_id: SubscriptionId) -> bool:
        found = await find_subscription(self._store, subscription_id)
        return found is not None and found.state in LIVE

    async def _not_running(self, subscription_id: SubscriptionId) -> ApiError:
        found = await find_subscription(self._store, subscription_id)
        if found is None:
            return ApiError(
                ErrorCode.UNKNOWN_SUBSCRIPTION, f"there is no subscription {subscription_id}"
            )
        if found.state in LIVE:
            return ApiError(ErrorCode.NOT_RUNNING, "it runs, but its process has ended")
        return ApiError(RefusalCode.WRONG_STATE, f"the subscription is {found.state}")
