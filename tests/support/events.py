"""What the payment provider told, kept and not handled."""

from datetime import datetime

from sqlalchemy import insert

from loreloom.state.store import Store
from loreloom.state.tables.payments import ProviderEvent


async def pending_event(store: Store, event_id: str, received_at: datetime) -> None:
    """An event of a kind that we do not know; a sweep takes it a moment after it was received."""
    async with store.transaction() as tx:
        await tx.run(
            insert(ProviderEvent).values(
                event_id=event_id, kind="product.created", received_at=received_at
            )
        )
