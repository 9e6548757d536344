"""What the books say of money that comes back, by refunds and lost disputes, in any order."""

from collections import Counter
from collections.abc import Iterable

import pytest

from loreloom.domain.ids import PlayerId, WorldId
from loreloom.domain.money import Posting, creator_account
from loreloom.domain.payment import Bought, Loss, Reversal, dispute_lost, reversal, sale
from loreloom.domain.price_book import ItemKind, Quote, StoreItem

COAT = StoreItem(
    item="coat", kind=ItemKind.COSMETIC, name="Coat", about="Warm.", prices={"USD": 600}
)
PRICE, SHARE = 540, 27
QUOTE = Quote(
    item=COAT,
    currency="USD",
    list_amount=600,
    amount=PRICE,
    coupon="WREN",
    creator="wren",
    creator_share=SHARE,
)
BOUGHT = Bought(world_id=WorldId("w"), player_id=PlayerId("mara"), quote=QUOTE)


def _refunded(before: int, lost: int, amount: int) -> Iterable[Posting]:
    back = Reversal(
        before=before, lost=lost, amount=amount, coin_left=0, delivered=True, given=not lost
    )
    return reversal(BOUGHT, back)


def _lost(before: int, lost: int, amount: int) -> Iterable[Posting]:
    return dispute_lost(BOUGHT, Loss(before=before + lost, amount=amount, delivered=True))


@pytest.mark.parametrize(
    ("taken", "left"),
    [
        ([("lost", 540)], 0),
        ([("lost", 200)], 17),
        ([("refunded", 40), ("lost", 500)], 0),
        ([("refunded", 540), ("lost", 540)], 0),
        ([("lost", 540), ("refunded", 540)], 0),
        ([("lost", 100), ("refunded", 7), ("lost", 433)], 0),
    ],
)
def test_the_creator_keeps_the_share_of_what_was_kept(
    taken: list[tuple[str, int]], left: int
) -> None:
    postings = [*sale(BOUGHT)]
    back: Counter[str] = Counter()
    for how, amount in taken:
        book = _refunded if how == "refunded" else _lost
        postings += book(back["refunded"], back["lost"], amount)
        back[how] += amount
    held: Counter[str] = Counter()
    for posting in postings:
        held[posting.account] += posting.amount
    assert -held[creator_account("wren")] == held["creators"] == left
    assert sum(held.values()) == 0


@pytest.mark.parametrize("order", [("refunded", "lost"), ("lost", "refunded")])
def test_what_comes_back_of_what_was_never_delivered_settles_what_is_owed_once(
    order: tuple[str, str],
) -> None:
    held: Counter[str] = Counter()
    back: Counter[str] = Counter()
    for how in order:
        if how == "lost":
            loss = Loss(before=back["refunded"], amount=PRICE, delivered=False)
            postings: Iterable[Posting] = dispute_lost(BOUGHT, loss)
        else:
            again = Reversal(
                before=0, lost=back["lost"], amount=PRICE, coin_left=0, delivered=False, given=False
            )
            postings = reversal(BOUGHT, again)
        back[how] += PRICE
        for posting in postings:
            held[posting.account] += posting.amount
    assert held["owed"] == PRICE


def test_of_what_was_never_delivered_no_creator_had_a_share() -> None:
    lost = dispute_lost(BOUGHT, Loss(before=40, amount=PRICE, delivered=False))
    assert {posting.account: posting.amount for posting in lost if posting.amount > 0} == {
        "owed": 500,
        "disputes_lost": 40,
    }
