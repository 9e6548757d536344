"""The example world's arcs, each walked to each of its ends, in the seasons that pass meanwhile."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC

import pytest
from temporalio.testing import WorkflowEnvironment

from loreloom.api.arc_teller import ArcTeller
from loreloom.content.arc_files import read_arc
from loreloom.content.calendar import load_calendar
from loreloom.domain.arc import ArcDefinition, ArcScope
from loreloom.domain.arc_walk import ArcState
from loreloom.domain.calendar import HOUR
from loreloom.domain.ids import CanonName
from loreloom.domain.quest import ObjectiveKind
from loreloom.domain.weather import Weather
from loreloom.generation.templates import load_templates
from loreloom.state.arcs import way_of
from loreloom.state.life import find_living
from loreloom.state.memories import memories_of
from loreloom.state.players import find_player
from loreloom.state.store import Store
from loreloom.state.worlds import WorldRecord, find_world
from tests.arcs.stage import PLAYER, ArcStage, OnStage, arc_stage
from tests.builders import a_choice, a_plan, an_objective
from tests.life.worlds import CONTENT, example

LIFE = example().model_copy(update={"canon": CanonName("stage")})
CALENDAR = load_calendar(CONTENT)
KINDS = {t.template_id: t.kind for t in load_templates(CONTENT / "quests").templates}
CANDLES, FROST, COPIES = (
    read_arc(CONTENT / "arcs" / f"{name}.yaml")
    for name in ("the-candle-count", "a-frost-is-coming", "the-two-copies")
)
PLAN = a_plan(
    an_objective("decide", kind=ObjectiveKind.CHOOSE),
    choices=(
        a_choice("aloud", sets_fact="lease_already_ended"),
        a_choice("quietly"),
        a_choice("swear", fails=True),
    ),
    faction=None,
)
TWO_WEEKS = 336 * HOUR


@dataclass
class Telling:
    """The example world on the stage, where time skips ahead while a story only waits."""

    on: ArcStage

    async def world(self) -> WorldRecord:
        found = await find_world(self.on.store, self.on.world)
        assert found is not None
        return found

    async def begin(self, definition: ArcDefinition) -> OnStage:
        player = None if definition.scope is ArcScope.WORLD else PLAYER
        return await self.on.begin(definition, player=player)

    async def end(self, arc: OnStage, definition: ArcDefinition) -> tuple[list[str], str | None]:
        """The arc's way to its end, and how it ended; every text on the way was told, in order."""
        assert await arc.handle.result() == ArcState.ENDED
        way, record = await arc.way(), await arc.record()
        texts = [getattr(definition.beats[beat], "text", None) for beat in way]
        told = [e.data["text"] for e in await arc.told() if e.kind == "arc.told"]
        assert told == [text for text in texts if text is not None]
        return way, record.outcome

    async def entered(self, arc: OnStage) -> dict[str, int]:
        """The game second at which each beat was entered."""
        return {step.beat: step.game_seconds for step in await way_of(self.on.store, arc.arc_id)}

    async def weather(self, region: str, seconds: int) -> Weather:
        here = {r.region: r for r in (await self.world()).regions}
        return here[region].weather_at(seconds)


@pytest.fixture
async def telling(
    time_skipping: WorkflowEnvironment, store: Store, task_queue_prefix: str
) -> AsyncIterator[Telling]:
    """The example world, at its first hour."""
    now = await time_skipping.get_current_time()
    async with arc_stage(
        time_skipping.client,
        store,
        task_queue_prefix,
        plan=PLAN,
        anchor=now.astimezone(UTC),
        regions=LIFE.regions,
        life=LIFE,
        kinds=KINDS,
        calendar=CALENDAR,
    ) as on:
        yield Telling(on)


async def played(arc: OnStage, beat: str, choice: str) -> None:
    """The quest of a beat is taken and ended by a choice."""
    quest = await arc.quest(beat)
    await quest.accept()
    await quest.choose(f"act-{beat}", choice)


async def test_candles_enough_keep_the_table_through_the_frost(telling: Telling) -> None:
    count = await telling.begin(CANDLES)
    await count.opened()
    teller = ArcTeller(telling.on.store, telling.on.client, 60)
    for action, amount in (("most", 4999), ("last", 1)):
        assert await count.contribute(action, amount)
        teller.counted(count.arc_id)
    assert await telling.end(count, CANDLES) == (
        ["nine-in-the-tin", "the-count", "kept-open", "long-table"],
        "kept",
    )
    await teller.close()
    assert (await count.kinds()).count("arc.goal_reached") == 1

    frost = await telling.begin(FROST)
    assert await telling.end(frost, FROST) == (
        [
            "goat-letter", "until-autumn", "first-sign", "two-weeks", "prepared",
            "until-winter", "the-frost", "through-it", "thaw",
        ],
        "warm",
    )  # fmt: skip
    at = await telling.entered(frost)
    autumn, winter = (CALENDAR.read(at[beat]) for beat in ("first-sign", "the-frost"))
    assert (autumn.month, autumn.day_of_month, autumn.hour) == ("September", 1, 0)
    assert (winter.month, winter.day_of_month, winter.part) == ("December", 1, "night")
    assert 0 <= at["prepared"] - at["two-weeks"] - TWO_WEEKS < HOUR
    assert await telling.weather("Bellgate Hill", at["two-weeks"]) == Weather.MIST
    assert await telling.weather("Staithe Side", at["thaw"] - HOUR) == Weather.EXTREME_COLD


async def test_a_candle_too_few_shuts_it_and_the_frost_is_cold(telling: Telling) -> None:
    count = await telling.begin(CANDLES)
    await count.opened()
    assert await count.contribute("most", 4999)
    assert await telling.end(count, CANDLES) == (
        ["nine-in-the-tin", "the-count", "closed-a-while", "dark-table"],
        "shut",
    )
    at = await telling.entered(count)
    assert 0 <= at["closed-a-while"] - at["the-count"] - TWO_WEEKS < HOUR
    assert "arc.goal_missed" in await count.kinds()

    frost = await telling.begin(FROST)
    assert await telling.end(frost, FROST) == (
        [
            "goat-letter", "until-autumn", "first-sign", "two-weeks", "unprepared",
            "until-winter", "the-frost", "through-it", "hard-thaw",
        ],
        "cold",
    )  # fmt: skip


async def test_copies_that_are_read_aloud_lead_to_a_third(telling: Telling) -> None:
    strength = (await find_living(telling.on.store, await telling.world(), LIFE)).factions
    arc = await telling.begin(COPIES)
    await played(arc, "copies", "aloud")
    await arc.at("which-side")
    await arc.choose("side", "new-bargain")
    await played(arc, "bargain", "quietly")
    assert await telling.end(arc, COPIES) == (
        [
            "summons", "copies", "while-it-lasts", "it-is-known", "which-side", "bargain",
            "bargaining", "third-copy",
        ],
        "third-copy",
    )  # fmt: skip
    now = (await find_living(telling.on.store, await telling.world(), LIFE)).factions
    assert now["House Quillaine"].strength == strength["House Quillaine"].strength - 10
    player = await find_player(telling.on.store, telling.on.world, PLAYER)
    assert player is not None
    assert player.standing == {"Plain Hour League": 10, "House Quillaine": -10}
    at = await telling.entered(arc)
    assert await telling.weather("Bellgate Hill", at["which-side"]) == Weather.FOG


async def test_a_secret_that_is_kept_is_thanked_and_shown_out(telling: Telling) -> None:
    arc = await telling.begin(COPIES)
    await played(arc, "copies", "quietly")
    await arc.at("which-side")
    await arc.choose("side", "old-silence")
    assert await telling.end(arc, COPIES) == (
        ["summons", "copies", "while-it-lasts", "trusted", "which-side", "silence"],
        "silence",
    )
    player = await find_player(telling.on.store, telling.on.world, PLAYER)
    assert player is not None
    assert player.standing == {"House Quillaine": 8, "Threshold Table": 5}
    assert await memories_of(telling.on.store, telling.on.world, "Philippa Noake", PLAYER)


TO_WHICH_SIDE = ["summons", "copies", "while-it-lasts", "it-is-known", "which-side"]
LATE = ["summons", "copies", "while-it-lasts", "forgotten"]
NO_BARGAIN = [*TO_WHICH_SIDE, "bargain", "bargaining", "forgotten"]


async def sworn(arc: OnStage) -> None:
    """The quest fails."""
    await played(arc, "copies", "swear")


async def left_lying(arc: OnStage) -> None:
    """The quest is taken and never done."""
    await (await arc.quest("copies")).accept()


async def not_chosen(arc: OnStage) -> None:
    """Nobody chooses a side."""
    await played(arc, "copies", "aloud")
    await arc.at("which-side")


async def walked_out(arc: OnStage) -> None:
    """The bargain is abandoned."""
    await not_chosen(arc)
    await arc.choose("side", "new-bargain")
    quest = await arc.quest("bargain")
    await quest.accept()
    await quest.abandon()


@pytest.mark.parametrize(
    ("play", "way"),
    [
        (sworn, LATE),
        (left_lying, LATE),
        (not_chosen, [*TO_WHICH_SIDE, "forgotten"]),
        (walked_out, NO_BARGAIN),
    ],
)
async def test_a_note_that_nobody_follows_is_forgotten(
    telling: Telling, play: Callable[[OnStage], Awaitable[None]], way: list[str]
) -> None:
    arc = await telling.begin(COPIES)
    await play(arc)
    assert await telling.end(arc, COPIES) == (way, "forgotten")
