"""Quests, the acts on them and their history, as callers send and get them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from loreloom.api.schemas.fields import Body, Data, GameTimeView, Name, PlayerIdField, Text, View
from loreloom.domain.canon import Telling
from loreloom.domain.ids import PassageId, PlayerId, QuestId, WorldId
from loreloom.domain.quest import (
    Condition,
    Difficulty,
    ObjectiveKind,
    QuestKind,
    QuestState,
    Source,
)
from loreloom.domain.rewards import Reward

MAX_AMOUNT = 1_000_000
MAX_OFFER_SECONDS = 30 * 24 * 3600
MAX_LIMIT_HOURS = 100_000

ActionId = Annotated[
    str,
    StringConstraints(pattern=r"^[!-~]{1,100}$"),
    Field(description="The game's own id of the act; a repeat gets the first answer."),
]
PartId = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,100}$")]


class CreateQuest(Body):
    """A quest to design. ``theme`` is a wish in free words.

    ``offer_seconds`` is how long the offer stands in real time, ``limit_game_hours`` how long an
    accepted quest may take in game time.
    """

    player_id: PlayerIdField
    kind: QuestKind = QuestKind.SIDE
    region: Name | None = None
    giver: Name | None = None
    theme: Text | None = Field(default=None, examples=["a debt that came due in the fog"])
    difficulty: Difficulty = Difficulty.NORMAL
    offer_seconds: int | None = Field(default=None, ge=1, le=MAX_OFFER_SECONDS)
    limit_game_hours: int | None = Field(default=None, ge=1, le=MAX_LIMIT_HOURS)


class QuestCreated(View):
    """A quest that is being designed; read it, or follow the chronicle for ``quest.offered``."""

    quest_id: QuestId
    workflow_id: str
    state: QuestState


class ProgressBody(Body):
    """The player worked on an objective."""

    action_id: ActionId
    objective_id: PartId
    amount: int = Field(default=1, ge=1, le=MAX_AMOUNT)


class ChooseBody(Body):
    """The player took a way."""

    action_id: ActionId
    choice_id: PartId


class ActObjective(View):
    """One objective and how far it is."""

    objective_id: str
    kind: ObjectiveKind
    target: str
    to: str | None
    required: int
    done: int


class ActAnswer(View):
    """Where the quest stands after an act. ``revision`` grows by one with each change."""

    quest_id: QuestId
    state: QuestState
    revision: int
    chosen: str | None
    objectives: tuple[ActObjective, ...]


class ObjectiveView(ActObjective):
    """An objective with its line, its condition and when it counts.

    It counts only on the way of the choice ``branch`` and once those in ``after`` are done.
    """

    text: str | None
    condition: Condition | None
    branch: str | None
    after: tuple[str, ...]


class ChoiceView(View):
    """A way that the player may take."""

    choice_id: str
    text: str | None
    taken: bool


class CitationView(View):
    """A passage of the canon that the quest's words rest on.

    ``telling`` says whether it is told as a fact or as hearsay; null of an older release's quest.
    """

    passage_id: PassageId
    document: str
    heading: str
    telling: Telling | None


class QuestTexts(View):
    """What the player reads, beside title, summary and objectives."""

    offer: str | None
    epilogue: str | None


class QuestView(View):
    """A quest. Before its design is done, its words and numbers are null.

    ``rewards`` is what was granted (``rewards_granted``), or what would be by the rules.
    """

    quest_id: QuestId
    workflow_id: str
    world_id: WorldId
    player_id: PlayerId
    kind: QuestKind
    difficulty: Difficulty
    region: str | None
    state: QuestState
    revision: int
    title: str | None
    summary: str | None
    giver: str | None
    objectives: tuple[ObjectiveView, ...]
    choices: tuple[ChoiceView, ...]
    chosen: str | None
    rewards: Reward | None
    rewards_granted: bool
    citations: tuple[CitationView, ...]
    source: Source | None
    tier: str | None
    texts: QuestTexts
    created_at: datetime
    updated_at: datetime


class QuestList(View):
    """A page of quests."""

    items: tuple[QuestView, ...]
    next: str | None


class GenerationView(View):
    """One generation. ``record`` is the full account: prompt, passages, attempts, verdicts."""

    generation_id: str
    purpose: str
    record: Data


class HistoryStep(View):
    """One step of a quest or an arc.

    ``caused_by`` is the player, the rules of time, the engine or a model.
    ``id`` is the chronicle entry's, null for a generation, which is no event of the world.
    """

    id: int | None
    kind: str
    at: datetime
    game_time: GameTimeView
    caused_by: str
    told: str
    data: Data
    generation: GenerationView | None


class QuestHistory(View):
    """A quest as a designer reads it, its steps in order."""

    quest_id: QuestId
    workflow_id: str
    world_id: WorldId
    player_id: PlayerId
    state: QuestState
    request: Data
    steps: tuple[HistoryStep, ...]
