"""A player who bought something is erased: the books stay, and name nobody."""

from collections.abc import Callable
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.worker import Worker

from loreloom.activities.erasure import ErasureActivities
from loreloom.activities.signatures.erasure import Erase
from loreloom.domain.ids import PlayerId, WorldId
from loreloom.workflows.erasure import ErasureWorkflow
from loreloom.workflows.signatures import ERASURE, Erased
from tests.payments.conftest import Till
from tests.payments.disputing import decide, disputed, questioned
from tests.support.whole_store import rows_with

MARA = PlayerId("mara")


async def erase(till: Till, world_id: str) -> Erased:
    """Erase the player, to the end."""
    parts = till.api.parts
    steps, queue = ErasureActivities(parts.store, parts.temporal), f"erasing-{world_id}"
    activities: list[Callable[..., Any]] = [
        steps.rows,
        steps.histories,
        steps.forget,
    ]
    wish = Erase(world_id=WorldId(world_id), player_id=MARA, reason="asked for it", by="ops")
    async with Worker(
        parts.temporal, task_queue=queue, workflows=[ErasureWorkflow], activities=activities
    ):
        handle: WorkflowHandle[object, Erased] = await parts.temporal.start_workflow(
            ERASURE, wish, id=f"erase/{world_id}", task_queue=queue, result_type=Erased
        )
        return await handle.result()


async def test_the_books_stay_and_still_balance(till: Till) -> None:
    world_id = await till.buyer()
    paid = await till.bought(world_id, "coin-300")
    back = await till.bought(world_id, "coat")
    path = f"/v1/payments/{back['payment_id']}/refund"
    assert (await till.api.ops.post(path, json={})).status_code == 202
    await till.until(back["payment_id"], "refunded")
    books = await till.balance()

    done = await erase(till, world_id)

    parts = till.api.parts
    assert await rows_with(parts.store, MARA) == {}
    query = f"LoreloomWorld = '{world_id}' AND LoreloomPlayer = '{MARA}'"
    assert [found.id async for found in parts.temporal.list_workflows(query)] == []
    assert done.runs >= 3
    # Money stays where it is; the coin went with the player.
    del books[(f"coin/{world_id}", "COIN")]
    assert await till.balance() == books | {("coin_erased", "COIN"): 300}
    report = await till.api.ops.post("/v1/payments/reconcile")
    assert report.json()["differences"] == []
    kept = (await till.api.ops.get(f"/v1/payments/{paid['payment_id']}")).json()
    assert (kept["player_id"], kept["state"]) == (done.pseudonym, "fulfilled")

    # The bank may take back what was paid, for months.
    dispute_id = await disputed(till, paid)
    await decide(till, paid, dispute_id, "lost")
    await till.until(paid["payment_id"], "dispute_lost")
    report = await till.api.ops.post("/v1/payments/reconcile")
    assert report.json()["differences"] == []


async def test_while_the_bank_asks_about_a_purchase_nobody_is_erased(till: Till) -> None:
    world_id = await till.buyer()
    payment = await till.bought(world_id, "coat")
    dispute_id = await questioned(till, payment, status="warning_needs_response")
    path = f"/v1/ops/worlds/{world_id}/players/{MARA}/erase"
    answer = await till.api.ops.post(path, json={"reason": "asked for it"})
    assert (answer.status_code, answer.json()["code"]) == (409, "player_owes")
    assert dispute_id in answer.json()["detail"]


async def test_while_money_is_on_its_way_nobody_is_erased(till: Till) -> None:
    world_id = await till.buyer()
    payment = await till.ordered(world_id, "coat")
    path = f"/v1/ops/worlds/{world_id}/players/{MARA}/erase"
    answer = await till.api.ops.post(path, json={"reason": "asked for it"})
    assert (answer.status_code, answer.json()["code"]) == (409, "player_owes")
    assert payment["payment_id"] in answer.json()["detail"]
    with pytest.raises(WorkflowFailureError):
        await erase(till, world_id)
    assert (await till.player(world_id))["player_id"] == MARA
