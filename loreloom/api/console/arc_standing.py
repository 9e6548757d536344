"""Where an arc stands, and what would have to hold for each of its ways on."""

from dataclasses import dataclass
from datetime import UTC, datetime

from loreloom.domain.arc import Beat, WaitBeat, at_most_of
from loreloom.domain.arc_walk import ArcProgress, StartedQuest, situated
from loreloom.domain.conditions import Condition, Situation, When, judged
from loreloom.domain.ids import PlayerId
from loreloom.state.arcs import ArcRecord, BeatRecord, GoalRecord
from loreloom.state.facts import facts_of
from loreloom.state.players import find_player
from loreloom.state.quests import ENDED, find_quest
from loreloom.state.store import Store
from loreloom.state.worlds import WorldRecord


@dataclass(frozen=True, slots=True)
class WayOn:
    """A way on from where the arc stands, with each of its conditions as it is now."""

    to: str
    conditions: tuple[Condition, ...]
    priority: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What the present beat waits for, and its ways on.

    ``awaited`` are the conditions that it waits for, if it waits for some.
    """

    awaited: tuple[Condition, ...]
    ways: tuple[WayOn, ...]


async def standing_of(
    store: Store,
    world: WorldRecord,
    arc: ArcRecord,
    way: list[BeatRecord],
    goals: list[GoalRecord],
) -> Standing | None:
    """Where a running arc stands now; ``None`` of one that is at no beat of its definition."""
    beat = arc.definition.beats.get(arc.beat) if arc.beat else None
    if beat is None:
        return None
    now = situated(await _situation(store, world, arc), await _progress(store, way, goals))
    awaited = beat.until.when if isinstance(beat, WaitBeat) else None
    return Standing(
        awaited=judged(awaited, now) if awaited is not None else (),
        ways=tuple(WayOn(edge.to, judged(edge.when, now), edge.priority) for edge in beat.next),
    )


def demands(when: When) -> tuple[str, ...]:
    """What conditions ask for, in words, whatever is so now."""
    return tuple(condition.words for condition in judged(when, Situation(season="", part="")))


def late_in_words(beat: Beat) -> str | None:
    """When a beat is given up, and where the arc goes then; ``None`` if it waits for ever."""
    bound = at_most_of(beat)
    if bound is None:
        return None
    then = f"to {bound.to}" if bound.to is not None else "on by its ways"
    return f"after {bound.hours:g} hours of game time at most, {then}"


async def _situation(store: Store, world: WorldRecord, arc: ArcRecord) -> Situation:
    seconds = world.clock.game_seconds(datetime.now(UTC))
    time = world.calendar.read(seconds)
    player = PlayerId(arc.player_id or "")
    async with store.reading() as connection:
        facts = await facts_of(connection, world.world_id, player)
    found = await find_player(store, world.world_id, player) if arc.player_id else None
    return Situation(
        season=time.season,
        part=time.part,
        weather={region.region: region.weather_at(seconds) for region in world.regions},
        facts=facts,
        standing=found.standing if found is not None else {},
    )


async def _progress(store: Store, way: list[BeatRecord], goals: list[GoalRecord]) -> ArcProgress:
    """What was done in the arc, as far as the ways on may ask for it."""
    quests: dict[str, StartedQuest] = {}
    last: tuple[datetime, str] | None = None
    for step in way:
        quest = await find_quest(store, step.quest_id) if step.quest_id is not None else None
        if quest is None or quest.progress.state not in ENDED:
            continue
        quests[step.beat] = StartedQuest(
            quest_id=quest.quest_id, outcome=quest.progress.state, chosen=quest.progress.chosen
        )
        last = max(last or (quest.updated_at, step.beat), (quest.updated_at, step.beat))
    return ArcProgress(
        quests=quests,
        last_quest=last[1] if last else None,
        choices={step.beat: step.choice for step in way if step.choice is not None},
        goals={goal.goal: goal.total >= goal.target for goal in goals if not goal.open},
    )
