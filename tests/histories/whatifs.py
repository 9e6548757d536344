"""Every way that a "what if" can go, walked where no tier is set, for its history."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from temporalio.client import Client, WorkflowFailureError, WorkflowHistory

from loreloom.activities.signatures.whatif import WhatIfRef
from loreloom.domain.ids import WhatIfId, WorldId, whatif_workflow_id
from loreloom.domain.variation import Otherwise, Variation, WhatIfSet
from loreloom.knowledge.embedding import Embedder, EmbeddingConfig
from loreloom.state import whatifs
from loreloom.state.store import Store
from loreloom.state.worlds import create_world
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import WHATIF, WHATIF_SET
from tests.builders import a_world_record
from tests.support.whatif import asking, generated

PREFIX = "record-whatif"
WORLD = WorldId("world_whatif")

WAYS = {"asked": WHATIF, "gone": WHATIF, "set": WHATIF_SET, "empty_set": WHATIF_SET}


async def walked(client: Client, store: Store) -> AsyncIterator[tuple[str, WorkflowHistory]]:
    """The history of each way, under its name."""
    await create_world(store, a_world_record(world_id=WORLD))
    made = [await generated(store, WORLD, name) for name in ("one", "two", "three")]
    now = datetime.now(UTC)
    a_set = WhatIfSet(
        world_id=WORLD,
        purpose="quest",
        since=now - timedelta(hours=1),
        until=now + timedelta(hours=1),
        most=10,
        otherwise=Otherwise(temperature=0.2),
    )
    await whatifs.keep(store, WhatIfId("asked"), made[0], Variation(seed=5))
    await whatifs.keep_set(store, WhatIfId("set"), a_set)
    nothing = a_set.model_copy(update={"purpose": "telling"})
    await whatifs.keep_set(store, WhatIfId("empty_set"), nothing)
    async with asking(client, store, Embedder.load(EmbeddingConfig()), PREFIX):
        for name, workflow in WAYS.items():
            whatif_id = WhatIfId(name)
            handle = await client.start_workflow(
                workflow,
                WhatIfRef(whatif_id=whatif_id),
                id=whatif_workflow_id(whatif_id),
                task_queue=queue_of(Role.STORY, PREFIX),
            )
            with suppress(WorkflowFailureError):
                await handle.result()
            yield name, await handle.fetch_history()
