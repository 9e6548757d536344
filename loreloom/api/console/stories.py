"""A quest and an arc as their stories: each beat, and for each text where it comes from."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from loreloom.api.console.makings import Written, makings
from loreloom.api.history import history_of, history_of_arc
from loreloom.api.lines import lines_of_quest
from loreloom.api.schemas.fields import GameTimeView
from loreloom.api.schemas.quests import HistoryStep
from loreloom.state.arcs import ArcRecord
from loreloom.state.quests import QuestRecord
from loreloom.state.store import Store
from loreloom.state.worlds import WorldRecord

IN_THE_BEAT = frozenset({"quest_id", "state", "objective_id", "choice_id", "kind"})
"""What a step carries and its page or its words say already."""
NOTHING: tuple[object, ...] = (None, "", {}, [])


class Beat(BaseModel):
    """One step of a story."""

    model_config = ConfigDict(frozen=True)

    kind: str
    at: datetime
    game_time: GameTimeView
    caused_by: str
    words: str
    data: dict[str, Any]
    written: Written | None = None


class ArcText(BaseModel):
    """What a beat of an arc told; ``written`` says how, if the text was made for it."""

    model_config = ConfigDict(frozen=True)

    text: str
    written: Written | None


async def story_of(store: Store, world: WorldRecord, quest: QuestRecord) -> list[Beat]:
    """The quest's steps in order."""
    history = await history_of(store, world, quest)
    written = await makings(store, history.steps, lambda made: lines_of_quest(made.purpose, quest))
    return [_beat(step, quest, written) for step in history.steps]


async def texts_of(store: Store, world: WorldRecord, arc: ArcRecord) -> dict[int, ArcText]:
    """What an arc told, by the number of the entry of its beat."""
    steps = (await history_of_arc(store, world, arc)).steps
    told = [step.data for step in steps if step.kind == "arc.told"]
    texts = {data.get("generation_id"): data["text"] for data in told}
    written = await makings(store, steps, lambda made: [texts.get(made.generation_id, "")])
    return {
        data["seq"]: ArcText(text=data["text"], written=written.get(data.get("generation_id", "")))
        for data in told
    }


def _beat(step: HistoryStep, quest: QuestRecord, written: Mapping[str, Written]) -> Beat:
    made = step.generation
    return Beat(
        kind=step.kind,
        at=step.at,
        game_time=step.game_time,
        caused_by=step.caused_by,
        words=_words(step, quest),
        data={k: v for k, v in step.data.items() if k not in IN_THE_BEAT and v not in NOTHING},
        written=written[made.generation_id] if made else None,
    )


def _words(step: HistoryStep, quest: QuestRecord) -> str:
    """What happened, with the words that the player read instead of ids, where they are known."""
    story, named = quest.story, step.data
    if step.kind == "quest.progressed" and story is not None:
        line = story.objectives.get(str(named.get("objective_id")))
        return f"The player worked on “{line}”." if line else step.told
    if step.kind == "quest.chosen" and story is not None:
        line = story.choices.get(str(named.get("choice_id")))
        return f"The player chose “{line}”." if line else step.told
    if step.generation is not None:
        by = "A model" if step.caused_by == "model" else "A template"
        return f"{by} gave the {_WRITTEN.get(step.generation.purpose, 'text')}."
    return step.told


_WRITTEN: Mapping[str, str] = {"quest": "quest's words", "epilogue": "epilogue"}
