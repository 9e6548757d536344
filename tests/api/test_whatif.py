"""A text asked for again through the API. What a real model makes of it: tests/quest."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import yaml
from sqlalchemy import update
from temporalio.client import Client, WorkflowFailureError

from loreloom.activities.desk import as_kept
from loreloom.domain.ids import PlayerId, WhatIfId, WorldId
from loreloom.domain.story import TemplateReason
from loreloom.domain.variation import Variation
from loreloom.generation.records import without_model
from loreloom.generation.tiers import Purpose
from loreloom.knowledge.embedding import Embedder
from loreloom.state import whatifs
from loreloom.state.generations import keep_generation, tokens_spent
from loreloom.state.tables.generations import Generation
from loreloom.workers.settings import PROJECT
from tests.quest.stage import eventually
from tests.support.serving import Api
from tests.support.whatif import ASKED, an_answer, asking, generated

Json = dict[str, Any]
QUESTS = PROJECT / "content" / "quests"


@pytest.fixture
async def asked_again(
    api: Api, temporal_client: Client, embedder: Embedder, task_queue_prefix: str
) -> AsyncIterator[None]:
    """Somebody serves what is asked."""
    async with asking(temporal_client, api.parts.store, embedder, task_queue_prefix):
        yield


@pytest.fixture
async def world_id(api: Api) -> WorldId:
    """A new world."""
    return WorldId((await api.world())["world_id"])


async def ended(api: Api, path: str) -> Json:
    """What stands there once it runs no more."""
    seen: Json = {}

    async def over() -> bool:
        seen.update((await api.designer.get(path)).json())
        return seen["state"] != "running"

    await eventually(over, f"{path} has its answer")
    return seen


async def asks(api: Api, path: str, body: Json, **headers: str) -> Json:
    """A what-if that was taken."""
    answer = await api.designer.post(path, json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    made: Json = answer.json()
    return made


async def test_a_text_is_asked_for_again_as_it_was(
    api: Api, world_id: WorldId, asked_again: None
) -> None:
    generation_id = await generated(api.parts.store, world_id, "lantern")
    made = await asks(api, f"/v1/generations/{generation_id}/whatif", {})
    seen = await ended(api, f"/v1/whatifs/{made['whatif_id']}")
    assert (seen["state"], seen["generation_id"]) == ("done", generation_id)
    assert seen["now"]["record"]["messages"] == seen["then"]["record"]["messages"]
    assert seen["figures"]["then"]["accepted"]
    assert not seen["figures"]["then"]["at_first_try"]
    assert seen["figures"]["then"]["unknown_names"] == 1
    # There is no tier here at all, and the answer says so.
    assert (seen["now"]["lines"], seen["now"]["record"]["reason"]) == ([], "no_tier")
    assert not seen["figures"]["now"]["accepted"]


async def test_a_record_that_cannot_be_read_is_quoted_in_no_failure(
    api: Api, world_id: WorldId, asked_again: None
) -> None:
    generation_id = await generated(api.parts.store, world_id, "lantern")
    async with api.parts.store.transaction() as tx:
        garbled = Generation.record.concat({"messages": "She owes nine eels."})
        await tx.run(update(Generation).values(record=garbled))
    made = await asks(api, f"/v1/generations/{generation_id}/whatif", {})
    handle = api.parts.temporal.get_workflow_handle(made["workflow_id"])
    with pytest.raises(WorkflowFailureError):
        await handle.result()
    assert "eels" not in (await handle.fetch_history()).to_json()
    seen = await ended(api, f"/v1/whatifs/{made['whatif_id']}")
    assert "ValidationError in _ask" in seen["problem"]


async def test_nothing_of_it_touches_the_player_the_budget_or_the_story(
    api: Api, world_id: WorldId, asked_again: None
) -> None:
    store = api.parts.store
    generation_id = await generated(store, world_id, "lantern")
    head = (await api.designer.get(f"/v1/worlds/{world_id}")).json()["chronicle_head"]
    spent = await tokens_spent(store, world_id, PlayerId("mara"))
    made = await asks(api, f"/v1/generations/{generation_id}/whatif", {"temperature": 1.5})
    await ended(api, f"/v1/whatifs/{made['whatif_id']}")
    assert (await api.designer.get(f"/v1/worlds/{world_id}")).json()["chronicle_head"] == head
    assert await tokens_spent(store, world_id, PlayerId("mara")) == spent


async def test_the_prompt_is_the_edited_one(api: Api, world_id: WorldId, asked_again: None) -> None:
    generation_id = await generated(api.parts.store, world_id, "lantern")
    path = f"/v1/generations/{generation_id}/whatif"
    said = [{"role": "user", "content": "Write about eels."}]
    made = await asks(api, path, {"messages": said})
    whole = await ended(api, f"/v1/whatifs/{made['whatif_id']}")
    assert whole["now"]["record"]["messages"] == said

    made = await asks(api, path, {"instructions": "Write drily."})
    first = await ended(api, f"/v1/whatifs/{made['whatif_id']}")
    assert [one["content"] for one in first["now"]["record"]["messages"]] == [
        "Write drily.",
        "Somebody owes somebody.",
    ]

    made = await asks(api, path, {"of_today": True, "passages": ["no-such-passage"]})
    anew = await ended(api, f"/v1/whatifs/{made['whatif_id']}")
    assert "Eudora Pym" in str(anew["now"]["record"]["messages"])
    assert anew["gone"] == ["no-such-passage"]


@pytest.mark.usefixtures("worker")
async def test_a_quest_that_a_template_told_is_told_by_an_edited_one(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    asked = await api.quest(world_id, kind="side")
    quest = await api.until_state(asked["quest_id"], "offered")
    steps = (await api.designer.get(f"/v1/quests/{quest['quest_id']}/history")).json()["steps"]
    (then,) = (step["generation"] for step in steps if step["generation"])
    head = (await api.designer.get(f"/v1/worlds/{world_id}")).json()["chronicle_head"]
    path = f"/v1/generations/{then['generation_id']}/whatif"

    template = yaml.safe_load((QUESTS / f"{then['record']['template']}.yaml").read_text())
    same = await asks(api, path, {"template": template})
    edited = await asks(api, path, {"template": {**template, "offer": "Ask {giver} for an eel."}})

    as_it_was = await ended(api, f"/v1/whatifs/{same['whatif_id']}")
    assert as_it_was["state"] == "done", as_it_was["problem"]
    told, lines = as_it_was["then"]["lines"], as_it_was["now"]["lines"]
    assert told[0] == quest["title"]
    assert lines[: len(told)] == told
    assert any(line.startswith("Completed: ") for line in lines)
    otherwise = await ended(api, f"/v1/whatifs/{edited['whatif_id']}")
    offer = f"{quest['giver']}: “Ask {quest['giver']} for an eel.”"
    assert [a for a, b in zip(otherwise["now"]["lines"], lines, strict=True) if a != b] == [offer]
    assert otherwise["figures"] is None
    assert otherwise["now"]["record"]["attempts"] == []
    # The player has none of it.
    assert (await api.game.get(f"/v1/quests/{quest['quest_id']}")).json() == quest
    assert (await api.designer.get(f"/v1/worlds/{world_id}")).json()["chronicle_head"] == head


async def test_a_model_is_asked_what_a_template_told(
    api: Api, world_id: WorldId, asked_again: None
) -> None:
    store = api.parts.store
    record = without_model(Purpose.QUEST, TemplateReason.BUDGET, ASKED)
    async with store.transaction() as tx:
        kept = as_kept(record, "told", "quest/told", world_id, PlayerId("mara"))
        await keep_generation(tx, kept)
    made = await asks(api, f"/v1/generations/{kept.generation_id}/whatif", {})
    seen = await ended(api, f"/v1/whatifs/{made['whatif_id']}")
    assert seen["state"] == "done", seen["problem"]
    assert "Eudora Pym" in str(seen["now"]["record"]["messages"])
    # A set is of texts for which a model was asked.
    body = {"purpose": "quest"}
    a_set = await asks(api, f"/v1/worlds/{world_id}/whatifs", body)
    assert (await ended(api, f"/v1/whatif-sets/{a_set['whatif_id']}"))["picked"] == 0


async def test_a_template_that_cannot_serve_there_says_so(
    api: Api, world_id: WorldId, asked_again: None
) -> None:
    generation_id = await generated(api.parts.store, world_id, "lantern")
    daily = yaml.safe_load((QUESTS / "daily-broom-work.yaml").read_text())
    made = await asks(api, f"/v1/generations/{generation_id}/whatif", {"template": daily})
    seen = await ended(api, f"/v1/whatifs/{made['whatif_id']}")
    assert (seen["state"], seen["now"]) == ("failed", None)
    assert "no template for a side quest" in seen["problem"]


async def test_its_history_holds_no_word_of_what_was_asked_or_answered(
    api: Api, world_id: WorldId, asked_again: None
) -> None:
    generation_id = await generated(api.parts.store, world_id, "lantern")
    one = {"messages": [{"role": "user", "content": "Write about eels."}]}
    many = {"purpose": "quest", "otherwise": {"instructions": "Write about eels."}}
    asked = await asks(api, f"/v1/generations/{generation_id}/whatif", one)
    a_set = await asks(api, f"/v1/worlds/{world_id}/whatifs", many)
    seen = await ended(api, f"/v1/whatifs/{asked['whatif_id']}")
    counted = await ended(api, f"/v1/whatif-sets/{a_set['whatif_id']}")
    assert "eels" in str(seen["now"]["record"])
    assert counted["otherwise"]["instructions"] == "Write about eels."
    for made in (asked, a_set):
        handle = api.parts.temporal.get_workflow_handle(made["workflow_id"])
        events = [event.SerializeToString() async for event in handle.fetch_history_events()]
        told = b"".join(events)
        assert made["whatif_id"].encode() in told
        for word in (b"eels", b"Somebody", b"The Lantern", b"Eudora"):
            assert word not in told


async def test_an_answer_stays_when_temporal_has_no_history_of_it_any_more(
    api: Api, world_id: WorldId
) -> None:
    store, whatif_id = api.parts.store, WhatIfId("whatif_old")
    generation_id = await generated(store, world_id, "lantern")
    await whatifs.keep(store, whatif_id, generation_id, Variation(seed=5))
    path = f"/v1/whatifs/{whatif_id}"
    assert (await api.designer.get(path)).status_code == 404
    await whatifs.keep_answer(store, whatif_id, an_answer("The Lantern is out."))
    seen = (await api.designer.get(path)).json()
    assert (seen["state"], seen["now"]["lines"]) == ("done", ["The Lantern is out."])
    assert seen["variation"]["seed"] == 5


async def test_a_set_is_counted_then_and_now(
    api: Api, world_id: WorldId, asked_again: None
) -> None:
    for name in ("one", "two", "three"):
        await generated(api.parts.store, world_id, name)
    await generated(api.parts.store, world_id, "template", asked=None)
    body = {"purpose": "quest", "most": 2, "otherwise": {"temperature": 0.2}}
    made = await asks(api, f"/v1/worlds/{world_id}/whatifs", body)
    seen = await ended(api, f"/v1/whatif-sets/{made['whatif_id']}")
    assert (seen["state"], seen["picked"], seen["lost"]) == ("done", 2, [])
    assert {one["generation_id"] for one in seen["compared"]} == {"gen_two", "gen_three"}
    assert (seen["then"]["texts"], seen["then"]["accepted"], seen["then"]["unknown_names"]) == (
        2,
        2,
        2,
    )
    assert (seen["then"]["tokens_in"], seen["now"]["accepted"]) == (2400, 0)


async def test_the_same_request_twice_asks_once(
    api: Api, world_id: WorldId, asked_again: None
) -> None:
    generation_id = await generated(api.parts.store, world_id, "lantern")
    path, key = f"/v1/generations/{generation_id}/whatif", {"Idempotency-Key": "again"}
    first = await asks(api, path, {}, **key)
    assert await asks(api, path, {}, **key) == first


async def test_what_cannot_be_asked_for_again_is_refused(api: Api, world_id: WorldId) -> None:
    template = await generated(api.parts.store, world_id, "template", asked=None)
    written = await generated(api.parts.store, world_id, "written")
    ending = await generated(api.parts.store, world_id, "ending", purpose=Purpose.EPILOGUE)
    whole = yaml.safe_load((QUESTS / "side-half-a-roll.yaml").read_text())
    unsound = {**whole, "title": "For {nobody}"}
    unprintable = {**whole, "title": "For\x00nobody"}
    both = {"messages": [{"role": "user", "content": "x"}], "of_today": True}
    backwards = {
        "purpose": "quest",
        "since": "2026-01-02T00:00:00Z",
        "until": "2026-01-01T00:00:00Z",
    }
    for path, body, status, code in (
        ("generations/gen_none/whatif", {}, 404, "unknown_generation"),
        (f"generations/{template}/whatif", {}, 409, "not_asked"),
        (f"generations/{written}/whatif", both, 422, "invalid"),
        (f"generations/{written}/whatif", {"tier": "bronze"}, 422, "invalid"),
        (f"generations/{written}/whatif", {"template": whole, "tier": "gold"}, 422, "invalid"),
        (f"generations/{written}/whatif", {"template": unsound}, 422, "invalid"),
        (f"generations/{written}/whatif", {"template": unprintable}, 422, "invalid"),
        (f"generations/{ending}/whatif", {"template": whole}, 422, "invalid"),
        ("worlds/none/whatifs", {"purpose": "quest"}, 404, "unknown_world"),
        (f"worlds/{world_id}/whatifs", backwards, 422, "invalid"),
        (f"worlds/{world_id}/whatifs", {"purpose": "quest", "most": 1000}, 422, "invalid"),
    ):
        answer = await api.designer.post(f"/v1/{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
    for path in ("whatifs/none", "whatif-sets/none"):
        answer = await api.designer.get(f"/v1/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_whatif")


async def test_it_is_none_of_a_games_business(api: Api, world_id: WorldId) -> None:
    generation_id = await generated(api.parts.store, world_id, "lantern")
    answer = await api.game.post(f"/v1/generations/{generation_id}/whatif", json={})
    assert answer.status_code == 403
