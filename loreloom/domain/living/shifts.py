"""What a story changes of factions: what they have, how they regard each other, what they hold."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from loreloom.domain.living.content import Goal
from loreloom.domain.living.world import Faction, LivingWorld, bounded, pair

MOST_GOAL = 10
"""The greatest weight of a goal; at 0 a faction does not have it."""

Hundred = Annotated[int, Field(ge=-100, le=100)]
Two = Annotated[int, Field(ge=-200, le=200)]
Ten = Annotated[int, Field(ge=-MOST_GOAL, le=MOST_GOAL)]


class FactionShift(BaseModel):
    """What is added to a faction; each sum stays within its bounds.

    ``regards`` is between it and another, for both alike. ``takes`` are regions that it holds from
    now on, ``leaves`` such as it gives up, if it holds them. A seat stays with its faction.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    wealth: Hundred = 0
    strength: Hundred = 0
    regards: dict[str, Two] = Field(default_factory=dict)
    goals: dict[Goal, Ten] = Field(default_factory=dict)
    takes: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_dump(exclude_defaults=True):
            raise ValueError("a shift of a faction changes something")
        if set(self.takes) & set(self.leaves):
            raise ValueError("a faction takes and leaves the same region")
        return self


class CannotShift(Exception):
    """A shift that the world does not allow."""


class UnknownInWorld(CannotShift):
    """A shift speaks of a faction or region that the world lacks; ``name`` is what is missing."""

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"the world has no {what} {name!r}")
        self.name = name


class SeatStays(CannotShift):
    """A shift would take a faction's seat from it; ``seat`` is the region."""

    def __init__(self, seat: str, faction: str) -> None:
        super().__init__(f"{seat!r} is the seat of {faction!r}, which nobody can take from it")
        self.seat = seat


def shifted(
    world: LivingWorld, shifts: Mapping[str, FactionShift], seats: Mapping[str, str]
) -> LivingWorld:
    """The world with the shifts, by faction; ``seats`` gives each seat's faction.

    Raises ``CannotShift``.
    """
    _require_known(world, shifts)
    for seat in lost_seats(shifts, seats):
        raise SeatStays(seat, seats[seat])
    factions, regard, held = dict(world.factions), dict(world.regard), dict(world.held)
    goals = {name: dict(leaning) for name, leaning in world.goals.items()}
    for name, shift in shifts.items():
        had = factions[name]
        factions[name] = Faction(
            bounded(had.wealth + shift.wealth, 0, 100),
            bounded(had.strength + shift.strength, 0, 100),
        )
        for other, change in shift.regards.items():
            both = pair(name, other)
            regard[both] = bounded(regard[both] + change, -100, 100)
        for goal, change in shift.goals.items():
            leaning = goals.setdefault(name, {})
            leaning[goal] = bounded(leaning.get(goal, 0) + change, -MOST_GOAL, MOST_GOAL)
        held |= {region: "" for region in shift.leaves if held[region] == name}
        held |= dict.fromkeys(shift.takes, name)
    return replace(world, factions=factions, regard=regard, held=held, goals=goals)


def named_factions(shifts: Mapping[str, FactionShift]) -> tuple[str, ...]:
    """Every faction that the shifts name."""
    return (*shifts, *(other for shift in shifts.values() for other in shift.regards))


def named_regions(shifts: Mapping[str, FactionShift]) -> tuple[str, ...]:
    """Every region that the shifts name."""
    return tuple(region for s in shifts.values() for region in (*s.takes, *s.leaves))


def lost_seats(shifts: Mapping[str, FactionShift], seats: Mapping[str, str]) -> tuple[str, ...]:
    """Every seat that the shifts would take from its faction, or have it leave."""
    return tuple(
        seat
        for seat, owner in seats.items()
        if any(seat in shift.takes and name != owner for name, shift in shifts.items())
        or (owner in shifts and seat in shifts[owner].leaves)
    )


def _require_known(world: LivingWorld, shifts: Mapping[str, FactionShift]) -> None:
    for faction in named_factions(shifts):
        if faction not in world.factions:
            raise UnknownInWorld("faction", faction)
    for region in named_regions(shifts):
        if region not in world.held:
            raise UnknownInWorld("region", region)
