"""What the console shows and asks is at the command line too."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from loreloom.domain.ids import WorldId
from loreloom.knowledge.embedding import Embedder
from loreloom.state.keys import Scope
from loreloom.workers.settings import PROJECT
from tests.knowledge.conftest import ingest_into
from tests.support.commands import loreloom
from tests.support.events import pending_event
from tests.support.serving import Api
from tests.support.whatif import generated

pytestmark = pytest.mark.usefixtures("worker")

LORE = """---
title: The Harbour
rating: everyone
sections:
  "Her debt": {telling: secret, fact: hest_owes}
---
# The Harbour
## The keeper
Old Hest keeps the Lantern at the end of the pier.

## Her debt
Old Hest owes the moon a debt that no pier can pay.
"""


@pytest.fixture
def line(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """An API that the command line finds, with the key of ops."""
    monkeypatch.setenv("LORELOOM_PORT", api.url.rpartition(":")[2])
    monkeypatch.setenv("LORELOOM_KEY", api.secrets[Scope.OPS])
    return api


async def said(*words: str) -> Any:
    """What a command prints as JSON."""
    answer = await loreloom(*words, "--json")
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.output)


async def test_quests_and_workflows_are_found_by_what_they_are(line: Api) -> None:
    world = (await line.world())["world_id"]
    await line.player(world)
    quest = await line.accepted(world)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    for wanted, found in (
        (("--kind", "side"), 1),
        (("--kind", "main"), 0),
        (("--entity", "Old Hest"), 1),
        (("--entity", "Nobody"), 0),
        (("--region", "Nowhere"), 0),
        (("--until", tomorrow), 1),
        (("--since", tomorrow), 0),
    ):
        assert len(await said("quest", "list", world, *wanted)) == found, wanted
    workflows = ("ops", "workflows", "--world", world, "--kind", "quest")
    (running,) = await said(*workflows, "--state", "running")
    assert running["workflow_id"] == quest["workflow_id"]
    assert await said(*workflows, "--state", "failed") == []

    settle = ("ops", "settle", quest["quest_id"], "--outcome", "completed", "--reason", "stuck")
    told = await loreloom(*settle, "--item", "Lantern=2", "--standing", "Guild=-3")
    assert "2 Lantern, -3 standing with Guild" in told.output
    player = (await line.game.get(f"/v1/worlds/{world}/players/mara")).json()
    assert (player["inventory"], player["standing"]) == ({"Lantern": 2}, {"Guild": -3})


async def test_the_canon_is_searched_as_a_player_is_answered(line: Api, embedder: Embedder) -> None:
    await ingest_into(line.parts.store, embedder, "harbour.md", LORE)
    world = (await line.world())["world_id"]
    await line.player(world)
    search = ("search", "What does Old Hest owe the moon?")
    every = await said(*search)
    assert any("owes the moon" in hit["text"] for hit in every["hits"])
    seen = await said(*search, "--player", "mara", "--world", world)
    assert seen["hits"]
    assert not any("owes the moon" in hit["text"] for hit in seen["hits"])


async def test_what_the_provider_told_is_listed_and_resent(line: Api) -> None:
    await pending_event(line.parts.store, "evt_1", datetime.now(UTC) + timedelta(hours=1))
    assert "evt_1  product.created  -  waits" in (await loreloom("payments", "webhooks")).output
    assert "unknown_kind" in (await loreloom("payments", "resend", "evt_1")).output
    assert (await loreloom("payments", "webhooks")).output == "none\n"


async def test_a_text_and_a_set_of_them_are_asked_for_again(line: Api, tmp_path: Path) -> None:
    world = (await line.world())["world_id"]
    text = await generated(line.parts.store, WorldId(world), "lantern")
    prompt = tmp_path / "prompt.yaml"
    prompt.write_text(yaml.safe_dump([{"role": "user", "content": "Write about eels."}]))
    seen = await said("whatif", "ask", text, "--prompt", str(prompt), "--tier", "gold")
    assert seen["now"]["record"]["messages"][0]["content"] == "Write about eels."

    template = PROJECT / "content" / "quests" / "side-half-a-roll.yaml"
    told = await loreloom("whatif", "ask", text, "--template", str(template))
    assert told.exit_code == 0, told.output
    assert "Half a roll at first light" in told.output
    wrong = await loreloom("whatif", "ask", text, "--template", str(prompt))
    assert (wrong.exit_code, "template" in wrong.stderr) == (1, True)

    counted = (await loreloom("whatif", "set", world, "--temperature", "0.2")).output
    assert counted.startswith("1 texts, 0 could not be asked again\n")
