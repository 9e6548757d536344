"""Documents, search and entities over HTTP, and two worlds that never see each other."""

import asyncio
from typing import Any

import pytest

from loreloom.domain.ids import FactId, PlayerId, WorldId
from loreloom.state.facts import learn
from tests.support.serving import Api

HARBOUR = """---
title: The harbour
entities:
  - {name: Old Hest, kind: person, aliases: [the Ferryman]}
  - {name: Lantern Guild, kind: faction}
---
# The harbour

## The ferry

Old Hest keeps the ferry for the Lantern Guild and takes a copper from everyone who crosses.
"""
DESERT = """---
title: The desert
entities:
  - {name: Queen Sabra, kind: person}
  - {name: Salt Court, kind: faction}
---
# The desert

## The well

Queen Sabra keeps the only ferry well of the Salt Court, and sells water by the cup.
"""
DROWNED = """---
title: The drowned
telling: secret
fact: ferry_truth
---
# The drowned

The ferry carries the drowned.
"""


async def ready(api: Api, name: str, markdown: str, canon: str = "default") -> dict[str, Any]:
    posted = await api.designer.post(
        "/v1/lore/documents", json={"name": name, "markdown": markdown, "canon": canon}
    )
    assert posted.status_code == 202, posted.text
    document: dict[str, Any] = posted.json()
    deadline = asyncio.get_running_loop().time() + 30
    while document["state"] == "ingesting":
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.05)
        document = (
            await api.designer.get(f"/v1/lore/documents/{posted.json()['document_id']}")
        ).json()
    assert document["state"] == "ready", document
    return document


@pytest.mark.usefixtures("worker")
async def test_a_document_is_ingested_found_and_deleted(api: Api) -> None:
    document = await ready(api, "harbour.md", HARBOUR)
    found = (await api.game.get("/v1/lore/search", params={"q": "who keeps the ferry"})).json()
    hit = found["hits"][0]
    assert hit["document"] == "harbour.md"
    assert hit["heading"] == "The ferry"
    assert hit["reasons"]
    assert "Old Hest" in {entity["name"] for entity in hit["entities"]}
    world = await api.world()
    assert [faction["name"] for faction in world["factions"]] == ["Lantern Guild"]
    same = await api.designer.post(
        "/v1/lore/documents?name=harbour.md",
        content=HARBOUR.encode(),
        headers={"Content-Type": "text/markdown"},
    )
    assert (same.status_code, same.json()["started"]) == (202, False)
    address = f"/v1/lore/documents/{document['document_id']}"
    assert (await api.designer.delete(address)).status_code == 204
    assert (await api.designer.get(address)).json()["code"] == "unknown_document"
    assert (await api.game.get("/v1/lore/search?q=ferry")).json()["hits"] == []


@pytest.mark.usefixtures("worker")
async def test_a_designer_corrects_entities(api: Api) -> None:
    await ready(api, "harbour.md", HARBOUR)
    listed = (await api.designer.get("/v1/lore/entities?kind=person")).json()["items"]
    hest = next(entity for entity in listed if entity["name"] == "Old Hest")
    address = f"/v1/lore/entities/{hest['entity_id']}"
    renamed = await api.designer.patch(address, json={"name": "Young Hest"})
    assert renamed.json()["name"] == "Young Hest"
    added = await api.designer.post("/v1/lore/entities", json={"name": "Mott", "kind": "person"})
    assert added.status_code == 201
    taken = await api.designer.post("/v1/lore/entities", json={"name": "Mott", "kind": "person"})
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")
    assert (await api.designer.delete(address)).status_code == 204
    names = [e["name"] for e in (await api.designer.get("/v1/lore/entities")).json()["items"]]
    assert "Young Hest" not in names
    assert "Mott" in names


async def test_documents_that_cannot_be_read_are_refused(api: Api) -> None:
    wrong: list[tuple[bytes, dict[str, str], int]] = [
        (b"\x89PNG\r\n\x1a\n....", {"name": "a.md"}, 422),
        (b"---\ntitle: [\n---\n# x", {"name": "a.md"}, 422),
        (b"# x", {}, 422),
        (b"x" * (5 * 1024 * 1024 + 1), {"name": "a.md"}, 413),
    ]
    for content, params, status in wrong:
        answer = await api.designer.post(
            "/v1/lore/documents",
            params=params,
            content=content,
            headers={"Content-Type": "text/markdown"},
        )
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    for charset in ("nonsense", "rot13", "hex", "zip", "punycode", "idna", "undefined"):
        odd = {"Content-Type": f"text/markdown; charset={charset}"}
        answer = await api.designer.post(
            "/v1/lore/documents?name=a.md", content=b"# x", headers=odd
        )
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert (await api.designer.get("/v1/lore/documents")).json()["items"] == []


async def test_a_document_is_read_by_the_charset_that_it_names(api: Api) -> None:
    sent = {
        "windows-1252": "# Café".encode("cp1252"),
        "Shift-JIS": "# 灯台".encode("shift_jis"),
        "utf-16le": "# Café".encode("utf-16-le"),
        # Half of a pair is no character, and no document keeps it.
        "utf-7": b"# Caf+AOk- +2AA-",
    }
    titles = []
    for charset, content in sent.items():
        answer = await api.designer.post(
            "/v1/lore/documents",
            params={"name": f"{charset}.md"},
            content=content,
            headers={"Content-Type": f"text/markdown; charset={charset}"},
        )
        assert answer.status_code == 202, answer.text
        titles.append(answer.json()["document"]["title"])
    assert titles == ["Café", "灯台", "Café", "Café ?"]


async def test_the_longest_names_are_paged_over(api: Api) -> None:
    # A character beyond the first plane takes four bytes of a cursor.
    first, second = "𠀀", "𠀁"
    for name in (first * 300, second * 300):
        posted = {"name": name, "markdown": "# x"}
        answer = await api.designer.post("/v1/lore/documents", json=posted)
        assert answer.status_code == 202, answer.text
    for name in (first * 200, second * 200):
        answer = await api.designer.post("/v1/lore/entities", json={"name": name, "kind": "thing"})
        assert answer.status_code == 201, answer.text
    for path in ("/v1/lore/documents", "/v1/lore/entities"):
        page = (await api.designer.get(path, params={"limit": 1})).json()
        following = await api.designer.get(path, params={"limit": 1, "after": page["next"]})
        assert following.status_code == 200, following.text
        assert page["items"][0]["name"].startswith(first)
        assert following.json()["items"][0]["name"].startswith(second)


@pytest.mark.usefixtures("worker")
async def test_two_worlds_of_two_canons_never_see_each_other(api: Api) -> None:
    await ready(api, "harbour.md", HARBOUR, "sea")
    await ready(api, "desert.md", DESERT, "sand")
    sea = await api.world(name="Sea", canon="sea")
    sand = await api.world(name="Sand", canon="sand")
    assert [f["name"] for f in sea["factions"]] == ["Lantern Guild"]
    assert [f["name"] for f in sand["factions"]] == ["Salt Court"]
    assert sand["weather"] == {}
    await api.player(sea["world_id"], "mara")
    await api.player(sand["world_id"], "ada")

    for world, player, document in ((sea, "mara", "harbour.md"), (sand, "ada", "desert.md")):
        params = {"q": "ferry", "world_id": world["world_id"], "player_id": player}
        hits = (await api.game.get("/v1/lore/search", params=params)).json()["hits"]
        assert {hit["document"] for hit in hits} == {document}
        # A player is found without its world where only one world has it.
        hits = (
            await api.game.get("/v1/lore/search", params={"q": "ferry", "player_id": player})
        ).json()["hits"]
        assert {hit["document"] for hit in hits} == {document}
    strangers = {"q": "ferry", "world_id": sea["world_id"], "player_id": "ada"}
    assert (await api.game.get("/v1/lore/search", params=strangers)).status_code == 404
    other_canon = {"q": "ferry", "world_id": sea["world_id"], "canon": "sand"}
    assert (await api.game.get("/v1/lore/search", params=other_canon)).status_code == 422
    foreign = {"q": "ferry", "world_id": sea["world_id"], "document": "desert.md"}
    assert (await api.game.get("/v1/lore/search", params=foreign)).status_code == 404

    quest = await api.quest(sand["world_id"], "ada")
    offered = await api.until_state(quest["quest_id"], "offered")
    assert "Hest" not in str(offered)
    assert (await api.game.get(f"/v1/worlds/{sea['world_id']}/players/ada")).status_code == 404
    assert (await api.game.get(f"/v1/worlds/{sea['world_id']}/quests")).json()["items"] == []
    told = (await api.game.get(f"/v1/worlds/{sea['world_id']}/chronicle")).json()["items"]
    assert [entry["kind"] for entry in told] == ["world.created", "player.created"]


async def test_secrets_are_told_to_those_who_know_and_to_designers(api: Api, worker: None) -> None:
    await ready(api, "drowned.md", DROWNED)
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    params = {"q": "what does the ferry carry", "world_id": world_id, "player_id": "mara"}
    assert (await api.game.get("/v1/lore/search", params=params)).json()["hits"] == []
    assert (await api.designer.get("/v1/lore/search", params=params)).json()["hits"] == []
    assert (await api.designer.get("/v1/lore/search?q=ferry")).json()["hits"]
    async with api.parts.store.transaction() as tx:
        await learn(tx, WorldId(world_id), PlayerId("mara"), FactId("ferry_truth"), "test")
    assert (await api.game.get("/v1/lore/search", params=params)).json()["hits"]


async def test_the_canon_of_the_address_is_the_canon_that_is_meant(api: Api) -> None:
    body = {"name": "well.md", "markdown": DESERT}
    posted = await api.designer.post("/v1/lore/documents", params={"canon": "sea"}, json=body)
    assert posted.status_code == 202, posted.text
    path = f"/v1/lore/documents/{posted.json()['document_id']}"
    assert (await api.designer.get(path)).json()["canon"] == "sea"
    assert (await api.designer.get(path, params={"canon": "sea"})).status_code == 200
    assert (await api.designer.get(path, params={"canon": "default"})).status_code == 404
    assert (await api.designer.delete(path, params={"canon": "default"})).status_code == 404
    both = await api.designer.post(
        "/v1/lore/documents", params={"canon": "sea"}, json={**body, "canon": "default"}
    )
    assert both.status_code == 422
    listed = await api.designer.get("/v1/lore/documents", params={"canon": "default"})
    assert listed.json()["items"] == []


@pytest.mark.usefixtures("worker")
async def test_an_alias_that_only_a_secret_tells_finds_nobody(api: Api) -> None:
    await ready(api, "harbour.md", HARBOUR)
    secret = DROWNED.replace(
        "fact: ferry_truth",
        "fact: ferry_truth\nentities:\n  - {name: Old Hest, kind: person, aliases: [Drowned King]}",
    ).replace("The ferry carries", "Old Hest, the Drowned King, carries")
    await ready(api, "drowned.md", secret)
    by_alias = {"name": "Drowned King"}
    found = await api.designer.get("/v1/lore/entities", params=by_alias)
    assert [entity["name"] for entity in found.json()["items"]] == ["Old Hest"]
    hidden = await api.game.get("/v1/lore/entities", params=by_alias)
    assert hidden.json()["items"] == []
