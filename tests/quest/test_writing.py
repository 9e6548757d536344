"""What a quest is told with: a real model over the real canon, and what keeps one from it."""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import yaml
from temporalio.client import Client

from loreloom.workers.client import ApiClient, ApiProblem
from loreloom.workers.embedded.stack import Stack
from loreloom.workers.settings import PROJECT
from tests.support.whole_history import plain

LORE = PROJECT / "content" / "lore"
DOCUMENTS = ("03-the-city-in-the-year-412.md", "05-guilds-and-trades-of-both-cities.md")
THEME = "a grandmother's zither, pawned on a Tuesday"
GIVER = "Philippa Noake"

Json = dict[str, Any]
OWN = "At the counter nobody says a word, and everybody has heard."
NEWS = f"""
arc: news
title: News at the counter
scope: player
start: told
beats:
  told:
    kind: tell
    brief: {{theme: how a pawned zither came home, who: Philippa Noake}}
    text: {OWN}
    next: [{{to: over}}]
  over: {{kind: end, outcome: over}}
"""


@pytest.fixture(scope="module")
def engine(
    start_engine: Callable[..., Stack], model_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Stack:
    """Worker and API with the model as both tiers, patient, since the tests share its cores.

    Its content has one arc, which tells one text and is over.
    """
    content = tmp_path_factory.mktemp("content")
    for part in (PROJECT / "content").iterdir():
        (content / part.name).symlink_to(part)
    (content / "arcs").unlink()
    (content / "arcs").mkdir()
    (content / "arcs" / "news.yaml").write_text(NEWS)
    patience: Json = {"content_folder": content}
    patience |= {"design_seconds": 40.0, "silver_total_seconds": 40.0}
    patience |= {f"{tier}_first_token_seconds": 35.0 for tier in ("gold", "silver")}
    return start_engine(gold_urls=(model_url,), silver_urls=(model_url,), **patience)


@pytest.fixture(scope="module")
def api(engine: Stack) -> Iterator[ApiClient]:
    """A client, and a canon of two documents."""
    assert engine.keys is not None
    with ApiClient(engine.settings.api_url, engine.keys.ops) as client:
        for name in DOCUMENTS:
            content = (LORE / name).read_bytes()
            sent = client.post_markdown("/v1/lore/documents", content, name=name)
            path = f"/v1/lore/documents/{sent['document_id']}"
            client.wait(path, lambda found: found["state"] == "ready", f"ingesting {name}")
        yield client


@pytest.fixture
def world_id(api: ApiClient) -> str:
    """A world with one player."""
    return begun(api)


def begun(api: ApiClient) -> str:
    """A new world with one player."""
    world_id: str = api.post("/v1/worlds", {"name": "Writing"})["world_id"]
    api.post(f"/v1/worlds/{world_id}/players", {"player_id": "p", "name": "P"})
    return world_id


class Written(NamedTuple):
    """A quest that the model wrote, which tests only read, and the record of its words."""

    world_id: str
    quest: Json
    record: Json


@pytest.fixture(scope="module")
def written(api: ApiClient) -> Written:
    """A side quest of that theme and giver."""
    world_id = begun(api)
    return Written(world_id, *generated(api, world_id, theme=THEME, giver=GIVER))


def designed(api: ApiClient, world_id: str, **wish: str) -> tuple[Json, Json]:
    """A quest that was asked for and designed, and the record of its words."""
    asked = api.post(f"/v1/worlds/{world_id}/quests", {"player_id": "p", "kind": "side", **wish})
    path = f"/v1/quests/{asked['quest_id']}"
    quest = api.wait(path, lambda found: found["state"] != "designing", "the design")
    steps = api.get(f"{path}/history")["steps"]
    (record,) = (step["generation"]["record"] for step in steps if step["generation"])
    return quest, record


def generated(api: ApiClient, world_id: str, **wish: str) -> tuple[Json, Json]:
    """The first of three quests that a model designed in time; how often it does is measured by
    ``benchmarks.generation``, and a small model on busy cores may miss one."""
    reasons = []
    for _ in range(3):
        quest, record = designed(api, world_id, **wish)
        if quest["source"] == "generated":
            return quest, record
        reasons.append(record["reason"])
    pytest.fail(f"no model's design in three: {reasons}")


def declared_names() -> set[str]:
    """Every name and alias that the two documents declare."""
    names: set[str] = set()
    for document in DOCUMENTS:
        front = yaml.safe_load((LORE / document).read_text().split("---")[1])
        for entity in front["entities"]:
            names |= {entity["name"], *entity.get("aliases", ())}
    return names


def test_a_model_designs_from_the_canon_and_answers_for_every_line(
    api: ApiClient, written: Written
) -> None:
    quest, record = written.quest, written.record
    assert (quest["source"], record["source"]) == ("generated", "generated")
    assert quest["giver"] == GIVER
    assert quest["tier"] == record["tier"] == "silver"
    assert quest["title"]
    assert quest["texts"]["offer"]

    canon = {entity["name"] for entity in api.pages("/v1/lore/entities")}
    assert declared_names() & canon
    assert {quest["giver"], *(o["target"] for o in quest["objectives"])} <= canon

    assert {c["passage_id"] for c in quest["citations"]} == set(record["passages"])
    assert {c["document"] for c in quest["citations"]} <= set(DOCUMENTS)
    said = json.dumps(record["messages"])
    assert "zither" in said
    accepted = record["attempts"][-1]
    assert accepted["outcome"] == "ok"
    assert accepted["problems"] == []
    assert record["tokens_out"] >= accepted["completion_tokens"] > 0


async def test_a_history_holds_neither_what_was_typed_nor_what_was_written(
    written: Written, temporal_client: Client
) -> None:
    quest = written.quest
    handle = temporal_client.get_workflow_handle(quest["workflow_id"])
    history = plain(json.loads((await handle.fetch_history()).to_json()))
    assert quest["objectives"][0]["target"] in history
    for words in (THEME, "zither", quest["title"], quest["summary"], quest["texts"]["offer"]):
        assert words not in history


def test_the_switch_turns_a_world_to_templates_at_once(api: ApiClient, world_id: str) -> None:
    api.patch(f"/v1/worlds/{world_id}", {"templates_only": True})
    quest, record = designed(api, world_id)
    assert (quest["source"], record["reason"], record["attempts"]) == (
        "template",
        "world_switch",
        [],
    )


def test_what_a_model_was_writing_when_the_world_was_switched_is_not_told(
    api: ApiClient, world_id: str
) -> None:
    asked = api.post(f"/v1/worlds/{world_id}/quests", {"player_id": "p", "kind": "main"})
    api.patch(f"/v1/worlds/{world_id}", {"templates_only": True})
    path = f"/v1/quests/{asked['quest_id']}"
    quest = api.wait(path, lambda found: found["state"] != "designing", "the design")
    assert (quest["source"], quest["tier"]) == ("template", None)


def test_a_spent_budget_is_served_by_templates_and_said_so(api: ApiClient, world_id: str) -> None:
    # What the model made of it is not asked here: a refused draft has cost its tokens too.
    _, record = designed(api, world_id)
    spent = record["tokens_in"] + record["tokens_out"]
    assert spent > 0
    for budget in ("world_daily_tokens", "player_daily_tokens"):
        api.patch(f"/v1/worlds/{world_id}", {budget: spent})
        quest, record = designed(api, world_id)
        assert (quest["source"], record["reason"], record["attempts"]) == ("template", "budget", [])
        api.patch(f"/v1/worlds/{world_id}", {budget: spent + 1})
    _, record = designed(api, world_id)
    assert record["reason"] != "budget"
    assert record["attempts"]


def test_a_giver_whom_the_canon_lacks_is_refused(api: ApiClient, world_id: str) -> None:
    body = {"player_id": "p", "giver": "Nobody Ever"}
    with pytest.raises(ApiProblem) as refused:
        api.post(f"/v1/worlds/{world_id}/quests", body)
    assert refused.value.status == 422
    assert "giver" in str(refused.value)
    assert list(api.pages(f"/v1/worlds/{world_id}/quests")) == []


def news(api: ApiClient, world_id: str) -> tuple[Json, Json]:
    """What the arc told, and the record of its words."""
    arc = api.post(f"/v1/worlds/{world_id}/arcs", {"arc": "news", "player_id": "p"})["arc_id"]
    api.wait(f"/v1/arcs/{arc}", lambda found: found["state"] == "ended", "the arc's end")
    steps = api.get(f"/v1/arcs/{arc}/history")["steps"]
    (record,) = (step["generation"]["record"] for step in steps if step["generation"])
    (told,) = api.pages(f"/v1/worlds/{world_id}/chronicle", kind="arc.told")
    return told["data"], record


def test_an_arc_asks_a_model_for_what_it_tells_and_answers_for_it(
    api: ApiClient, world_id: str
) -> None:
    told, record = news(api, world_id)
    assert "zither" in json.dumps(record["messages"])
    assert record["attempts"]
    assert told["source"] == record["source"]
    assert (told["text"] == OWN) == (record["source"] == "template")
    assert {c["passage_id"] for c in told["citations"]} <= set(record["passages"])


def test_where_no_model_may_speak_an_arc_tells_its_own_words(api: ApiClient, world_id: str) -> None:
    api.patch(f"/v1/worlds/{world_id}", {"templates_only": True})
    told, record = news(api, world_id)
    assert (told["text"], told["source"], record["reason"]) == (OWN, "template", "world_switch")


def asked_again(api: ApiClient, path: str, body: Json, seen: str) -> Json:
    """What comes of asking again."""
    made = api.post(path, body)
    return api.wait(
        f"/v1/{seen}/{made['whatif_id']}", lambda found: found["state"] != "running", "the answer"
    )


def test_a_designer_asks_a_model_for_the_same_text_again_and_the_player_sees_none_of_it(
    api: ApiClient, written: Written
) -> None:
    world_id, quest, then = written
    steps = api.get(f"/v1/quests/{quest['quest_id']}/history")["steps"]
    (made,) = (step["generation"]["generation_id"] for step in steps if step["generation"])
    before = api.get(f"/v1/worlds/{world_id}")["chronicle_head"]

    system = then["messages"][0]["content"] + " Write drily."
    body = {"instructions": system, "tier": "gold", "seed": then["seed"]}
    seen = asked_again(api, f"/v1/generations/{made}/whatif", body, "whatifs")
    assert seen["state"] == "done", seen["problem"]
    now = seen["now"]["record"]
    assert now["messages"][0]["content"] == system
    assert now["messages"][1:] == then["messages"][1:]
    assert now["passages"] == then["passages"]
    assert {attempt["tier"] for attempt in now["attempts"]} == {"gold"}
    assert seen["figures"]["then"]["tokens_out"] == then["tokens_out"]
    assert bool(seen["now"]["lines"]) == seen["figures"]["now"]["accepted"]
    assert seen["then"]["lines"][:2] == [quest["title"], quest["summary"]]

    a_set = {"purpose": "quest", "most": 1, "otherwise": {"model": "no-such-model"}}
    counted = asked_again(api, f"/v1/worlds/{world_id}/whatifs", a_set, "whatif-sets")
    assert (counted["then"]["accepted"], counted["now"]["accepted"]) == (1, 0)

    after = api.get(f"/v1/quests/{quest['quest_id']}")
    assert after == quest
    assert api.get(f"/v1/worlds/{world_id}")["chronicle_head"] == before
