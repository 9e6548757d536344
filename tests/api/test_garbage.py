"""Garbage from every model server, inside the real activities: the story is told all the same."""

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from loreloom.generation.calls import PROBE
from tests.api.designs import small_design
from tests.generation.servers import (
    FailingServer,
    Handle,
    breaks_off,
    garbage,
    no_json,
    says,
    serving,
    unfinished,
)
from tests.quest.stage import eventually
from tests.support.serving import Api

Json = dict[str, Any]

QUESTS = 4
ZANBAR = "Zanbar"
LORE = """---
entities:
  - {name: Maud Tolliver, kind: person}
  - {name: Halfway House, kind: place}
  - {name: Salt Chalk, kind: thing}
---
# The Halfway House

Maud Tolliver keeps the Halfway House and pays in Salt Chalk whoever carries a word for her.
"""
WORDS = (
    says("no json at all"),
    says('{"giver": "Zanbar"}'),
    says('{"epilogue": "Zanbar came home. Zanbar slept."}'),
    says("[[[[["),
    says("null"),
    says('{"summary": "cut off in the mid', finish="length"),
)
PROTOCOL: tuple[Handle, ...] = (garbage, no_json, unfinished, breaks_off)


@pytest.fixture
async def server(garbled: tuple[Handle, ...]) -> AsyncIterator[FailingServer]:
    """A model server that answers each call with garbage, the same in every run."""
    chance = random.Random(412)

    async def answer(writer: Any) -> None:
        await chance.choice(garbled)(writer)

    async with serving(answer) as made:
        yield made


@pytest.fixture
def tier_urls(server: FailingServer) -> tuple[str, ...]:
    """That server is every tier."""
    return (server.url,)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("garbled", [WORDS, PROTOCOL], ids=["words", "protocol"])
async def test_garbage_is_recorded_and_the_quest_is_told_and_paid_once(
    api: Api, server: FailingServer
) -> None:
    world_id = await a_world_with_a_canon(api)
    ended, records = [], []
    for _ in range(QUESTS):
        asked = await api.quest(world_id, kind="daily")
        designed = await api.until_state(asked["quest_id"], "offered")
        assert designed["source"] == "template"
        records += await records_of(api, asked["quest_id"])
        # What a template designed, it also tells to its end: here the words are asked for.
        quest = await api.accepted(world_id, small_design())
        ended.append(await played(api, quest["quest_id"]))
        records += await records_of(api, quest["quest_id"])

    assert {record["purpose"] for record in records} == {"quest", "epilogue"}
    attempts = [attempt for record in records for attempt in record["attempts"]]
    sent = [body for body in server.bodies if PROBE.prompt.messages[0].content not in str(body)]
    assert len(attempts) == len(sent) > 0
    assert all(attempt["problems"] or attempt["outcome"] != "ok" for attempt in attempts)
    assert {record["source"] for record in records} == {"template"}
    assert not any(ZANBAR in quest["texts"]["epilogue"] for quest in ended)

    player = (await api.game.get(f"/v1/worlds/{world_id}/players/mara")).json()
    assert player["coin"] == sum(quest["rewards"]["coin"] for quest in ended)
    told = (await api.game.get(f"/v1/worlds/{world_id}/chronicle?kind=reward.granted")).json()
    assert len(told["items"]) == QUESTS


async def a_world_with_a_canon(api: Api) -> str:
    """A new world with a player, and a canon of one document; its id."""
    lore = {"name": "house.md", "markdown": LORE}
    document = (await api.designer.post("/v1/lore/documents", json=lore)).json()

    async def ready() -> bool:
        path = f"/v1/lore/documents/{document['document_id']}"
        return bool((await api.designer.get(path)).json()["state"] == "ready")

    await eventually(ready, "the document is ready")
    world_id: str = (await api.world())["world_id"]
    await api.player(world_id)
    return world_id


async def played(api: Api, quest_id: str) -> Json:
    """The quest of the given design once it is played to its epilogue."""
    path = f"/v1/quests/{quest_id}"
    acts: tuple[tuple[str, Json], ...] = (
        ("progress", {"objective_id": "gather", "amount": 3}),
        ("choose", {"choice_id": "mercy"}),
        ("progress", {"objective_id": "pay", "amount": 1}),
    )
    for number, (act, body) in enumerate(acts):
        answer = await api.game.post(f"{path}/{act}", json={"action_id": f"a{number}", **body})
        assert answer.status_code == 200, answer.text
    quest: Json = {}

    async def told() -> bool:
        quest.update((await api.game.get(path)).json())
        return quest["texts"]["epilogue"] is not None

    await eventually(told, "the epilogue is told")
    return quest


async def records_of(api: Api, quest_id: str) -> list[Json]:
    """How each of the quest's generated texts came to be."""
    history = (await api.designer.get(f"/v1/quests/{quest_id}/history")).json()
    return [step["generation"]["record"] for step in history["steps"] if step["generation"]]
