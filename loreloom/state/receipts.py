"""Receipts: written with what they are for, numbered, and never changed."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import insert, select

from loreloom.domain.ids import PaymentId
from loreloom.domain.payment import Bought
from loreloom.domain.receipt import Receipt, receipt_of
from loreloom.state.store import Store, Transaction
from loreloom.state.tables.payments import Receipt as ReceiptRow


class ReceiptRecord(BaseModel):
    """A receipt under its number, which grows with each, with gaps."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    payment_id: PaymentId
    paid_at: datetime
    receipt: Receipt


async def write_receipt(
    tx: Transaction, payment_id: PaymentId, bought: Bought, *, whole: bool = True
) -> int:
    """Write the receipt of what is being delivered; its number."""
    receipt = receipt_of(bought, whole=whole)
    written = await tx.run(
        insert(ReceiptRow)
        .values(payment_id=payment_id, receipt=receipt.model_dump(mode="json"))
        .returning(ReceiptRow.number)
    )
    number: int = written.scalar_one()
    return number


async def find_receipt(store: Store, payment_id: PaymentId) -> ReceiptRecord | None:
    """The purchase's receipt, or ``None`` as long as it is not paid and delivered."""
    query = select(ReceiptRow.__table__).where(ReceiptRow.payment_id == payment_id)
    async with store.reading() as connection:
        row = (await connection.execute(query)).first()
    return ReceiptRecord.model_validate(dict(row._mapping)) if row else None
