"""What a game reads of a living world, and quests that what happened there has made."""

from typing import Any

import pytest
from sqlalchemy import text

from loreloom.api.http.cursors import to_cursor
from loreloom.domain.calendar import Calendar
from loreloom.domain.ids import FactId, PlayerId, WorldId
from loreloom.domain.living.memories import Deed
from loreloom.state import facts, life, memories, openings, worlds
from tests.life.worlds import example
from tests.support.serving import Api


async def living(api: Api, days: int) -> dict[str, Any]:
    """A world of the example content that has lived some days, with the player mara."""
    world = await api.world(seed=9, templates_only=True)
    await api.player(world["world_id"])
    await live(api, world["world_id"], days)
    return world


async def live(api: Api, world_id: str, days: int) -> None:
    """Live up to a day, one after the other, with the clock set to the last."""
    store = api.parts.store
    seconds = Calendar().seconds_per_day * days + 3600
    async with store.transaction() as tx:
        await tx.run(
            text(
                "UPDATE worlds SET game_anchor = :seconds, clock_anchor = now(), paused = true"
                " WHERE world_id = :world"
            ),
            {"seconds": seconds, "world": world_id},
        )
    world = await worlds.find_world(store, WorldId(world_id))
    assert world is not None
    for day in range(1, days + 1):
        await life.live_next_day(store, world, example(), day)


async def test_factions_prices_rumours_and_facts_can_be_read(api: Api) -> None:
    world = await living(api, 40)
    path = f"/v1/worlds/{world['world_id']}"
    factions = (await api.game.get(f"{path}/factions")).json()
    assert factions["day"] == 40
    by_name = {faction["name"]: faction for faction in factions["items"]}
    assert set(by_name) == {faction.name for faction in example().factions}
    held = [region for faction in factions["items"] for region in faction["holds"]]
    assert sorted(held) == sorted(example().regions)
    one, other = "House Quillaine", "House Vaskerrin"
    assert by_name[one]["relations"][other] == by_name[other]["relations"][one]
    prices = (await api.game.get(f"{path}/regions/Cloth Reach/prices")).json()
    assert {"bread", "wool"} <= {item["good"] for item in prices["items"]}
    assert all(item["price"] > 0 for item in prices["items"])
    first = (await api.game.get(f"{path}/rumours?limit=1")).json()
    assert len(first["items"]) == 1
    assert first["next"]
    rest = (await api.game.get(f"{path}/rumours", params={"after": first["next"]})).json()
    days = [rumour["day"] for rumour in [*first["items"], *rest["items"]]]
    assert days == sorted(days, reverse=True)
    assert len({r["rumour_id"] for r in [*first["items"], *rest["items"]]}) == len(days)
    strange = await api.game.get(f"{path}/rumours", params={"after": to_cursor("rumours", "3.1")})
    assert strange.status_code == 422
    here = (await api.game.get(f"{path}/rumours?region=Staithe Side")).json()["items"]
    assert all("Staithe Side" in rumour["regions"] for rumour in here)
    page = (await api.game.get(f"{path}/facts?limit=2")).json()
    more = (await api.game.get(f"{path}/facts", params={"after": page["next"]})).json()
    so = {fact["fact"]: fact for fact in [*page["items"], *more["items"]]}
    assert so["holds.house_quillaine.ledger_terrace"]["text"] == (
        "House Quillaine holds Ledger Terrace."
    )
    assert so["holds.house_quillaine.ledger_terrace"]["source"].startswith("life/")


async def test_a_fact_is_made_known_once_with_its_source(api: Api) -> None:
    world = await living(api, 0)
    path = f"/v1/worlds/{world['world_id']}/facts"
    body = {"fact": "noon_glass_short", "player_id": "mara"}
    made = await api.game.post(path, json=body)
    assert made.status_code == 201
    assert made.json()["text"] == "Two of the three glasses of the Common Three are false."
    assert made.json()["source"].startswith("api/")
    again = await api.designer.post(path, json=body)
    assert again.json()["source"] == made.json()["source"], "the first stands"
    mine = (await api.game.get(f"{path}?player_id=mara")).json()["items"]
    assert "noon_glass_short" in {fact["fact"] for fact in mine}
    everyones = (await api.game.get(path)).json()["items"]
    assert "noon_glass_short" not in {fact["fact"] for fact in everyones}
    told = (
        await api.game.get(f"/v1/worlds/{world['world_id']}/chronicle?kind=fact.learned")
    ).json()
    assert [entry["data"]["fact"] for entry in told["items"]] == ["noon_glass_short"]
    refused = await api.game.post(path, json={"fact": "no spaces please"})
    assert refused.status_code == 422
    assert (await api.game.post(path, json={**body, "player_id": "nobody"})).status_code == 404


async def test_a_character_has_a_place_a_mood_and_memories(api: Api) -> None:
    world = await living(api, 3)
    path = f"/v1/worlds/{world['world_id']}/characters"
    hetty = (await api.game.get(f"{path}/Hetty Marchbank?player_id=mara")).json()
    assert hetty["place"] in ("Marchbank's Bakery", "Tenpenny Steps")
    assert -100 <= hetty["mood"] <= 100
    assert hetty["memories"] == []
    assert (await api.game.get(f"{path}/Nobody")).json()["code"] == "unknown_character"
    assert (await api.game.get(f"{path}/Hetty Marchbank?player_id=who")).status_code == 404
    elsewhere = await api.world(canon="other", regions=["Cloth Reach"])
    there = f"/v1/worlds/{elsewhere['world_id']}"
    assert (await api.game.get(f"{there}/factions")).json()["items"] == []
    assert (await api.game.get(f"{there}/characters/Hetty Marchbank")).status_code == 404


@pytest.mark.usefixtures("lore", "worker")
async def test_a_quest_for_nothing_in_particular_is_about_what_just_happened(api: Api) -> None:
    world = await living(api, 40)
    world_id = WorldId(world["world_id"])
    offers = await openings.open_to(api.parts.store, world_id, PlayerId("mara"), 40)
    assert offers, "the seed of the test makes work within forty days"
    asked = await api.quest(world_id)
    quest = await api.until_state(asked["quest_id"], "offered")
    history = (await api.designer.get(f"/v1/quests/{asked['quest_id']}/history")).json()
    occasion = history["request"]["occasion"]
    opening = next(o for o in offers if o.opening_id == occasion["opening_id"])
    assert quest["giver"] == opening.giver
    assert quest["region"] == opening.region
    assert occasion["reason"] == opening.reason
    assert opening.reason in history["request"]["theme"]
    requested = history["steps"][0]
    assert requested["kind"] == "quest.requested"
    assert opening.giver in requested["told"]
    assert opening.reason in requested["told"]
    await api.game.post(f"/v1/quests/{asked['quest_id']}/abandon")
    for _ in range(len(offers)):
        await api.quest(world_id)
    listed = (await api.designer.get(f"/v1/worlds/{world_id}/quests?player_id=mara")).json()
    histories = [
        (await api.designer.get(f"/v1/quests/{q['quest_id']}/history")).json()
        for q in listed["items"]
    ]
    taken = [h["request"]["occasion"]["opening_id"] for h in histories if h["request"]["occasion"]]
    assert len(taken) == len(set(taken)), "no opening makes two quests"
    own = await api.quest(world_id, region="Cloth Reach")
    history = (await api.designer.get(f"/v1/quests/{own['quest_id']}/history")).json()
    assert history["request"]["occasion"] is None, "who says what it is about is heard"


@pytest.mark.usefixtures("lore", "worker")
async def test_a_giver_remembers_how_a_quest_ended_once(api: Api) -> None:
    world = await living(api, 0)
    world_id, mara = WorldId(world["world_id"]), PlayerId("mara")
    asked = await api.quest(world_id, giver="Hetty Marchbank")
    quest = await api.until_state(asked["quest_id"], "offered")
    await api.game.post(f"/v1/quests/{asked['quest_id']}/abandon")
    remembered = await memories.memories_of(api.parts.store, world_id, "Hetty Marchbank", mara)
    assert [(m.deed, m.about) for m in remembered] == [(Deed.REFUSED, quest["title"])]
    second = await api.quest(world_id, giver="Hetty Marchbank")
    await api.until_state(second["quest_id"], "offered")
    await api.game.post(f"/v1/quests/{second['quest_id']}/accept")
    await api.game.post(f"/v1/quests/{second['quest_id']}/abandon")
    path = f"/v1/worlds/{world_id}/characters/Hetty Marchbank?player_id=mara"
    hetty = (await api.game.get(path)).json()
    assert [m["deed"] for m in hetty["memories"]] == ["gave_up", "refused"]
    other = f"/v1/worlds/{world_id}/characters/Wilf Ganderly?player_id=mara"
    assert (await api.game.get(other)).json()["memories"] == []


async def test_facts_of_a_player_open_what_only_they_may_hear(api: Api) -> None:
    world = await living(api, 1)
    world_id = WorldId(world["world_id"])
    await facts.make_known(
        api.parts.store, world_id, PlayerId("mara"), FactId("lease_already_ended"), "arc/one"
    )
    record = await worlds.find_world(api.parts.store, world_id)
    assert record is not None
    around = await worlds.surroundings(api.parts.store, record, PlayerId("mara"), None)
    assert {"lease_already_ended", "holds.house_quillaine.ledger_terrace"} <= around.facts
