"""The steps of a quest, each written once, together with the chronicle entry that tells of it."""

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic_core import to_json
from sqlalchemy import func as sql
from sqlalchemy import select, text, update

from loreloom.domain.ids import FactId, PlayerId, QuestId, WorldId, quest_workflow_id
from loreloom.domain.living.memories import Deed, deed_of
from loreloom.domain.quest import QuestProgress, QuestState
from loreloom.domain.refusals import Refusal, RefusalCode
from loreloom.domain.rewards import Reward
from loreloom.state.facts import learn
from loreloom.state.memories import REMEMBER, remember
from loreloom.state.players import grant
from loreloom.state.store import GAME_SECONDS, Event, Store, Transaction
from loreloom.state.tables.quests import Quest, QuestAct


class QuestStep(BaseModel):
    """A change of a quest, with what the chronicle says of it; ``at`` by the workflow's clock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quest_id: QuestId
    world_id: WorldId
    player_id: PlayerId
    progress: QuestProgress
    at: AwareDatetime
    kind: str
    action_id: str | None = None
    sets_fact: FactId | None = None
    data: dict[str, Any] = Field(default_factory=dict)

    @property
    def due(self) -> int | None:
        """The game second from which on it is too late; what no player did never is."""
        return None if self.action_id is None else self.progress.due


class TakenStep(BaseModel):
    """What stands written for a step: the revision that it took, its progress, and when.

    ``by_another`` if an act of another id holds the step's revision.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    revision: int
    progress: QuestProgress
    at: datetime
    by_another: bool = False


class OutOfTurn(Exception):
    """The quest stands at the step's revision or past it, and not by this step."""


# One statement, because a player waits for it: five would cost five round trips, and would hold the
# world's row, which orders the chronicle, through the last of them. The quest's row is locked
# before the act is claimed, so that of two acts at one revision the second is not written at all.
RECORD_CTES = f"""
WITH behind AS (
    SELECT quest_id FROM quests
    WHERE quest_id = :quest_id
        AND (revision < :revision OR (revision = :revision AND :state = 'broken'))
        AND (CAST(:due AS bigint) IS NULL OR :due > (
            SELECT {GAME_SECONDS} FROM worlds WHERE worlds.world_id = quests.world_id
        ))
    FOR NO KEY UPDATE
), claimed AS (
    INSERT INTO quest_acts (quest_id, action_id, revision, progress, at)
    SELECT quest_id, :action_id, :revision, CAST(:progress AS jsonb), :at FROM behind
    ON CONFLICT DO NOTHING
    RETURNING quest_id, at
), advanced AS (
    UPDATE quests
    SET state = :state, progress = CAST(:progress AS jsonb), revision = :revision,
        updated_at = now()
    WHERE quest_id = (SELECT quest_id FROM claimed)
    RETURNING world_id, player_id
), learnt AS (
    INSERT INTO facts (world_id, player_id, fact, source)
    SELECT world_id, player_id, CAST(:fact AS text), :subject FROM advanced
    WHERE CAST(:fact AS text) IS NOT NULL
    ON CONFLICT DO NOTHING
), counted AS (
    UPDATE worlds SET chronicle_seq = chronicle_seq + 1
    WHERE world_id = (SELECT world_id FROM advanced)
    RETURNING world_id, chronicle_seq, {GAME_SECONDS} AS game_seconds
), told AS (
    INSERT INTO chronicle (world_id, id, key, kind, at, game_seconds, player_id, subject, data)
    SELECT world_id, chronicle_seq, :key, :kind, clock_timestamp(), game_seconds,
        :player_id, :subject, CAST(:data AS jsonb)
    FROM counted
)"""
ANSWER = "\nSELECT max(at) FROM claimed"
RECORD = text(RECORD_CTES + ANSWER)

REMEMBERED = REMEMBER.format(game_seconds="clock.game_seconds", clock="counted")
RECORD_AND_REMEMBER = text(f"{RECORD_CTES}, remembered AS ({REMEMBERED})" + ANSWER)
"""The same for a step after which the quest's giver remembers the player for something."""


async def record_step(store: Store, step: QuestStep) -> TakenStep:
    """Write a step with its chronicle entry, once, and return what stands written for it.

    If an earlier act has taken the step's action id, or another its revision, nothing is written
    and that act is returned. Raises ``Refusal``, and writes nothing, if a player's act comes when
    the quest's time is up by the world's clock, whatever the quest's process knows of that yet.
    """
    event = _event(step)
    # The space keeps it apart from every id that a caller can send.
    action_id = step.action_id or f"{step.kind} {step.progress.revision}"
    values = {
        "quest_id": step.quest_id,
        "action_id": action_id,
        "revision": step.progress.revision,
        "due": step.due,
        "at": step.at,
        "state": step.progress.state.value,
        "progress": step.progress.model_dump_json(),
        "fact": step.sets_fact,
        "key": event.key,
        "kind": event.kind,
        "player_id": event.player_id,
        "subject": event.subject,
        "data": to_json(event.data).decode(),
    }
    statement, deed = RECORD, deed_of(step.progress)
    if deed is not None:
        statement = RECORD_AND_REMEMBER
        values |= {"memory_id": event.subject, "deed": deed.value}
    (at,) = await store.run_alone(statement, values)
    if at is not None:
        return TakenStep(revision=step.progress.revision, progress=step.progress, at=at)
    return await _taken(store, step, action_id)


async def complete(store: Store, step: QuestStep, reward: Reward) -> None:
    """Complete a quest and grant its reward, with the entries that tell of both, once.

    Raises ``OutOfTurn``, and grants nothing, if the quest has gone on without this step.
    """
    key = f"{quest_workflow_id(step.quest_id)}/reward"
    async with store.transaction() as tx:
        if not await tx.first_time(key):
            return
        await _advance(tx, step.quest_id, step.progress)
        await remember(tx, step.quest_id, Deed.KEPT_WORD)
        await grant(tx, key, step.world_id, step.player_id, reward)
        await tx.run(
            update(Quest)
            .where(Quest.quest_id == step.quest_id)
            .values(reward=reward.model_dump(mode="json"))
        )
        if step.sets_fact is not None:
            source = quest_workflow_id(step.quest_id)
            await learn(tx, step.world_id, step.player_id, step.sets_fact, source)
        granted = step.model_copy(
            update={"kind": "reward.granted", "data": reward.model_dump(mode="json")}
        )
        tx.tell(_event(step), _event(granted))


async def progress_of(store: Store, quest_id: QuestId, action_id: str) -> QuestProgress | None:
    """The progress that an act made, or ``None`` if no act of that id was taken."""
    query = select(QuestAct.progress).where(
        QuestAct.quest_id == quest_id, QuestAct.action_id == action_id
    )
    async with store.reading() as connection:
        found = (await connection.execute(query)).scalar_one_or_none()
    return None if found is None else QuestProgress.model_validate(found)


async def _taken(store: Store, step: QuestStep, action_id: str) -> TakenStep:
    """The act that keeps a step from being written: of its action id, or else of its revision."""
    its_own = QuestAct.action_id == action_id
    # A broken step takes no revision; it stands beside the act after which the quest broke.
    in_its_place = (QuestAct.revision == step.progress.revision) & (
        QuestAct.progress["state"].astext != QuestState.BROKEN
    )
    query = (
        select(QuestAct.action_id, QuestAct.revision, QuestAct.progress, QuestAct.at)
        .where(QuestAct.quest_id == step.quest_id, QuestAct.revision <= step.progress.revision)
        .where(its_own | in_its_place)
        .order_by(its_own.desc())
        .limit(1)
    )
    async with store.reading() as connection:
        found = await connection.execute(query)
        row = found.one() if step.due is None else found.first()
    if row is None:
        raise Refusal(RefusalCode.WRONG_STATE, "the quest's time is up; it takes no more acts")
    return TakenStep(
        revision=row.revision,
        progress=QuestProgress.model_validate(row.progress),
        at=row.at,
        by_another=row.action_id != action_id,
    )


async def _advance(tx: Transaction, quest_id: QuestId, progress: QuestProgress) -> None:
    """Move what is known of a quest to a progress. Raises ``OutOfTurn`` if it is there or past."""
    moved = await tx.run(
        update(Quest)
        .where(Quest.quest_id == quest_id, Quest.revision < progress.revision)
        .values(
            state=progress.state,
            progress=progress.model_dump(mode="json"),
            revision=progress.revision,
            updated_at=sql.now(),
        )
        .returning(Quest.quest_id)
    )
    if moved.first() is None:
        raise OutOfTurn(f"the quest {quest_id} is past revision {progress.revision - 1}")


def _event(step: QuestStep) -> Event:
    subject = quest_workflow_id(step.quest_id)
    return Event(
        world_id=step.world_id,
        key=f"{subject}/{step.progress.revision}/{step.kind}",
        kind=step.kind,
        subject=subject,
        player_id=step.player_id,
        data={"quest_id": step.quest_id, "state": step.progress.state, **step.data},
    )
