"""Lists of workflows: whatever runs beside them, those that failed by a cause are found."""

import httpx
import pytest
from temporalio.client import Client

from loreloom.api.console.routes import ops as pages
from loreloom.api.ops import stories as reading
from loreloom.api.ops.stories import Stories
from loreloom.api.schemas.ops import StoryQuery, StoryState, StoryView
from loreloom.state.keys import Scope
from loreloom.state.store import Store
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import QUEST, WORLD_CLOCK
from tests.console.signing_in import sign_in
from tests.quest.stage import eventually
from tests.support.serving import Api

LOOKED_AT = 2
RUNNING = 5
TERMINATED = "quest:workflow_task:Terminated"


async def paged(stories: Stories, query: StoryQuery) -> list[list[StoryView]]:
    """All pages of what the query asks for."""
    shown, after = [], None
    while True:
        page = await stories.page(query, LOOKED_AT, after)
        shown.append(list(page.items))
        if (after := page.next) is None:
            return shown


async def test_a_cause_leads_to_what_failed_by_it_however_much_runs(
    temporal_client: Client,
    store: Store,
    task_queue_prefix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stories = Stories(temporal_client, store, task_queue_prefix)

    async def begin(workflow: str, name: str) -> str:
        story = await temporal_client.start_workflow(
            workflow, id=name, task_queue=queue_of(Role.STORY, task_queue_prefix)
        )
        return story.id

    ended = await begin(QUEST, f"quest/{task_queue_prefix}-ended")
    await temporal_client.get_workflow_handle(ended).terminate("by mistake")
    for number in range(RUNNING):
        await begin(QUEST, f"quest/{task_queue_prefix}-{number}")
        await begin(WORLD_CLOCK, f"clock/{task_queue_prefix}-{number}")

    async def listed() -> bool:
        found = await paged(stories, StoryQuery())
        return sum(map(len, found)) == 2 * RUNNING + 1

    await eventually(listed, "all are listed")
    monkeypatch.setattr(reading, "LOOKED_AT", LOOKED_AT)
    first, *others = await paged(stories, StoryQuery(cause=TERMINATED))
    assert [(story.workflow_id, story.state) for story in first] == [(ended, StoryState.TERMINATED)]
    # No clock is looked at: the cause says that it is of quests.
    assert len(others) <= RUNNING // LOOKED_AT + 1
    assert not any(others)


async def test_what_runs_is_looked_at_once_for_all_who_ask_within_seconds(api: Api) -> None:
    first = (await api.ops.get("/v1/ops/causes")).json()
    again = (await api.ops.get("/v1/ops/causes")).json()
    assert again["running_seen_at"] == first["running_seen_at"]
    of_quests = (await api.ops.get("/v1/ops/causes", params={"kind": "quest"})).json()
    assert of_quests["running_seen_at"] != first["running_seen_at"]


async def test_a_page_on_which_nothing_fits_says_so_and_still_replays(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LOOKED_AT", 1)
    monkeypatch.setattr(pages, "PAGE", 1)
    temporal, prefix = api.parts.temporal, api.parts.config.queue_prefix
    for number in range(RUNNING):
        await temporal.start_workflow(
            QUEST, id=f"quest/{prefix}-{number}", task_queue=queue_of(Role.STORY, prefix)
        )

    async def listed() -> bool:
        running = StoryQuery(state=StoryState.RUNNING)
        return (await api.context.stories.page(running, 1, None)).next is not None

    await eventually(listed, "there is more than a page")
    async with httpx.AsyncClient(base_url=api.url) as client:
        await sign_in(client, api.secrets[Scope.OPS])
        address = "/console/ops/workflows?state=running&cause=quest:quest_reward:Broken"
        shown = (await client.get(address)).text
    assert "there are others further on" in shown
    assert "No workflow fits" not in shown
    assert '<option value="query">' in shown
    assert "See what would happen" in shown
