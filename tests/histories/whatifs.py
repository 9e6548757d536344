"""Every way that a "what if" can go, walked where no tier is set, for its history."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel
from temporalio.client import Client, WorkflowFailureError, WorkflowHistory

from loreloom.activities.signatures.whatif import WhatIf, WhatIfSet
from loreloom.domain.ids import GenerationId, WorldId, whatif_workflow_id
from loreloom.domain.variation import Otherwise, Variation
from loreloom.knowledge.embedding import Embedder, EmbeddingConfig
from loreloom.state.generations import find_generation
from loreloom.state.store import Store
from loreloom.state.worlds import create_world
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import WHATIF, WHATIF_SET
from tests.builders import a_world_record
from tests.support.whatif import asking, generated

PREFIX = "record-whatif"
WORLD = WorldId("world_whatif")

WAYS = ("asked", "gone", "set", "empty_set")


async def walked(client: Client, store: Store) -> AsyncIterator[tuple[str, WorkflowHistory]]:
    """The history of each way, under its name."""
    await create_world(store, a_world_record(world_id=WORLD))
    made = [await generated(store, WORLD, name) for name in ("one", "two", "three")]
    first = await find_generation(store, made[0])
    assert first is not None
    now = datetime.now(UTC)
    a_set = WhatIfSet(
        world_id=WORLD,
        purpose="quest",
        since=now - timedelta(hours=1),
        until=now + timedelta(hours=1),
        most=10,
        otherwise=Otherwise(temperature=0.2),
    )
    inputs: dict[str, tuple[str, BaseModel]] = {
        "asked": (WHATIF, WhatIf(generation_id=made[0], variation=Variation(seed=5))),
        "gone": (
            WHATIF,
            WhatIf(generation_id=GenerationId("gen_none"), variation=Variation()),
        ),
        "set": (WHATIF_SET, a_set),
        "empty_set": (WHATIF_SET, a_set.model_copy(update={"purpose": "telling"})),
    }
    async with asking(client, store, Embedder.load(EmbeddingConfig()), PREFIX):
        for name in WAYS:
            workflow, given = inputs[name]
            handle = await client.start_workflow(
                workflow,
                given,
                id=whatif_workflow_id(name),
                task_queue=queue_of(Role.STORY, PREFIX),
            )
            with suppress(WorkflowFailureError):
                await handle.result()
            yield name, await handle.fetch_history()
