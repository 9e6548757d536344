"""Every way that a quest can go, walked on the stage, for its history."""

from collections.abc import AsyncIterator, Awaitable, Callable

from sqlalchemy import update
from temporalio.client import Client, WorkflowFailureError, WorkflowHistory

from loreloom.activities.signatures.weather import LOOK_AGAIN
from loreloom.domain.clock import ClockChange
from loreloom.domain.ids import FactId
from loreloom.domain.quest import Condition, ObjectiveKind, QuestPlan
from loreloom.state.clocks import ClockOrder, change_clock
from loreloom.state.store import Store
from loreloom.state.tables.worlds import Player
from tests.builders import a_choice, a_plan, an_objective
from tests.quest.stage import Played, Stage, refusal_of, stage

Way = Callable[[Stage], Awaitable[Played]]


async def completed(on: Stage) -> Played:
    quest = await on.accepted()
    await refusal_of(quest.progress("too early", "sealed"))
    await quest.progress("one", amount=2)
    await quest.choose("two", "mercy")
    await quest.handle.result()
    return quest


async def failed_by_choice(on: Stage) -> Played:
    quest = await on.accepted()
    await quest.progress("one", amount=2)
    await quest.choose("two", "betray")
    await quest.handle.result()
    return quest


async def abandoned_offer(on: Stage) -> Played:
    quest = await on.offered()
    await quest.abandon()
    await quest.handle.result()
    return quest


async def abandoned_play(on: Stage) -> Played:
    quest = await on.accepted()
    await quest.progress("one", amount=1)
    await quest.abandon()
    await quest.handle.result()
    return quest


async def over_in_time(on: Stage) -> Played:
    """Expires if nobody accepts it: the plan's offer is short."""
    quest = await on.ask()
    await quest.handle.result()
    return quest


async def past_its_limit(on: Stage) -> Played:
    quest = await on.accepted()
    await quest.handle.result()
    return quest


async def stirred(on: Stage) -> Played:
    """The clock is advanced past its time: an act is too late, and it looks at the clock itself."""
    quest = await on.accepted()
    await quest.handle.signal(LOOK_AGAIN)
    at, change = (await quest.told())[-1].at, ClockChange(advance_hours=240)
    await change_clock(on.store, ClockOrder(world_id=on.world, at=at, key="skip", change=change))
    await refusal_of(quest.progress("too late"))
    await quest.handle.result()
    return quest


async def broken(on: Stage) -> Played:
    quest = await on.accepted()
    async with on.store.transaction() as tx:
        await tx.run(update(Player).values(coin=2**63 - 1))
    await quest.progress("one")
    try:
        await quest.handle.result()
    except WorkflowFailureError:
        return quest
    raise AssertionError("the quest did not break")


async def still_playing(on: Stage) -> Played:
    quest = await on.accepted()
    await quest.progress("one")
    return quest


async def continued(on: Stage) -> Played:
    quest = await on.accepted()
    first = (await quest.handle.describe()).run_id
    act = 0
    while (await quest.handle.describe()).run_id == first:
        act += 1
        await quest.progress(f"act {act}")
    return Played(on, quest.quest_id, on.client.get_workflow_handle(quest.handle.id, run_id=first))


BRANCHING = a_plan(
    an_objective(required=2),
    an_objective("decide", kind=ObjectiveKind.CHOOSE, after=("objective_1",)),
    an_objective("sealed", branch="betray", condition=Condition(fact=FactId("the password"))),
    choices=(a_choice("mercy", sets_fact="spared"), a_choice("betray", fails=True)),
)
LONG = a_plan(an_objective(required=1000))

WAYS: dict[str, tuple[QuestPlan, Way]] = {
    "completed": (BRANCHING, completed),
    "failed_by_choice": (BRANCHING, failed_by_choice),
    "abandoned_offer": (BRANCHING, abandoned_offer),
    "abandoned_play": (BRANCHING, abandoned_play),
    "expired": (a_plan(offer_seconds=1), over_in_time),
    "past_its_limit": (a_plan(limit_game_seconds=60), past_its_limit),
    "stirred": (a_plan(limit_game_seconds=10 * 24 * 3600), stirred),
    "broken": (a_plan(), broken),
    "still_playing": (LONG, still_playing),
    "continued_as_new": (LONG, continued),
}


async def walked(client: Client, store: Store) -> AsyncIterator[tuple[str, WorkflowHistory]]:
    """The history of each way, under its name."""
    for name, (plan, way) in WAYS.items():
        async with stage(client, store, f"record-{name}", plan, world=f"world-{name}") as on:
            yield name, await (await way(on)).handle.fetch_history()
