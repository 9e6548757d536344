"""What the steps of a subscription share: its row, its begin, and what it entitles to."""

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.domain.ids import PaymentId, SubscriptionId, subscription_of, subscription_workflow_id
from loreloom.domain.payment import Bought, Unfulfillable, UnfulfillableReason
from loreloom.domain.subscription import SubscriptionState
from loreloom.state.starts import PlannedStart, plan_start
from loreloom.state.store import Event, Transaction
from loreloom.state.tables.base import Json
from loreloom.state.tables.payments import Entitlement, Subscription


class Begun(BaseModel):
    """A subscription that the provider began: its id there, and what was charged until when.

    ``start`` is its workflow.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider_id: str
    amount: int
    paid_until: AwareDatetime
    start: PlannedStart


async def begin(tx: Transaction, payment_id: PaymentId, bought: Bought, begun: Begun) -> None:
    """Keep a subscription with the intent to start its workflow.

    Raises ``Unfulfillable`` if the player has one that runs.
    """
    subscription_id = subscription_of(payment_id)
    made = await tx.run(
        pg_insert(Subscription)
        .values(
            subscription_id=subscription_id,
            payment_id=payment_id,
            world_id=bought.world_id,
            player_id=bought.player_id,
            provider_id=begun.provider_id,
            state=SubscriptionState.ACTIVE,
            quote=bought.quote.model_dump(mode="json"),
            paid_until=begun.paid_until,
        )
        .on_conflict_do_nothing()
        .returning(Subscription.subscription_id)
    )
    if made.first() is None:
        raise Unfulfillable(UnfulfillableReason.ALREADY_OWNED)
    await plan_start(tx, begun.start)
    data = {"paid_until": begun.paid_until.isoformat()}
    tx.tell(subscription_event(subscription_id, bought, "subscription.started", data))


async def entitle_for(
    tx: Transaction,
    payment_id: PaymentId,
    bought: Bought,
    since: datetime | None,
    until: datetime,
) -> None:
    """Give a level of a subscription for a period that is paid; since now if not said otherwise."""
    await tx.run(
        pg_insert(Entitlement).values(
            payment_id=payment_id,
            world_id=bought.world_id,
            player_id=bought.player_id,
            entitlement=bought.quote.item.item,
            since=since or func.now(),
            until=until,
        )
    )


def subscription_event(
    subscription_id: SubscriptionId, bought: Bought, kind: str, data: Json, step: str = ""
) -> Event:
    """What the chronicle says of a subscription; ``step`` tells events of one kind apart."""
    subject = subscription_workflow_id(subscription_id)
    return Event(
        world_id=bought.world_id,
        key=f"{subject}/{kind}{step}",
        kind=kind,
        subject=subject,
        player_id=bought.player_id,
        data={"subscription_id": subscription_id, "item": bought.quote.item.item, **data},
    )
