"""The history of a quest or an arc as a designer reads it: what happened, who caused it, what a
model wrote."""

from collections.abc import Mapping, Sequence
from typing import Any

from loreloom.api.schemas.arcs import ArcHistory
from loreloom.api.schemas.fields import GameTimeView
from loreloom.api.schemas.quests import GenerationView, HistoryStep, QuestHistory
from loreloom.api.shaping import game_time
from loreloom.domain.ids import WorldId, arc_workflow_id, quest_workflow_id
from loreloom.domain.quest import Source
from loreloom.state.arcs import ArcRecord
from loreloom.state.chronicle import Entry, read
from loreloom.state.generations import KeptGeneration, generations_of
from loreloom.state.quests import QuestRecord
from loreloom.state.store import Store
from loreloom.state.worlds import WorldRecord

PAGE = 1000

CAUSES: Mapping[str, str] = {
    "quest.requested": "game",
    "quest.accepted": "player",
    "quest.abandoned": "player",
    "quest.progressed": "player",
    "quest.chosen": "player",
    "quest.expired": "time",
    "quest.completed": "rules",
    "reward.granted": "rules",
    "quest.settled": "ops",
    "reward.compensated": "ops",
    "quest.skipped": "ops",
    "arc.started": "game",
    "arc.beat": "rules",
    "arc.chosen": "player",
    "arc.skipped": "ops",
}
"""Who causes the steps of each kind; every other step is the engine's."""

TOLD: Mapping[str, str] = {
    "quest.requested": "The game asked for a {kind} quest.",
    "quest.offered": "The quest was offered.",
    "quest.accepted": "The player took the offer.",
    "quest.abandoned": "The player gave the quest up.",
    "quest.progressed": "The player worked on {objective_id}: {amount} more, {done} of {required}.",
    "quest.chosen": "The player chose {choice_id}.",
    "quest.expired": "The offer ran out.",
    "quest.failed": "The quest failed by {reason}.",
    "quest.completed": "Every objective was done.",
    "quest.epilogue": "The epilogue was told.",
    "quest.broken": "The process failed: {reason}",
    "reward.granted": "The reward was granted.",
    "quest.settled": "{by} ended the quest as {outcome}: {reason}",
    "reward.compensated": "The player was compensated.",
    "quest.skipped": "{by} skipped the {step}: {reason}",
}


OF_ARCS: Mapping[str, str] = {
    "arc.started": "The arc began.",
    "arc.beat": "The arc came to {beat}: {reason}.",
    "arc.told": "{text}",
    "arc.skipped": "{by} skipped what {beat} tells: {reason}",
    "arc.quest": "The arc asked for the quest {quest_id}.",
    "arc.changed": "The arc changed the world.",
    "arc.chosen": "The player chose {choice_id}.",
    "arc.goal_opened": "The goal {goal} was opened for {target}.",
    "arc.goal_reached": "The goal {goal} was reached with {total}.",
    "arc.goal_missed": "The goal {goal} was missed with {total} of {target}.",
    "arc.migrated": "The arc was moved to another definition.",
    "arc.ended": "The arc ended: {outcome}.",
    "arc.cancelled": "The arc was stopped.",
    "arc.broken": "The process failed: {reason}",
}


class _Known(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


async def history_of(store: Store, world: WorldRecord, quest: QuestRecord) -> QuestHistory:
    """The quest's chronicle entries and generations, in the order in which they happened."""
    workflow_id = quest_workflow_id(quest.quest_id)
    return QuestHistory(
        quest_id=quest.quest_id,
        workflow_id=workflow_id,
        world_id=quest.world_id,
        player_id=quest.player_id,
        state=quest.progress.state,
        request=quest.request.model_dump(mode="json"),
        steps=await _steps(store, world, workflow_id),
    )


async def history_of_arc(store: Store, world: WorldRecord, arc: ArcRecord) -> ArcHistory:
    """The arc's chronicle entries and generations, in the order in which they happened."""
    workflow_id = arc_workflow_id(arc.arc_id)
    return ArcHistory(
        arc_id=arc.arc_id,
        workflow_id=workflow_id,
        world_id=arc.world_id,
        player_id=arc.player_id,
        arc=arc.definition.arc,
        digest=arc.digest,
        state=arc.state,
        steps=await _steps(store, world, workflow_id),
    )


async def _steps(store: Store, world: WorldRecord, workflow_id: str) -> tuple[HistoryStep, ...]:
    entries = await entries_of(store, world.world_id, workflow_id)
    steps = [_entry_step(entry) for entry in entries]
    made = await generations_of(store, workflow_id)
    steps += [_generation_step(world, entries, generation) for generation in made]
    # A stable sort: entries of one moment stay in the order of their ids.
    return tuple(sorted(steps, key=lambda step: step.at))


async def entries_of(store: Store, world_id: WorldId, workflow_id: str) -> list[Entry]:
    """All that the chronicle tells of a workflow, oldest first."""
    found: list[Entry] = []
    while True:
        after = found[-1].id if found else 0
        page = await read(store, world_id, after=after, limit=PAGE, subject=workflow_id)
        found += page
        if len(page) < PAGE:
            return found


def _entry_step(entry: Entry) -> HistoryStep:
    told = TOLD.get(entry.kind) or OF_ARCS.get(entry.kind, entry.kind)
    if entry.kind == "quest.requested" and "reason" in entry.data:
        told = "{giver} asked for help in {region}: {reason}."
    return HistoryStep(
        id=entry.id,
        kind=entry.kind,
        at=entry.at,
        game_time=GameTimeView.of(entry.game_time),
        caused_by=_cause(entry),
        told=told.format_map(_Known(entry.data)),
        data=entry.data,
        generation=None,
    )


def _cause(entry: Entry) -> str:
    if entry.kind == "quest.failed":
        return "player" if entry.data.get("reason") == "choice" else "time"
    return CAUSES.get(entry.kind, "engine")


def _generation_step(
    world: WorldRecord, entries: Sequence[Entry], generation: KeptGeneration
) -> HistoryStep:
    at = generation.created_at
    assert at is not None, "a generation that was read has its time"
    # The world's clock may have been changed since; the entry before was told by the clock of then.
    before = [entry.game_time for entry in entries if entry.at <= at]
    time = before[-1] if before else game_time(world, at)
    return HistoryStep(
        id=None,
        kind=f"generation.{generation.purpose}",
        at=at,
        game_time=GameTimeView.of(time),
        caused_by="model" if generation.record["source"] == Source.GENERATED else "template",
        told=f"A text was made: {generation.purpose}.",
        data={},
        generation=GenerationView(
            generation_id=generation.generation_id,
            purpose=generation.purpose,
            record=generation.record,
        ),
    )
