"""The demo's story: a quest that is told as it is played, in a world that goes on meanwhile."""

import asyncio
from io import StringIO

from rich.console import Console

from loreloom.domain.canon import Telling
from loreloom.domain.ids import PassageId
from loreloom.domain.quest import ObjectiveKind
from loreloom.domain.weather import Weather
from loreloom.knowledge.embedding import Embedder
from loreloom.state.keys import Scope
from loreloom.state.quests import Citation
from loreloom.workers.client import ApiClient
from loreloom.workers.demo import DEEDS, SKIES, tell_quest
from tests.api.designs import HARBOUR, small_design
from tests.knowledge.conftest import ingest_into
from tests.support.serving import REGIONS, Api

PIER = Citation(
    passage_id=PassageId("p1"),
    document="harbour.md",
    heading="The pier",
    telling=Telling.PUBLIC,
)
WHISPER = Citation(
    passage_id=PassageId("p2"),
    document="harbour.md",
    heading="What sailors say",
    telling=Telling.RUMOUR,
)


def test_a_story_has_a_word_for_every_sky() -> None:
    assert set(SKIES) == set(Weather)


def test_a_story_has_a_verb_for_every_kind_of_objective() -> None:
    assert set(DEEDS) == set(ObjectiveKind)


async def test_each_act_is_told_with_its_hour_and_its_sky(
    api: Api, worker: None, embedder: Embedder
) -> None:
    await ingest_into(api.parts.store, embedder, "harbour.md", HARBOUR)
    world = (await api.world())["world_id"]
    await api.player(world)
    still = {"paused": True, "advance_hours": 5.5}
    (await api.game.patch(f"/v1/worlds/{world}/clock", json=still)).raise_for_status()
    fog = {"state": "fog"}
    sky = f"/v1/worlds/{world}/regions/{REGIONS[0]}/weather"
    (await api.designer.put(sky, json=fog)).raise_for_status()
    design = small_design().model_copy(update={"citations": (PIER, WHISPER)})
    quest = await api.offered(world, design)
    shown = Console(record=True, width=200, file=StringIO())

    with ApiClient(api.url, api.secrets[Scope.OPS]) as client:
        ended = await asyncio.to_thread(tell_quest, client, shown, quest)

    assert ended["state"] == "completed"
    time = (await api.game.get(f"/v1/worlds/{world}")).json()["game_time"]
    began = f"At {time['hour']:02}:{time['minute']:02}, with fog over {REGIONS[0]}, "
    lines = [line.strip() for line in shown.export_text().splitlines()]
    assert "harbour.md — The pier" in lines
    assert "harbour.md — What sailors say (a rumour)" in lines
    assert [line.removeprefix(began) for line in lines if line.startswith(began)] == [
        "Old Hest asks:",
        "the broker accepts → active",
        "the broker collects the Lantern, 3 times → active",
        "the broker chooses “Choose mercy.” → active",
        "the broker talks to Old Hest → completed",
        "it is over.",
    ]
