"""Subscriptions: read, moved to another level, and ended. One begins by ``POST /v1/payments``."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from loreloom.api.context import context_of
from loreloom.api.http.answers import answer, problems
from loreloom.api.http.auth import GameCaller
from loreloom.api.http.bodies import JsonBody, takes
from loreloom.api.http.errors import ApiError, ErrorCode, refused_as_answers
from loreloom.api.http.idempotency import Answer, Attempt, IdempotencyKey, once, said_by
from loreloom.api.lookups import shop_of, the_player
from loreloom.api.schemas.fields import ID, PlayerIdPath, WorldIdPath
from loreloom.api.schemas.payments import (
    ChangeSubscription,
    EndSubscription,
    SubscriptionList,
    SubscriptionView,
)
from loreloom.api.subscription_acts import Order
from loreloom.domain.ids import SubscriptionId, subscription_workflow_id
from loreloom.domain.money import Money
from loreloom.domain.subscription import require_change
from loreloom.state import subscriptions
from loreloom.state.subscriptions import SubscriptionRecord
from loreloom.workflows.signatures import CancelSubscription, ChangeLevel

SubscriptionIdPath = Annotated[SubscriptionId, Path(pattern=ID)]

router = APIRouter(tags=["payments"])


@router.get(
    "/v1/worlds/{world_id}/players/{player_id}/subscriptions",
    operation_id="list_subscriptions",
    response_model=SubscriptionList,
    responses=problems(404),
)
async def list_subscriptions(
    request: Request, caller: GameCaller, world_id: WorldIdPath, player_id: PlayerIdPath
) -> Response:
    """A player's subscriptions, ended ones too."""
    await the_player(request, world_id, player_id)
    store = context_of(request).parts.store
    found = await subscriptions.subscriptions_of(store, world_id, player_id)
    return answer(SubscriptionList(items=tuple(_view(each) for each in found)))


@router.get(
    "/v1/subscriptions/{subscription_id}",
    operation_id="get_subscription",
    response_model=SubscriptionView,
    responses=problems(404),
)
async def get_subscription(
    request: Request, caller: GameCaller, subscription_id: SubscriptionIdPath
) -> Response:
    """A subscription: its level, its state, and until when it is paid for."""
    return answer(_view(await _the_subscription(request, subscription_id)))


@router.post(
    "/v1/subscriptions/{subscription_id}/change",
    operation_id="change_subscription",
    response_model=SubscriptionView,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=takes(ChangeSubscription),
)
async def change_subscription(
    request: Request,
    caller: GameCaller,
    subscription_id: SubscriptionIdPath,
    body: Annotated[ChangeSubscription, Depends(JsonBody(ChangeSubscription))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Go over to another level now. The provider charges or credits what is left of the period."""
    context = context_of(request)

    async def change(attempt: Attempt) -> Answer:
        shop = shop_of(context)
        found = await _the_subscription(request, subscription_id)
        with refused_as_answers():
            item = shop.book.item(body.item)
            # An earlier run of this request may have changed it already, and had no time to say so.
            if not attempt.resumed or found.quote.item.item != item.item:
                require_change(found.state, found.quote.item, item, found.quote.currency)
        return await _give(request, subscription_id, ChangeLevel(item=item), attempt)

    return await once(context.parts.store, caller, idempotency_key, request, said_by(body), change)


@router.post(
    "/v1/subscriptions/{subscription_id}/cancel",
    operation_id="cancel_subscription",
    response_model=SubscriptionView,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=takes(EndSubscription),
)
async def cancel_subscription(
    request: Request,
    caller: GameCaller,
    subscription_id: SubscriptionIdPath,
    body: Annotated[EndSubscription, Depends(JsonBody(EndSubscription))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """End it now, or with the period that is paid. What is paid for stays until that period's
    end."""
    context = context_of(request)

    async def cancel(attempt: Attempt) -> Answer:
        shop_of(context)
        await _the_subscription(request, subscription_id)
        return await _give(request, subscription_id, CancelSubscription(when=body.when), attempt)

    return await once(context.parts.store, caller, idempotency_key, request, said_by(body), cancel)


async def _give(
    request: Request, subscription_id: SubscriptionId, order: Order, attempt: Attempt
) -> Answer:
    order_id = attempt.new_id("order")
    await context_of(request).subscriptions.give(subscription_id, order, order_id)
    return Answer(200, _view(await _the_subscription(request, subscription_id)))


async def _the_subscription(
    request: Request, subscription_id: SubscriptionId
) -> SubscriptionRecord:
    store = context_of(request).parts.store
    found = await subscriptions.find_subscription(store, subscription_id)
    if found is None:
        raise ApiError(
            ErrorCode.UNKNOWN_SUBSCRIPTION, f"there is no subscription {subscription_id}"
        )
    return found


def _view(record: SubscriptionRecord) -> SubscriptionView:
    quote = record.quote
    item, currency = quote.item, quote.currency
    assert item.every is not None
    return SubscriptionView(
        subscription_id=record.subscription_id,
        workflow_id=subscription_workflow_id(record.subscription_id),
        payment_id=record.payment_id,
        world_id=record.world_id,
        player_id=record.player_id,
        item=item.item,
        state=record.state,
        price=Money(amount=item.prices[currency], currency=currency),
        every=item.every,
        coupon=quote.coupon,
        paid_until=record.paid_until,
        cancel_at_period_end=record.cancel_at_period_end,
        created_at=record.created_at,
        updated_at=record.updated_at,
        ended_at=record.ended_at,
    )
