"""Ground that is to burn: an engine of real processes, and stories that failed by a broken row."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Update, select, update
from sqlalchemy.dialects.postgresql import insert
from temporalio.client import Client

from loreloom.activities.signatures.quest import QuestRef
from loreloom.api.starting import arc_start
from loreloom.domain.ids import ArcId, PlayerId, QuestId, WorldId, quest_workflow_id
from loreloom.state import arcs
from loreloom.state.ledger import balances
from loreloom.state.quests import QuestRequest, keep_design, request_quest
from loreloom.state.starts import PlannedStart
from loreloom.state.store import Store
from loreloom.state.tables.payments import Payment
from loreloom.state.tables.worlds import Player, Standing
from loreloom.workers.embedded.ports import free_port
from loreloom.workers.embedded.stack import PartName, Stack
from loreloom.workers.temporal_connection import connect
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import QUEST, QuestInput
from tests.api.designs import small_design
from tests.arcs.builders import an_arc, to
from tests.chaos.players import Caller, Json
from tests.support.servers import settings_for_tests

FULL = 2**63 - 1
"""Nothing can be added to it: whoever grants something on top of it fails."""
PLAYER = PlayerId("mara")
GUILD = "Guild"
ERRAND = an_arc(
    {
        "first": {"kind": "quest", "template": "side-half-a-roll", "next": [to("favour")]},
        "favour": {"kind": "change", "standing": {GUILD: 4}, "next": [to("wait")]},
        "wait": {"kind": "wait", "until": {"quest": "first"}, "next": [to("end")]},
    }
)


@dataclass(frozen=True)
class Ground:
    """An engine, one world with one player, and what is done and seen there."""

    stack: Stack
    caller: Caller
    provider: httpx.AsyncClient
    store: Store
    temporal: Client
    world_id: WorldId
    checkouts: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **query: Any) -> Json:
        """What the API answers."""
        answer = await self.caller.call("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def post(self, path: str, body: Json | None = None) -> Json:
        """What the API does, which must be in order."""
        answer = await self.caller.call("POST", path, json=body)
        assert answer.status_code in (200, 201, 202), answer.text
        return dict(answer.json())

    async def until(self, path: str, *states: str, seconds: float = 120) -> Json:
        """What lies at a path once its state is one of these."""
        deadline = asyncio.get_running_loop().time() + seconds
        while (found := await self.get(path))["state"] not in states:
            assert asyncio.get_running_loop().time() < deadline, f"{path} is {found['state']}"
            await asyncio.sleep(0.1)
        return found

    async def break_rows(self) -> None:
        """No coin and no standing can be granted to the player any more; checkouts get lost."""
        await self._hold(FULL)

    async def mend_rows(self) -> None:
        """The player has no coin and no standing; the checkouts are known again."""
        await self._hold(0)
        async with self.store.transaction() as tx:
            for payment_id, checkout in self.checkouts.items():
                await tx.run(_of(payment_id).values(checkout=checkout))

    async def quest(self) -> str:
        """A quest whose last act is done, so that its reward is due; its address."""
        quest_id = QuestId(f"quest_{secrets.token_hex(6)}")
        ref = QuestRef(quest_id=quest_id, world_id=self.world_id, player_id=PLAYER)
        start = QuestInput(quest=ref)
        planned = PlannedStart(
            workflow_id=quest_workflow_id(quest_id),
            workflow=QUEST,
            input=start.model_dump(mode="json"),
        )
        async with self.store.transaction() as tx:
            await request_quest(tx, quest_id, self.world_id, PLAYER, QuestRequest(), planned)
            await keep_design(tx, quest_id, small_design())
        await self._launch(planned)
        path = f"/v1/quests/{quest_id}"
        await self.until(path, "offered")
        await self.post(f"{path}/accept")
        gather = {"action_id": "gather", "objective_id": "gather", "amount": 3}
        await self.post(f"{path}/progress", gather)
        await self.post(f"{path}/choose", {"action_id": "choose", "choice_id": "justice"})
        return path

    async def arc(self) -> str:
        """An arc that breaks after it has asked for a quest; its address. The quest ends then."""
        arc_id = ArcId(f"arc_{secrets.token_hex(6)}")
        planned = arc_start(arc_id, self.world_id, PLAYER, ERRAND)
        async with self.store.transaction() as tx:
            await arcs.create_arc(tx, arc_id, self.world_id, PLAYER, ERRAND, planned)
        await self._launch(planned)
        path = f"/v1/arcs/{arc_id}"
        await self.until(path, "broken")
        quest = f"/v1/quests/{arc_id}.1"
        await self.until(quest, "offered")
        await self.post(f"{quest}/accept")
        await self.post(f"{quest}/abandon")
        await self.until(quest, "abandoned")
        return path

    async def payment(self, *, cut: bool = False) -> str:
        """A purchase that is paid, though the engine has lost its checkout; its address.

        One that is ``cut`` was terminated before it was paid.
        """
        order = {"world_id": self.world_id, "player_id": PLAYER, "item": "coin-300"}
        payment_id = (await self.post("/v1/payments", order))["payment_id"]
        path = f"/v1/payments/{payment_id}"
        payment = await self.until(path, "awaiting_payment")
        if cut:
            handle = self.temporal.get_workflow_handle(payment["workflow_id"])
            await handle.terminate("a test cuts it")
        else:
            async with self.store.transaction() as tx:
                lost = select(Payment.checkout).where(Payment.payment_id == payment_id)
                self.checkouts[payment_id] = (await tx.run(lost)).scalar_one()
                await tx.run(_of(payment_id).values(checkout=None))
        (await self.provider.post(payment["checkout"]["url"])).raise_for_status()
        return path

    async def until_bad(self, workflow_id: str, seconds: float = 60) -> Json:
        """The workflow as ops see it, once something is wrong with it."""
        path = f"/v1/ops/workflows/{workflow_id}"
        return await self.until(path, "failed", "terminated", seconds=seconds)

    async def chronicle(self) -> list[Json]:
        """All that was told in the world."""
        told: list[Json] = []
        after = None
        while True:
            given = {"limit": 200} | ({"after": after} if after else {})
            page = await self.get(f"/v1/worlds/{self.world_id}/chronicle", **given)
            told += page["items"]
            after = page["next"]
            if after is None:
                return told

    async def books(self) -> dict[str, int]:
        """What all accounts hold together, by currency."""
        sums: dict[str, int] = {}
        for balance in await balances(self.store):
            sums[balance.currency] = sums.get(balance.currency, 0) + balance.amount
        return sums

    async def _hold(self, amount: int) -> None:
        standing = {"world_id": self.world_id, "player_id": PLAYER, "faction": GUILD}
        async with self.store.transaction() as tx:
            await tx.run(update(Player).where(Player.world_id == self.world_id).values(coin=amount))
            await tx.run(
                insert(Standing)
                .values(**standing, standing=amount)
                .on_conflict_do_update(index_elements=list(standing), set_={"standing": amount})
            )

    async def _launch(self, planned: PlannedStart) -> None:
        await self.temporal.start_workflow(
            planned.workflow,
            planned.input,
            id=planned.workflow_id,
            task_queue=queue_of(Role.STORY, self.stack.settings.task_queue_prefix),
        )


def _of(payment_id: str) -> Update:
    return update(Payment).where(Payment.payment_id == payment_id)


@asynccontextmanager
async def ground(home: Path, **servers: str) -> AsyncIterator[Ground]:
    """An API, a worker and a payment provider, each a process of its own."""
    settings = settings_for_tests(home, loreloom_port=free_port(), **servers)
    parts = [PartName.STRIPE, PartName.WORKER, PartName.API]
    async with AsyncExitStack() as opened:
        stack = opened.enter_context(Stack(settings, parts=parts))
        assert stack.keys is not None
        store = Store(stack.settings.required_database_url())
        opened.push_async_callback(store.close)
        headers = {"Authorization": f"Bearer {stack.keys.ops}"}
        http = await opened.enter_async_context(
            httpx.AsyncClient(base_url=stack.settings.api_url, headers=headers, timeout=60)
        )
        provider = await opened.enter_async_context(httpx.AsyncClient(timeout=30))
        caller = Caller(http)
        body = {"name": "Fire", "regions": []}
        made = await caller.call("POST", "/v1/worlds", json=body)
        world_id = WorldId(made.json()["world_id"])
        mara = {"player_id": PLAYER, "name": "Mara"}
        await caller.call("POST", f"/v1/worlds/{world_id}/players", json=mara)
        temporal = await connect(stack.settings)
        yield Ground(stack, caller, provider, store, temporal, world_id)
