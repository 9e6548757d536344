"""A year of a subscription in seconds: nobody tells anything, and once a charge fails for good."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from temporalio.testing import WorkflowEnvironment

from loreloom.activities.signatures.payment import PROVIDER_SAID
from loreloom.domain.subscription import SubscriptionState
from loreloom.state.ledger import balances
from loreloom.state.store import Store
from loreloom.state.subscriptions import SubscriptionRecord
from loreloom.state.tables.payments import Entitlement
from tests.histories.payments import BAD, GOOD, Counter, counter
from tests.quest.stage import eventually
from tests.support.skipping import skipping_by_hand, sleep_until

FAILS, TOLD = 5, (2, 8)
"""The month whose charge fails at first, and those in which the provider says something."""


@pytest.fixture
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    async with skipping_by_hand() as environment:
        yield environment


async def test_a_year_is_charged_month_by_month_and_lapses_when_it_is_not_paid(
    skipping: WorkflowEnvironment, store: Store
) -> None:
    async with counter(skipping.client, store) as at:
        record, handle = await at.subscribed()
        name, begun = record.subscription_id, record.paid_until
        for month in range(1, 12):
            await sleep_until(skipping, record.paid_until - timedelta(minutes=30))
            await _held_until(store, record.paid_until + timedelta(days=7))
            if month == FAILS:
                await at.at_provider(record, "card", card=BAD)
            await at.at_provider(record, "renew")
            if month in TOLD:
                await handle.signal(PROVIDER_SAID)
            await sleep_until(skipping, record.paid_until + timedelta(hours=3))
            if month == FAILS:
                await _mend(skipping, at, record)
            await _is(at, record, SubscriptionState.ACTIVE, renewed=True)
            record = await at.subscription(name)

        await at.at_provider(record, "card", card=BAD)
        await sleep_until(skipping, record.paid_until)
        await at.at_provider(record, "renew")
        await sleep_until(skipping, record.paid_until + timedelta(days=7, hours=1))
        assert await handle.result() == SubscriptionState.LAPSED

        booked = {each.account: each.amount for each in await balances(store) if each.amount}
        assert booked == {"provider": 12 * 500, "sales": -12 * 500}
        periods = await _held(store)
        assert len(periods) == 12
        # Each period ends where the next begins: nothing is given twice, and no day is lost.
        assert [until for _, until in periods[:-1]] == [since for since, _ in periods[1:]]
        assert periods[-1][1] == record.paid_until
        assert timedelta(days=330) < record.paid_until - begun < timedelta(days=340)


async def _mend(skipping: WorkflowEnvironment, at: Counter, record: SubscriptionRecord) -> None:
    """The charge fails again after a day; the card is another by the next try."""
    await _is(at, record, SubscriptionState.PAST_DUE)
    await sleep_until(skipping, record.paid_until + timedelta(days=2))
    await _is(at, record, SubscriptionState.PAST_DUE)
    await at.at_provider(record, "card", card=GOOD)
    await sleep_until(skipping, record.paid_until + timedelta(days=3, hours=1))


async def _is(
    at: Counter, before: SubscriptionRecord, state: SubscriptionState, *, renewed: bool = False
) -> None:
    async def so() -> bool:
        now = await at.subscription(before.subscription_id)
        return now.state is state and (now.paid_until > before.paid_until) == renewed

    await eventually(so, f"{state}, renewed: {renewed}")


async def _held_until(store: Store, moment: datetime) -> None:
    async def held() -> bool:
        return (await _held(store))[-1][1] == moment

    await eventually(held, "held open for the renewal")


async def _held(store: Store) -> list[tuple[datetime, datetime]]:
    query = select(Entitlement.since, Entitlement.until).order_by(Entitlement.since)
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [(row.since, row.until) for row in rows]
