"""Quests as they are stored: asked for, designed, taken step by step, and read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Row, Text, cast, insert, select, update
from sqlalchemy import func as sql
from sqlalchemy.dialects.postgresql import ARRAY

from loreloom.domain.canon import Telling
from loreloom.domain.ids import PassageId, PlayerId, QuestId, WorldId, quest_workflow_id
from loreloom.domain.quest import (
    Difficulty,
    QuestKind,
    QuestPlan,
    QuestProgress,
    QuestState,
    Source,
)
from loreloom.domain.rewards import Reward
from loreloom.domain.story import QuestStory
from loreloom.domain.templates import Epilogues
from loreloom.state.starts import PlannedStart, plan_start
from loreloom.state.store import Event, Store, Transaction
from loreloom.state.tables.quests import Quest

ENDED = frozenset(
    {QuestState.COMPLETED, QuestState.FAILED, QuestState.ABANDONED, QuestState.EXPIRED}
)
"""The states that a quest ends in; one that is broken may still be repaired."""


class QuestOccasion(BaseModel):
    """What just happened in the world, if that is what a quest is about, and why it happened."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    opening_id: str
    kind: str
    day: int
    reason: str
    why: str


class QuestRequest(BaseModel):
    """What the caller asked for. ``theme`` is somebody's free words: data, never an instruction.

    Who named neither giver, theme nor region gets those of an ``occasion``, if there is one.

    ``offer_seconds`` is real time, ``limit_game_hours`` game time from acceptance. ``template`` is
    the one that an arc names: no model is asked then.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: QuestKind = QuestKind.SIDE
    region: str | None = None
    giver: str | None = None
    theme: str | None = None
    difficulty: Difficulty = Difficulty.NORMAL
    offer_seconds: int | None = None
    limit_game_hours: int | None = None
    template: str | None = None
    occasion: QuestOccasion | None = None

    def on(self, occasion: QuestOccasion, giver: str, region: str) -> "QuestRequest":
        """This request, made for what just happened to somebody somewhere."""
        return self.model_copy(
            update={
                "occasion": occasion,
                "giver": giver,
                "region": region,
                "theme": f"{occasion.reason}, because {occasion.why}",
            }
        )


class Citation(BaseModel):
    """A passage that a quest's words rest on; without ``telling`` an older release kept it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    passage_id: PassageId
    document: str
    heading: str
    telling: Telling | None = None


class QuestDesign(BaseModel):
    """A finished design: the plan by the rules, the words, and what they rest on.

    ``endings`` are the epilogues that a template brings along.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan: QuestPlan
    story: QuestStory
    citations: tuple[Citation, ...]
    endings: Epilogues | None = None
    source: Source
    tier: str | None


class QuestRecord(BaseModel):
    """A quest as others read it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quest_id: QuestId
    world_id: WorldId
    player_id: PlayerId
    request: QuestRequest
    progress: QuestProgress
    plan: QuestPlan | None
    story: QuestStory | None
    citations: tuple[Citation, ...] = ()
    endings: Epilogues | None = None
    reward: Reward | None = None
    source: Source | None = None
    tier: str | None = None
    created_at: datetime
    updated_at: datetime


async def request_quest(
    tx: Transaction,
    quest_id: QuestId,
    world_id: WorldId,
    player_id: PlayerId,
    request: QuestRequest,
    start: PlannedStart | None,
) -> None:
    """Keep a request for a quest, with the intent to start its workflow.

    Without one, whoever asks starts it: an arc does, which is as durable as the intent.
    """
    await tx.run(
        insert(Quest).values(
            quest_id=quest_id,
            world_id=world_id,
            player_id=player_id,
            request=request.model_dump(mode="json"),
            state=QuestState.DESIGNING,
        )
    )
    if start is not None:
        await plan_start(tx, start)
    tx.tell(
        Event(
            world_id=world_id,
            key=f"{quest_workflow_id(quest_id)}/requested",
            kind="quest.requested",
            subject=quest_workflow_id(quest_id),
            player_id=player_id,
            data={"quest_id": quest_id, "kind": request.kind, **_occasion(request)},
        )
    )


async def find_quest(store: Store, quest_id: QuestId) -> QuestRecord | None:
    """The quest of that id, or ``None``."""
    async with store.reading() as connection:
        row = (
            await connection.execute(select(Quest.__table__).where(Quest.quest_id == quest_id))
        ).first()
    return record_of(row) if row else None


async def with_a_limit(store: Store, world_id: WorldId) -> Sequence[QuestId]:
    """The quests of a world that are being played until some moment of its game time."""
    query = select(Quest.quest_id).where(
        Quest.world_id == world_id,
        Quest.state == QuestState.ACTIVE,
        Quest.progress["due"].astext.is_not(None),
    )
    async with store.reading() as connection:
        return [QuestId(quest_id) for quest_id in (await connection.execute(query)).scalars()]


async def keep_design(tx: Transaction, quest_id: QuestId, design: QuestDesign) -> bool:
    """Keep a quest's design. ``False`` if it has one; the first stands."""
    kept = await tx.run(
        update(Quest)
        .where(Quest.quest_id == quest_id, Quest.plan.is_(None))
        .values(
            plan=design.plan.model_dump(mode="json"),
            story=design.story.model_dump(mode="json"),
            citations=[citation.model_dump(mode="json") for citation in design.citations],
            endings=design.endings.model_dump(mode="json") if design.endings else None,
            source=design.source,
            tier=design.tier,
            updated_at=sql.now(),
        )
        .returning(Quest.quest_id)
    )
    return kept.first() is not None


async def keep_epilogue(tx: Transaction, quest_id: QuestId, epilogue: str) -> bool:
    """Keep the words that a quest ends with. ``False`` if it has some; those stand."""
    kept = await tx.run(
        update(Quest)
        .where(Quest.quest_id == quest_id, Quest.story["epilogue"].astext.is_(None))
        .values(
            story=sql.jsonb_set(
                Quest.story, cast(["epilogue"], ARRAY(Text)), sql.to_jsonb(cast(epilogue, Text))
            ),
            updated_at=sql.now(),
        )
        .returning(Quest.quest_id)
    )
    return kept.first() is not None


def _occasion(request: QuestRequest) -> dict[str, str]:
    """What the chronicle says of why a quest was asked for, where the world itself was why."""
    if request.occasion is None:
        return {}
    return {
        "giver": str(request.giver),
        "region": str(request.region),
        "reason": request.occasion.reason,
        "opening_id": request.occasion.opening_id,
    }


def record_of(row: Row[Any]) -> QuestRecord:
    """The quest of a row of its table."""
    progress = row.progress or {"state": row.state, "revision": row.revision}
    return QuestRecord(
        quest_id=QuestId(row.quest_id),
        world_id=WorldId(row.world_id),
        player_id=PlayerId(row.player_id),
        request=QuestRequest.model_validate(row.request),
        progress=QuestProgress.model_validate(progress),
        plan=row.plan,
        story=row.story,
        citations=tuple(row.citations or ()),
        endings=row.endings,
        reward=row.reward,
        source=row.source,
        tier=row.tier,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
