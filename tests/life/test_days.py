"""What a world does by itself: the same for the same seed, and never out of bounds."""

import time
from collections import Counter
from hashlib import sha256
from random import Random

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from loreloom.domain.canon import EntityKind
from loreloom.domain.ids import FactId
from loreloom.domain.living import aftermath, characters, markets
from loreloom.domain.living.content import LifeContent
from loreloom.domain.living.day import live_day
from loreloom.domain.living.world import (
    Faction,
    Happening,
    HappeningKind,
    LivingWorld,
    Market,
    beginning,
    fitted,
    usual_stock,
)
from tests.life.worlds import CONTENT, example, large, lived, season_of

DECADE = 3650


def _hash_of_decade(seed: int) -> str:
    content, digest = example(), sha256()
    world = beginning(content)
    for day in range(1, DECADE + 1):
        world, happened = live_day(world, day, seed, content, season_of(day))
        digest.update(repr((world, happened)).encode())
    return digest.hexdigest()


def test_the_same_seed_gives_the_same_decade_and_another_another() -> None:
    first = _hash_of_decade(412)
    assert _hash_of_decade(412) == first
    assert _hash_of_decade(413) != first


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**63 - 1), factions=st.integers(1, 6), regions=st.integers(1, 9))
def test_nothing_is_ever_out_of_bounds(seed: int, factions: int, regions: int) -> None:
    content = large(min(factions, regions), regions, 12)
    world = beginning(content)
    for day in range(1, 200):
        world, happened = live_day(world, day, seed, content, season_of(day))
        _sound(world, content)
        for happening in happened:
            assert happening.told
            assert happening.why
            assert 0 <= happening.weight <= 100
            assert happening.region in content.regions
            assert set(happening.who) <= set(world.factions)


def _sound(world: LivingWorld, content: LifeContent) -> None:
    assert tuple(world.held) == content.regions, "each region has one holder, and none is lost"
    assert set(world.held.values()) <= {*world.factions, ""}
    assert {f.seat: f.name for f in content.factions if f.seat}.items() <= world.held.items()
    for faction in world.factions.values():
        assert 0 <= faction.wealth <= 100
        assert 0 <= faction.strength <= 100
    assert all(-100 <= regard <= 100 for regard in world.regard.values())
    assert all(world.between(a, b) == world.between(b, a) for a, b in _pairs(world))
    assert all(0 <= trouble <= 100 for trouble in world.trouble.values())
    assert all(-100 <= mood <= 100 for mood in world.moods.values())
    goods = {good.name: good for good in content.goods}
    for stalls in world.markets.values():
        for name, market in stalls.items():
            assert market.stock >= 0
            assert markets.LEAST <= market.level <= markets.MOST
            assert markets.price_of(goods[name], market) >= 1


def _pairs(world: LivingWorld) -> list[tuple[str, str]]:
    names = list(world.factions)
    return [(a, b) for number, a in enumerate(names) for b in names[number + 1 :]]


def test_prices_come_back_to_the_usual_and_scarcity_makes_them_dear() -> None:
    content = example()
    world, happened = lived(content, 720)
    levels = [m.level for stalls in world.markets.values() for m in stalls.values()]
    assert 700 < sum(levels) / len(levels) < 1400
    kinds = Counter(h.kind for day in happened for h in day)
    assert kinds[HappeningKind.DEAR] > 0
    empty = {r: {g: Market(0, 1000) for g in stalls} for r, stalls in world.markets.items()}
    short = LivingWorld(0, world.factions, world.held, world.regard, empty, world.trouble, {})
    good = next(g for g in content.goods if g.name == "bread")
    shorn = content.model_copy(update={"characters": ()})
    after, _ = live_day(short, 1, 1, shorn, "spring")
    later, _ = live_day(after, 2, 1, shorn, "spring")
    for emptied in (after, later):
        assert all(m.stock >= 0 for stalls in emptied.markets.values() for m in stalls.values())
    region = "Cloth Reach"
    assert markets.price_of(good, later.markets[region]["bread"]) > good.price
    full = {
        r: {g: Market(4 * m.stock + usual_stock(30), 1000) for g, m in stalls.items()}
        for r, stalls in world.markets.items()
    }
    glut = LivingWorld(0, world.factions, world.held, world.regard, full, world.trouble, {})
    cheap, _ = live_day(glut, 1, 1, shorn, "spring")
    assert cheap.markets[region]["bread"].level < 1000


def test_every_kind_of_act_happens_in_the_example_world_and_few_are_told() -> None:
    content = example()
    world, happened = beginning(content), Counter[HappeningKind]()
    told = whispered = opened = 0
    givers = Counter[str]()
    for day in range(1, 361):
        world, today = live_day(world, day, 9, content, season_of(day))
        after = aftermath.aftermath_of(world, today, 9, content)
        happened.update(h.kind for h in today)
        told += len(after.told)
        whispered += len(after.rumours)
        opened += len(after.openings)
        givers.update(opening.giver for opening in after.openings)
        assert len(after.told) <= aftermath.TOLD_A_DAY
        for rumour in after.rumours:
            assert rumour.regions
            assert rumour.until_day > rumour.day == day
    assert set(happened) == set(HappeningKind)
    assert 36 < told < 360, "something notable every few days, and never a flood"
    assert whispered > told
    assert opened > 36
    assert len(givers) > 10
    assert set(givers) <= {c.name for c in content.characters}


def test_land_changes_hands_and_the_facts_say_whose_it_is() -> None:
    content = example()
    world = beginning(content)
    before = aftermath.facts_of(world, content)
    assert (
        before[FactId("holds.shutter_watch.tenpenny_steps")]
        == "Shutter Watch holds Tenpenny Steps."
    )
    for day in range(1, 1000):
        world, today = live_day(world, day, 3, content, season_of(day))
        taken = [h for h in today if h.kind is HappeningKind.EXPANDED]
        if taken:
            break
    else:
        pytest.fail("no land changed hands in a thousand days")
    facts = aftermath.facts_of(world, content)
    assert taken[-1].region is not None
    assert aftermath.fact_id("holds", taken[-1].who[0], taken[-1].region) in facts


def test_whatever_comes_to_be_so_is_among_what_can_be() -> None:
    content, so = example(), set[FactId]()
    world = beginning(content)
    for day in range(1, 361):
        world, _ = live_day(world, day, 7, content, season_of(day))
        so |= set(aftermath.facts_of(world, content))
    assert {fact.split(".")[0] for fact in so} == {"holds", "allied", "feud", "trouble"}
    assert so <= aftermath.lived_facts(content)


def test_what_happens_moves_those_whom_it_touches() -> None:
    content = example()
    world = beginning(content)
    feud = Happening(
        1,
        HappeningKind.FEUDED,
        ("House Quillaine", "House Vaskerrin"),
        "Ledger Terrace",
        "They fell out",
        "an old score",
        45,
    )
    felt = characters.moods_after(world.moods, content.characters, [feud], Random(1))
    calm = characters.moods_after(world.moods, content.characters, [], Random(1))
    worse = {name for name in felt if felt[name] < calm[name]}
    assert {"Hulda Vaskerrin", "Sabeline Quillaine", "Rosamund Teague"} <= worse
    assert "Hetty Marchbank" not in worse


def test_characters_keep_their_days_and_stay_at_home_while_there_is_trouble() -> None:
    content = example()
    world = beginning(content)
    hetty = next(c for c in content.characters if c.name == "Hetty Marchbank")
    assert characters.place_of(hetty, "dawn", world) == "Marchbank's Bakery"
    assert characters.place_of(hetty, "dusk", world) == "Tenpenny Steps"
    troubled = LivingWorld(
        1, world.factions, world.held, world.regard, {}, {"Tenpenny Steps": 80}, world.moods
    )
    assert characters.place_of(hetty, "dawn", troubled) == "Tenpenny Steps"


def test_a_world_goes_on_when_its_content_is_edited() -> None:
    content = example()
    world, _ = lived(content, 30)
    assert fitted(world, content) == world
    gone = content.factions[0].name
    edited = content.model_copy(
        update={
            "factions": tuple(
                f.model_copy(update={"regards": {o: v for o, v in f.regards.items() if o != gone}})
                for f in content.factions[1:]
            ),
            "characters": tuple(c for c in content.characters if c.faction != gone),
        }
    )
    after = fitted(world, edited)
    assert gone not in after.factions
    assert gone not in after.held.values()
    assert after.factions["House Quillaine"] == world.factions["House Quillaine"]
    live_day(after, 31, 1, edited, "summer")
    back = fitted(after, content)
    assert back.factions[gone] == Faction(content.factions[0].wealth, content.factions[0].strength)


def test_a_world_without_the_contents_regions_has_no_life_of_its_own() -> None:
    content = example().within(("Elsewhere",))
    world, happened = live_day(beginning(content), 1, 1, content)
    assert world.day == 1
    assert not happened


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "House Quillaine", "holds": ["Nowhere"]}, "Nowhere"),
        ({"name": "House Quillaine", "regards": {"Nobody": 3}}, "Nobody"),
        ({"name": "House Quillaine", "holds": ["Bellgate Hill"]}, "named twice"),
        ({"name": "House Quillaine", "regards": {"House Ollamby": 3}}, "do not say the same"),
        ({"name": "House Quillaine", "seat": "Black Quays"}, "does not hold its seat"),
    ],
)
def test_content_that_contradicts_itself_is_refused(change: dict[str, object], said: str) -> None:
    content = example().model_dump(mode="json")
    for faction in content["factions"]:
        if faction["name"] == "House Ollamby":
            faction["regards"]["House Quillaine"] = -5
        if faction["name"] == change["name"]:
            faction |= change
    with pytest.raises(ValidationError, match=said):
        LifeContent.model_validate(content)


def test_a_large_world_lives_a_day_in_a_tenth_of_what_was_promised() -> None:
    content = large()
    world = beginning(content)
    started = time.process_time()
    for day in range(1, 6):
        world, _ = live_day(world, day, 1, content, season_of(day))
    assert (time.process_time() - started) / 5 < 0.1


def test_the_contents_names_are_those_of_the_lore() -> None:
    known: dict[str, EntityKind] = {}
    for file in (CONTENT / "lore").glob("*.md"):
        front = yaml.safe_load(file.read_text(encoding="utf-8").split("---\n")[1])
        known |= {e["name"]: EntityKind(e["kind"]) for e in front["entities"]}
    content = example()
    assert {known.get(f.name) for f in content.factions} == {EntityKind.FACTION}
    assert {known.get(c.name) for c in content.characters} == {EntityKind.PERSON}
    places = {p for c in content.characters for p in (c.home, *c.routine.values())}
    assert {place for place in places if known.get(place) is not EntityKind.PLACE} == set()
    for good in content.goods:
        made, wanted = sum(good.makes.values()), sum(good.wants.values())
        assert wanted / 2 <= made <= wanted * 2, f"{good.name} is never in balance"
