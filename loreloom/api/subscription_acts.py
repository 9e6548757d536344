"""Orders to a subscription: an Update of its workflow, answered with where it stands."""

import asyncio

from temporalio.client import Client

from loreloom.api.gate import Gate
from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.api.parts import ApiConfig
from loreloom.api.temporal import outages
from loreloom.api.updates import NotTaken, Update, send
from loreloom.domain.ids import SubscriptionId, subscription_workflow_id
from loreloom.domain.refusals import RefusalCode
from loreloom.domain.subscription import LIVE, Standing
from loreloom.state.store import Store
from loreloom.state.subscriptions import find_subscription
from loreloom.workflows.signatures import CancelSubscription, ChangeLevel

Order = ChangeLevel | CancelSubscription
NAMES: dict[type[Order], str] = {ChangeLevel: "change", CancelSubscription: "cancel"}


class SubscriptionActs:
    """Hands orders to subscriptions, a few at once for each."""

    def __init__(self, store: Store, client: Client, config: ApiConfig) -> None:
        self._store = store
        self._client = client
        self._seconds = config.act_seconds
        self._gate = Gate(config.act_gate, "subscription")

    async def give(self, subscription_id: SubscriptionId, order: Order, order_id: str) -> Standing:
        """Give an order, which counts once for its id. Raises ``ApiError`` if it is not taken."""
        update = Update(
            subscription_workflow_id(subscription_id),
            NAMES[type(order)],
            order_id,
            Standing,
            order,
            waits=60,
        )
        try:
            with self._gate.hold(subscription_id), outages():
                async with asyncio.timeout(self._seconds):
                    return await send(
                        self._client, update, lambda: self._should_run(subscription_id)
                    )
        except NotTaken as error:
            raise error.refusal or await self._not_running(subscription_id) from error

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
