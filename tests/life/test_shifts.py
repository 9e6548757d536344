"""What a story changes of factions: within bounds, in a world that knows them, and no seat."""

import pytest
from pydantic import ValidationError

from loreloom.domain.living.content import Goal
from loreloom.domain.living.shifts import (
    CannotShift,
    FactionShift,
    SeatStays,
    UnknownInWorld,
    shifted,
)
from loreloom.domain.living.world import LivingWorld, beginning, pair
from tests.life.worlds import large

CONTENT = large(2, 4, 0)
"""Each of the two has its seat in the region of its own number, and holds one more."""
WORLD = beginning(CONTENT)
ONE, OTHER = "House 0", "House 1"
SEAT, HELD = "Region 0", "Region 2"


def after(**shifts: FactionShift) -> LivingWorld:
    by_name = {name.replace("_", " "): shift for name, shift in shifts.items()}
    return shifted(WORLD, by_name, CONTENT.seats)


def test_what_is_added_stays_within_its_bounds() -> None:
    gain = FactionShift(wealth=100, strength=-100, regards={OTHER: 200}, goals={Goal.LAND: 10})
    world = after(House_0=gain)
    assert (world.factions[ONE].wealth, world.factions[ONE].strength) == (100, 0)
    assert world.regard[pair(ONE, OTHER)] == 100
    assert world.goals[ONE][Goal.LAND] == 10
    assert world.factions[OTHER] == WORLD.factions[OTHER]


def test_a_region_that_is_taken_has_one_holder_and_one_that_is_left_none() -> None:
    taken = after(House_1=FactionShift(takes=(HELD,)))
    assert (WORLD.held[HELD], taken.held[HELD]) == (ONE, OTHER)
    assert after(House_0=FactionShift(leaves=(HELD,))).held[HELD] == ""
    assert after(House_1=FactionShift(leaves=(HELD,))).held == WORLD.held


@pytest.mark.parametrize(
    ("faction", "shift"),
    [(OTHER, FactionShift(takes=(HELD, SEAT))), (ONE, FactionShift(leaves=(SEAT,)))],
)
def test_a_seat_stays_with_its_faction(faction: str, shift: FactionShift) -> None:
    with pytest.raises(SeatStays) as refused:
        shifted(WORLD, {faction: shift}, CONTENT.seats)
    assert refused.value.seat == SEAT
    own = {ONE: FactionShift(takes=(SEAT,))}
    assert shifted(WORLD, own, CONTENT.seats).held == WORLD.held


@pytest.mark.parametrize(
    ("faction", "shift", "missing"),
    [
        ("Nobody", FactionShift(wealth=1), "Nobody"),
        (ONE, FactionShift(regards={"Nobody": 1}), "Nobody"),
        (ONE, FactionShift(takes=("Nowhere",)), "Nowhere"),
        (ONE, FactionShift(leaves=("Nowhere",)), "Nowhere"),
    ],
)
def test_what_the_world_lacks_cannot_shift(faction: str, shift: FactionShift, missing: str) -> None:
    with pytest.raises(UnknownInWorld) as unknown:
        shifted(WORLD, {faction: shift}, CONTENT.seats)
    assert unknown.value.name == missing
    assert isinstance(unknown.value, CannotShift)


def test_a_shift_changes_something_and_contradicts_nothing() -> None:
    for said in ({}, {"takes": (HELD,), "leaves": (HELD,)}):
        with pytest.raises(ValidationError):
            FactionShift.model_validate(said)
