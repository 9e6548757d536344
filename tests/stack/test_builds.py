"""Two builds of the workers at once: stories stay with theirs, what lives for ever moves on."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from temporalio.client import Client

from loreloom.workers.builds import BuildRefused, make_current
from loreloom.workers.client import ApiClient
from loreloom.workers.embedded.stack import PartName, Stack
from tests.quest.stage import eventually


@pytest.fixture
def first(start_engine: Callable[..., Stack]) -> Stack:
    """An engine whose workers name their build."""
    return start_engine(worker_build_id="first")


@pytest.fixture
def second(first: Stack, tmp_path: Path) -> Iterator[Stack]:
    """The workers of another build beside it."""
    settings = first.settings.with_changes(worker_build_id="second", loreloom_home=tmp_path)
    stack = Stack(settings, parts=[PartName.WORKER])
    yield stack.start()
    stack.stop()


async def build_of(client: Client, workflow_id: str) -> str:
    """The build that serves a workflow's newest run."""
    described = await client.get_workflow_handle(workflow_id).describe()
    info = described.raw_description.workflow_execution_info.versioning_info
    return info.deployment_version.build_id


async def begins_on(first: Stack, client: Client, build: str) -> None:
    """Name the current build, once its workers are known and serve all that the last one did."""

    async def taken() -> bool:
        try:
            await make_current(client, first.settings, build)
        except BuildRefused:
            return False
        return True

    await eventually(taken, f"{build} is taken")


async def test_a_story_stays_with_its_build_and_a_clock_moves_on(
    first: Stack, second: Stack, temporal_client: Client
) -> None:
    assert first.keys is not None
    with pytest.raises(BuildRefused):
        await make_current(temporal_client, first.settings, "never-seen")
    await begins_on(first, temporal_client, "first")
    with ApiClient(first.settings.api_url, first.keys.ops) as api:
        world = api.post("/v1/worlds", {"name": "Builds", "regions": []})["world_id"]
        api.post(f"/v1/worlds/{world}/players", {"player_id": "p", "name": "P"})

        def offered() -> str:
            asked = api.post(f"/v1/worlds/{world}/quests", {"player_id": "p", "kind": "side"})
            path = f"/v1/quests/{asked['quest_id']}"
            return api.wait(path, lambda found: found["state"] == "offered", "the offer")[
                "quest_id"
            ]

        old = offered()
        await begins_on(first, temporal_client, "second")
        # A boundary comes every quarter of a second from now on.
        api.patch(f"/v1/worlds/{world}/clock", {"scale": 100_000})
        new = offered()
        api.post(f"/v1/quests/{old}/accept")
        assert await build_of(temporal_client, f"quest/{old}") == "first"
        assert await build_of(temporal_client, f"quest/{new}") == "second"

        async def moved() -> bool:
            return await build_of(temporal_client, f"clock/{world}") == "second"

        await eventually(moved, "the clock is served by the second build")
