"""Arcs are found by what their definitions speak of, and by when they began and moved."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loreloom.api.starting import arc_start
from loreloom.content.arc_files import arc_files, read_arc
from loreloom.domain.arc import ArcDefinition
from loreloom.domain.ids import ArcId, WorldId
from loreloom.state import arcs, worlds
from loreloom.state.arc_search import ArcFilter, list_arcs
from loreloom.state.store import Store
from loreloom.workers.settings import PROJECT
from tests.arcs.builders import an_arc, to
from tests.builders import a_world_record

WORLD = WorldId("world")
NAMED = frozenset({"giver", "who", "region"})
NAMING = frozenset({"standing", "factions", "remembered"})
FOG = {"region": "Made There", "state": "fog", "hours": 1}
AWAITED: dict[str, Any] = {
    "standing": {"Awaited": 1},
    "weather": {"region": "Awaited There", "state": ["fog"]},
}
ASKED: dict[str, Any] = {
    "standing": {"Asked": 1},
    "weather": {"region": "Asked There", "state": ["fog"]},
}
# Each name in one place alone, so that no place is found by another.
EVERYWHERE = an_arc(
    {
        "first": {
            "kind": "tell",
            "text": "Something is said.",
            "brief": {"theme": "it", "who": "Teller", "region": "Told There"},
            "next": [to("errand", **ASKED)],
        },
        "errand": {
            "kind": "quest",
            "brief": {"theme": "it", "giver": "Giver", "region": "Played There"},
            "next": [to("change")],
        },
        "change": {
            "kind": "change",
            "weather": FOG,
            "standing": {"Liked": 1},
            "factions": {"Moved": {"wealth": 1}},
            "remembered": {"Rememberer": "took_part"},
            "next": [to("wait")],
        },
        "wait": {"kind": "wait", "until": {"when": AWAITED}, "next": [to("end")]},
    },
    arc="everywhere",
)
DEFINITIONS = [EVERYWHERE, *map(read_arc, arc_files(PROJECT / "content" / "arcs"))]


@pytest.fixture
async def told(store: Store) -> Store:
    """A world with an arc of each definition, of the whole world's."""
    await worlds.create_world(store, a_world_record(WORLD))
    for definition in DEFINITIONS:
        arc_id = ArcId(f"arc_{definition.arc}")
        async with store.transaction() as tx:
            start = arc_start(arc_id, WORLD, None, definition)
            await arcs.create_arc(tx, arc_id, WORLD, None, definition, start)
    return store


async def found(store: Store, **wanted: Any) -> set[str]:
    """The names of the arcs that fit."""
    page = await list_arcs(store, WORLD, ArcFilter(**wanted), after=None, limit=50)
    return {arc.definition.arc for arc in page.items}


def names_in(part: object, *, only: frozenset[str] = NAMED | NAMING) -> Iterator[str]:
    """Every name that a definition gives anywhere, as its JSON has it."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in only & NAMED and isinstance(value, str):
                yield value
            elif key in only & NAMING and isinstance(value, dict):
                yield from value
            yield from names_in(value, only=only)
    elif isinstance(part, list):
        for each in part:
            yield from names_in(each, only=only)


def speaking_of(name: str, only: frozenset[str] = NAMED | NAMING) -> set[str]:
    return {each.arc for each in DEFINITIONS if name in names_in(_beats(each), only=only)}


def _beats(definition: ArcDefinition) -> object:
    return definition.model_dump(mode="json")["beats"]


async def test_an_arc_is_found_by_every_name_that_its_beats_speak_of(told: Store) -> None:
    everything = [_beats(each) for each in DEFINITIONS]
    names = set(names_in(everything))
    assert len(names) > 12
    for name in names:
        assert await found(told, entity=name) == speaking_of(name), name
    regions = set(names_in(everything, only=frozenset({"region"})))
    assert regions
    for region in regions:
        assert await found(told, region=region) == speaking_of(region, frozenset({"region"}))
    assert await found(told, entity="Nobody") == await found(told, region="Nowhere") == set()


async def test_an_arc_is_found_by_its_name_and_its_time(told: Store) -> None:
    everyone = {each.arc for each in DEFINITIONS}
    before, after = (datetime.now(UTC) + timedelta(hours=n) for n in (-1, 1))
    assert await found(told) == everyone
    assert await found(told, arc="the-two-copies") == {"the-two-copies"}
    assert await found(told, since=before, until=after, moved_since=before) == everyone
    for bound in ({"since": after}, {"until": before}, {"moved_since": after}):
        assert await found(told, **bound) == set()
