"""The provider's list is compared page by page, and nothing of it falls between two pages."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from loreloom.domain.ids import PaymentId, PlayerId, WorldId
from loreloom.domain.price_book import ItemKind, Quote, StoreItem
from loreloom.domain.provider import DisputeStanding, ProviderDispute, ProviderPayment
from loreloom.domain.reconciliation import DifferenceKind, differences
from loreloom.state import listings
from loreloom.state.listings import listing
from loreloom.state.players import create_player
from loreloom.state.store import Store
from loreloom.state.tables.payments import Payment
from loreloom.state.worlds import create_world
from tests.builders import a_world_record

NOW = datetime.now(UTC)
COAT = StoreItem(
    item="coat", kind=ItemKind.COSMETIC, name="Coat", about="Warm.", prices={"USD": 599}
)
QUOTE = Quote(item=COAT, currency="USD", list_amount=599, amount=599).model_dump(mode="json")


async def sold(store: Store, *names: str) -> None:
    """Purchases that were never paid, of which the provider has taken the money."""
    await create_world(store, a_world_record("world"))
    await create_player(store, WorldId("world"), PlayerId("mara"), "Mara", 1)
    row = {
        "world_id": "world", "player_id": "mara", "state": "expired", "item": "coat",
        "amount": 599, "currency": "USD", "quote": QUOTE,
    }  # fmt: skip
    async with store.transaction() as tx:
        for name in names:
            values = row | {"payment_id": name, "intent": f"pi_{name}"}
            await tx.run(insert(Payment).values(values))


def paid(intent: str, payment_id: str | None) -> ProviderPayment:
    """A payment that is long at the provider."""
    return ProviderPayment(
        intent=intent,
        payment_id=PaymentId(payment_id) if payment_id else None,
        amount=599,
        currency="USD",
        refunded=0,
        created_at=NOW - timedelta(days=1),
    )


@pytest.mark.parametrize("page", [1, 2, 100])
async def test_what_belongs_together_is_compared_together(
    store: Store, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listings, "PAGE", page)
    await sold(store, "a", "b", "c")
    questioned = ProviderDispute(
        dispute_id="dp_1", standing=DisputeStanding.OPEN, amount=599, intent="pi_b",
        created_at=NOW - timedelta(days=1),
    )  # fmt: skip
    async with listing(store) as theirs:
        await theirs.add_charges({"pi_c": PaymentId("c")})
        # Newest first, as the provider lists: the two of one purchase are far apart.
        await theirs.add_payments([paid("pi_again", "a"), paid("pi_stray", "stray")])
        await theirs.add_payments([paid("pi_c", None), paid("pi_other", None)])
        await theirs.add_payments([paid("pi_a", "a"), paid("pi_stray_2", "stray")])
        await theirs.add_payments([paid("pi_z", "z")])
        await theirs.add_disputes([questioned])
        found = [
            (each.kind, each.payment_id, each.theirs.count("pi_"))
            async for ours, listed in theirs.sides(NOW)
            for each in differences(ours, listed)
        ]
        assert await theirs.count() == 7
    kind = DifferenceKind
    assert sorted(found) == sorted(
        [
            (kind.PAID_TWICE, "a", 2),
            (kind.PAID_NOT_DELIVERED, "a", 1),
            (kind.DISPUTE, "b", 0),
            (kind.PAID_NOT_DELIVERED, "c", 1),
            (kind.UNKNOWN_TO_US, "stray", 2),
            (kind.UNKNOWN_TO_US, "z", 1),
        ]
    )


async def test_a_list_is_gone_with_its_comparison(store: Store) -> None:
    for _ in range(2):
        async with listing(store) as theirs:
            await theirs.add_payments([paid("pi_a", "a")])
            assert await theirs.count() == 1
