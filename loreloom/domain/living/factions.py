"""What factions do with a day: each takes one act, by its goals, its means and its relations."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random

from loreloom.domain.living.content import FactionContent, Goal, LifeContent
from loreloom.domain.living.world import (
    ALLIED,
    FEUDING,
    Faction,
    Happening,
    HappeningKind,
    LivingWorld,
    bounded,
    pair,
)

REST = 20
"""Weight of a day on which a faction does nothing worth a word."""

MOST = 100
TIRED = 30
"""Wealth or strength below which a faction thinks of itself first."""

ENOUGH, RESTED = 60, 75
"""Strength that a faction needs to reach for more land, and that it comes to by waiting."""

COOLING = 3
"""Days after which regard goes a step back to what it was at first."""

CALMING = 6
"""Trouble that passes in a day."""


@dataclass(slots=True)
class Board:
    """The world while a day is being lived: what it becomes."""

    content: LifeContent
    day: int
    chance: Random
    factions: dict[str, Faction]
    held: dict[str, str]
    regard: dict[str, int]
    trouble: dict[str, int]
    wants: Mapping[str, Mapping[Goal, int]]
    told: list[Happening]

    def between(self, one: str, other: str) -> int:
        return self.regard[pair(one, other)]

    def think(self, one: str, other: str, change: int) -> None:
        both = pair(one, other)
        self.regard[both] = bounded(self.regard[both] + change, -100, 100)

    def gain(self, name: str, wealth: int = 0, strength: int = 0) -> None:
        had = self.factions[name]
        self.factions[name] = Faction(
            bounded(had.wealth + wealth, 0, MOST), bounded(had.strength + strength, 0, MOST)
        )

    def disturb(self, region: str | None, trouble: int) -> None:
        if region is not None:
            self.trouble[region] = bounded(self.trouble[region] + trouble, 0, 100)

    def lands(self, *factions: str) -> list[str]:
        return [region for region, holder in self.held.items() if holder in factions]

    def somewhere(self, *factions: str) -> str | None:
        """A region of one of these; without any, a region where anybody meets."""
        lands = self.lands(*factions) or list(self.held)
        return self.chance.choice(lands) if lands else None

    def happened(
        self,
        kind: HappeningKind,
        who: tuple[str, ...],
        region: str | None,
        told: str,
        why: str,
        weight: int,
    ) -> None:
        self.told.append(Happening(self.day, kind, who, region, told, why, weight))


Act = Callable[[Board, FactionContent], None]


def faction_day(world: LivingWorld, content: LifeContent, day: int, chance: Random) -> Board:
    """The day of all factions, in an order of its own each day, so that none is always first."""
    board = Board(
        content=content,
        day=day,
        chance=chance,
        factions=dict(world.factions),
        held=dict(world.held),
        regard=dict(world.regard),
        trouble={region: max(0, much - CALMING) for region, much in world.trouble.items()},
        wants={faction.name: world.wants(faction) for faction in content.factions},
        told=[],
    )
    order = list(content.factions)
    chance.shuffle(order)
    for faction in order:
        act = _choice(board, faction)
        if act is not None:
            act(board, faction)
    _settle(board)
    return board


def _choice(board: Board, faction: FactionContent) -> Act | None:
    means, goals = board.factions[faction.name], board.wants[faction.name]
    tired = means.wealth < TIRED or means.strength < TIRED
    weights: list[tuple[Act | None, int]] = [
        (None, REST),
        (_trade, 2 + 2 * goals.get(Goal.PROSPER, 0)),
        (_ally, 1 + goals.get(Goal.PEACE, 0)),
        (_recover, 1 + goals.get(Goal.ENDURE, 0) + (12 if tired else 0)),
    ]
    if not tired:
        weights.append((_feud, goals.get(Goal.REVENGE, 0)))
    if means.strength >= ENOUGH:
        weights.append((_expand, goals.get(Goal.LAND, 0)))
    acts = [act for act, _ in weights]
    return board.chance.choices(acts, [weight for _, weight in weights])[0]


def _trade(board: Board, faction: FactionContent) -> None:
    one = faction.name
    other = _best(board, one, (o for o in _others(board, one) if board.between(one, o) > FEUDING))
    if other is None:
        return
    gain = board.chance.randint(2, 5)
    board.gain(one, wealth=gain)
    board.gain(other, wealth=gain)
    board.think(one, other, board.chance.randint(1, 3))
    region = board.somewhere(one, other)
    board.happened(
        HappeningKind.TRADED,
        (one, other),
        region,
        f"{one} and {other} have struck a bargain",
        f"{one} wants to prosper and thinks well of {other}",
        10 + 2 * gain,
    )


def _ally(board: Board, faction: FactionContent) -> None:
    one = faction.name
    friends = (o for o in _others(board, one) if 0 <= board.between(one, o) < 90)
    other = _best(board, one, friends)
    if other is None:
        return
    before = board.between(one, other)
    board.think(one, other, board.chance.randint(5, 10))
    board.gain(one, strength=1)
    board.gain(other, strength=1)
    new = before < ALLIED <= board.between(one, other)
    board.happened(
        HappeningKind.ALLIED,
        (one, other),
        board.somewhere(one, other),
        f"{one} and {other} now stand together" if new else f"{one} courts {other}",
        f"{one} wants peace and has no quarrel with {other}",
        70 if new else 25,
    )


def _feud(board: Board, faction: FactionContent) -> None:
    one = faction.name
    enemies = [o for o in _others(board, one) if board.between(one, o) < -10]
    if not enemies:
        return
    other = min(enemies, key=lambda o: (board.between(one, o), o))
    before = board.between(one, other)
    board.think(one, other, -board.chance.randint(4, 9))
    board.gain(one, wealth=-board.chance.randint(1, 4), strength=-board.chance.randint(2, 6))
    board.gain(other, wealth=-board.chance.randint(1, 4), strength=-board.chance.randint(2, 6))
    region = board.somewhere(other)
    board.disturb(region, 30)
    new = before > FEUDING >= board.between(one, other)
    where = f" in {region}" if region else ""
    told = "are now open enemies" if new else f"have fallen out{where}"
    board.happened(
        HappeningKind.FEUDED,
        (one, other),
        region,
        f"{one} and {other} {told}",
        f"{one} has an old score to settle with {other}",
        75 if new else 45,
    )


def _expand(board: Board, faction: FactionContent) -> None:
    one = faction.name
    seats = board.content.seats
    open_to = [
        region
        for region, holder in board.held.items()
        if holder != one
        and region not in seats
        and (not holder or board.between(one, holder) < ALLIED // 2)
    ]
    if not open_to:
        return
    region = min(open_to, key=lambda r: (_resistance(board, one, board.held[r]), r))
    holder = board.held[region]
    mine = board.factions[one].strength
    theirs = board.factions[holder].strength if holder else 10
    won = board.chance.randrange(mine + 2 * theirs + 20) < mine
    board.gain(one, wealth=-4, strength=-board.chance.randint(8, 14))
    board.disturb(region, 55 if won else 35)
    if holder:
        board.gain(holder, strength=-board.chance.randint(4, 8))
        board.think(one, holder, -board.chance.randint(12, 20))
    who = (one, holder) if holder else (one,)
    whose = f" from {holder}" if holder else ""
    why = f"{one} wants land and is stronger than it was"
    if won:
        board.held[region] = one
        told = f"{one} has taken {region}{whose}"
        board.happened(HappeningKind.EXPANDED, who, region, told, why, 90)
    else:
        told = f"{one} reached for {region} and was turned away"
        board.happened(HappeningKind.REPELLED, who, region, told, why, 60)


def _recover(board: Board, faction: FactionContent) -> None:
    lands = len(board.lands(faction.name))
    rested = board.chance.randint(4, 8) if board.factions[faction.name].strength < ENOUGH else 0
    board.gain(faction.name, wealth=3 + lands, strength=rested)
    board.happened(
        HappeningKind.RECOVERED,
        (faction.name,),
        board.somewhere(faction.name),
        f"{faction.name} keeps to itself and mends its affairs",
        f"{faction.name} has little left to act with",
        5,
    )


def _settle(board: Board) -> None:
    """What every day does: land pays, strength and wealth cost, and old opinions come back."""
    for faction in board.content.factions:
        means = board.factions[faction.name]
        upkeep = means.strength // 50 + means.wealth // 25
        income = len(board.lands(faction.name)) + 1 - upkeep
        board.gain(faction.name, income, board.day % 2 if means.strength < RESTED else 0)
    if board.day % COOLING == 0:
        names = [faction.name for faction in board.content.factions]
        for number, one in enumerate(names):
            for other in names[number + 1 :]:
                both = pair(one, other)
                first = board.content.regard_at_first(one, other)
                away = first - board.regard[both]
                if away:
                    board.regard[both] += (
                        max(1, away // 12) if away > 0 else min(-1, -(-away // 12))
                    )


def _others(board: Board, one: str) -> Iterable[str]:
    return (faction.name for faction in board.content.factions if faction.name != one)


def _best(board: Board, one: str, others: Iterable[str]) -> str | None:
    """One of these that the faction thinks well of: not always the same."""
    known = list(others)
    if not known:
        return None
    return board.chance.choices(known, [10 + max(0, board.between(one, o)) for o in known])[0]


def _resistance(board: Board, one: str, holder: str) -> int:
    return board.factions[holder].strength + board.between(one, holder) if holder else 0
