"""The store, purchases and refunds."""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from loreloom.activities.signatures.payment import PaymentRef, RefundRef
from loreloom.api.chapters import opened_arc
from loreloom.api.context import context_of
from loreloom.api.http.answers import answer, problems
from loreloom.api.http.auth import AnyCaller, GameCaller, OpsCaller
from loreloom.api.http.bodies import JsonBody, takes
from loreloom.api.http.errors import ApiError, ErrorCode, refused_as_answers
from loreloom.api.http.idempotency import Answer, Attempt, IdempotencyKey, once, said_by
from loreloom.api.lookups import shop_of, the_payment, the_player, the_world
from loreloom.api.schemas.fields import ID, PaymentIdPath
from loreloom.api.schemas.payments import (
    AskRefund,
    CheckoutView,
    CreatePayment,
    LedgerView,
    MovementView,
    PaymentView,
    ReceiptLineView,
    ReceiptView,
    RefundView,
    StoreItemList,
    StoreItemView,
)
from loreloom.api.shop import Shop
from loreloom.api.temporal import outages
from loreloom.domain.ids import (
    PaymentId,
    RefundId,
    SubscriptionId,
    WorldId,
    payment_workflow_id,
    refund_workflow_id,
    subscription_of,
)
from loreloom.domain.money import Money
from loreloom.domain.payment import Bought
from loreloom.domain.price_book import StoreItem
from loreloom.domain.reconciliation import Report
from loreloom.state import fulfilments, payments
from loreloom.state.ledger import movements_of
from loreloom.state.payments import PaymentRecord, RefundRecord
from loreloom.state.receipts import ReceiptRecord, find_receipt
from loreloom.state.starts import PlannedStart
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import (
    PAYMENT,
    RECONCILIATION,
    REFUND,
    PaymentInput,
    RefundInput,
)

OfWorld = Annotated[
    WorldId | None, Query(pattern=ID, description="Whose stock `left` is to tell of.")
]

RECONCILIATION_PATIENCE = 6
"""A reconciliation may take this many times as long as an act."""

router = APIRouter(tags=["payments"])


@router.get(
    "/v1/store/items",
    operation_id="list_store_items",
    response_model=StoreItemList,
    responses=problems(404, 422),
)
async def list_store_items(
    request: Request, caller: AnyCaller, world_id: OfWorld = None
) -> Response:
    """Everything that is for sale; one page holds all of it."""
    shop = shop_of(context_of(request))
    taken: dict[str, int] = {}
    if world_id is not None:
        await the_world(request, world_id)
        taken = await payments.stock_taken(context_of(request).parts.store, world_id)
    return answer(
        StoreItemList(
            items=tuple(_item_view(item, taken.get(item.item, 0)) for item in shop.book.items)
        )
    )


@router.post(
    "/v1/payments",
    operation_id="create_payment",
    status_code=202,
    response_model=PaymentView,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=takes(CreatePayment),
)
async def create_payment(
    request: Request,
    caller: GameCaller,
    body: Annotated[CreatePayment, Depends(JsonBody(CreatePayment))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Begin a purchase: its price is fixed, its item set aside. ``payment.opened`` tells where to
    pay."""
    context = context_of(request)
    store = context.parts.store

    async def create(attempt: Attempt) -> Answer:
        shop = shop_of(context)
        world = await the_world(request, body.world_id)
        await the_player(request, body.world_id, body.player_id)
        payment_id = PaymentId(attempt.new_id("payment"))
        found = None
        if attempt.seed is not None:
            found = await payments.find_payment(store, payment_id)
        start = _payment_start(payment_id, shop, found.created_at if found else datetime.now(UTC))
        if found is None:
            with refused_as_answers():
                bought = _bought(shop, body)
            opens = None
            if bought.quote.item.opens is not None:
                opens = opened_arc(context, world, payment_id, body.player_id, bought.quote.item)
            with refused_as_answers():
                async with store.transaction() as tx:
                    await payments.request_payment(tx, payment_id, bought, start, opens)
        await context.launcher.launch(start)
        return Answer(202, await _view(request, payment_id))

    return await once(store, caller, idempotency_key, request, said_by(body), create)


@router.post(
    "/v1/payments/reconcile",
    operation_id="reconcile_payments",
    response_model=Report,
    responses=problems(),
)
async def reconcile_payments(request: Request, caller: OpsCaller) -> Response:
    """Compare ledger, entitlements and the provider's own list now."""
    context = context_of(request)
    shop_of(context)
    config = context.parts.config
    with outages():
        async with asyncio.timeout(config.act_seconds * RECONCILIATION_PATIENCE):
            report = await context.parts.temporal.execute_workflow(
                RECONCILIATION,
                id=f"reconciliation/{secrets.token_hex(8)}",
                task_queue=queue_of(Role.STORY, config.queue_prefix),
                result_type=Report,
            )
    return answer(report)


@router.get(
    "/v1/payments/{payment_id}",
    operation_id="get_payment",
    response_model=PaymentView,
    responses=problems(404),
)
async def get_payment(request: Request, caller: GameCaller, payment_id: PaymentIdPath) -> Response:
    """A purchase: where it stands, where to pay, what was paid back."""
    return answer(await _view(request, payment_id))


@router.get(
    "/v1/payments/{payment_id}/receipt",
    operation_id="get_payment_receipt",
    response_model=ReceiptView,
    responses=problems(404),
)
async def get_payment_receipt(
    request: Request, caller: GameCaller, payment_id: PaymentIdPath
) -> Response:
    """The receipt of a purchase that was paid and delivered; it stays as it is after a refund."""
    await the_payment(request, payment_id)
    found = await find_receipt(context_of(request).parts.store, payment_id)
    if found is None:
        raise ApiError(ErrorCode.NO_RECEIPT, f"{payment_id} is not paid and delivered")
    return answer(_receipt_view(found))


@router.get(
    "/v1/payments/{payment_id}/ledger",
    operation_id="get_payment_ledger",
    response_model=LedgerView,
    responses=problems(404),
)
async def get_payment_ledger(
    request: Request, caller: GameCaller, payment_id: PaymentIdPath
) -> Response:
    """What the books say of a purchase: every movement with both of its sides."""
    await the_payment(request, payment_id)
    booked = await movements_of(context_of(request).parts.store, payment_id)
    movements = tuple(MovementView.model_validate(each.model_dump()) for each in booked)
    return answer(LedgerView(payment_id=payment_id, movements=movements))


@router.post(
    "/v1/payments/{payment_id}/refund",
    operation_id="refund_payment",
    status_code=202,
    response_model=RefundView,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=takes(AskRefund),
)
async def refund_payment(
    request: Request,
    caller: OpsCaller,
    payment_id: PaymentIdPath,
    body: Annotated[AskRefund, Depends(JsonBody(AskRefund))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Pay back a part or all that is left. What was bought is taken once all is paid back."""
    context = context_of(request)
    store = context.parts.store

    async def create(attempt: Attempt) -> Answer:
        await the_payment(request, payment_id)
        refund_id = RefundId(attempt.new_id("refund"))
        start = _refund_start(refund_id)
        if attempt.seed is None or await payments.find_refund(store, refund_id) is None:
            with refused_as_answers():
                async with store.transaction() as tx:
                    await fulfilments.ask_refund(
                        tx, payment_id, refund_id, body.amount, body.reason, start
                    )
        await context.launcher.launch(start)
        payment = await the_payment(request, payment_id)
        refund = await payments.find_refund(store, refund_id)
        assert refund is not None
        return Answer(202, _refund_view(refund, payment.currency))

    return await once(store, caller, idempotency_key, request, said_by(body), create)


def _bought(shop: Shop, body: CreatePayment) -> Bought:
    quote = shop.book.quote(body.item, body.currency, body.coupon, datetime.now(UTC))
    return Bought(world_id=body.world_id, player_id=body.player_id, quote=quote)


def _payment_start(payment_id: PaymentId, shop: Shop, since: datetime) -> PlannedStart:
    ref = PaymentRef(payment_id=payment_id)
    return PlannedStart(
        workflow_id=payment_workflow_id(payment_id),
        workflow=PAYMENT,
        input=PaymentInput(
            payment=ref,
            expires_at=since + shop.expiry,
            look_seconds=shop.look.total_seconds(),
        ).model_dump(mode="json"),
    )


def _refund_start(refund_id: RefundId) -> PlannedStart:
    return PlannedStart(
        workflow_id=refund_workflow_id(refund_id),
        workflow=REFUND,
        input=RefundInput(refund=RefundRef(refund_id=refund_id)).model_dump(mode="json"),
    )


async def _view(request: Request, payment_id: PaymentId) -> PaymentView:
    record = await the_payment(request, payment_id)
    refunds = await payments.refunds_of(context_of(request).parts.store, payment_id)
    return _payment_view(record, refunds)


def _payment_view(record: PaymentRecord, refunds: Sequence[RefundRecord]) -> PaymentView:
    checkout = None
    if record.checkout is not None:
        checkout = CheckoutView(checkout_id=record.checkout, url=record.checkout_url or "")
    quote, currency = record.quote, record.currency
    return PaymentView(
        payment_id=record.payment_id,
        workflow_id=payment_workflow_id(record.payment_id),
        world_id=record.world_id,
        player_id=record.player_id,
        item=quote.item.item,
        state=record.state,
        price=Money(amount=record.amount, currency=currency),
        list_price=Money(amount=quote.list_amount, currency=quote.currency),
        coupon=quote.coupon,
        subscription_id=_subscription(record),
        checkout=checkout,
        refunded=Money(amount=record.refunded, currency=currency),
        refunds=tuple(_refund_view(refund, currency) for refund in refunds),
        reason=record.reason,
        created_at=record.created_at,
        updated_at=record.updated_at,
    )


def _subscription(record: PaymentRecord) -> SubscriptionId | None:
    if record.subscription_id is not None or record.quote.item.every is None:
        return record.subscription_id
    return subscription_of(record.payment_id)


def _refund_view(refund: RefundRecord, currency: str) -> RefundView:
    return RefundView(
        refund_id=refund.refund_id,
        payment_id=refund.payment_id,
        state=refund.state,
        amount=Money(amount=refund.amount, currency=currency),
        reason=refund.reason,
        failure=refund.failure,
        created_at=refund.created_at,
    )


def _receipt_view(record: ReceiptRecord) -> ReceiptView:
    receipt = record.receipt

    def money(amount: int) -> Money:
        return Money(amount=amount, currency=receipt.currency)

    return ReceiptView(
        number=record.number,
        payment_id=record.payment_id,
        paid_at=record.paid_at,
        lines=tuple(
            ReceiptLineView(
                item=line.item,
                kind=line.kind,
                name=line.name,
                price=money(line.price),
                discount=money(line.discount),
                amount=money(line.amount),
            )
            for line in receipt.lines
        ),
        total=money(receipt.total),
        coupon=receipt.coupon,
        creator=receipt.creator,
    )


def _item_view(item: StoreItem, taken: int) -> StoreItemView:
    return StoreItemView(
        item=item.item,
        kind=item.kind,
        name=item.name,
        about=item.about,
        prices=tuple(Money(amount=a, currency=c) for c, a in item.prices.items()),
        coin=item.coin,
        days=item.days,
        every=item.every,
        level=item.level,
        left=None if item.stock is None else max(0, item.stock - taken),
    )
