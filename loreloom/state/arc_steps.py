"""The steps of an arc, each written once, together with the chronicle entry that tells of it."""

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import func as sql
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.domain.arc import ArcDefinition, ToldBy
from loreloom.domain.arc_walk import ArcState, Reason
from loreloom.domain.ids import ArcId, FactId, PlayerId, QuestId, WorldId, arc_workflow_id
from loreloom.domain.rewards import Reward
from loreloom.state.arcs import keep_definition
from loreloom.state.facts import learn
from loreloom.state.generations import KeptGeneration, keep_generation
from loreloom.state.life import Shift, shift
from loreloom.state.memories import ArcMemories, remember_arc
from loreloom.state.players import grant
from loreloom.state.quests import Citation, QuestRequest, request_quest
from loreloom.state.store import Event, Store, Transaction
from loreloom.state.tables.arcs import Arc, ArcBeat
from loreloom.state.tables.worlds import Effect

STOPPED = {ArcState.CANCELLED: "arc.cancelled", ArcState.BROKEN: "arc.broken"}
"""What the chronicle tells of an arc that stops without an end."""


class OfArc(BaseModel):
    """Which arc a step belongs to, whose it is, and the entry of which beat it follows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arc_id: ArcId
    world_id: WorldId
    player_id: PlayerId | None = None
    seq: int

    def key(self, step: str) -> str:
        """The idempotency key of a step after this entry."""
        return f"{arc_workflow_id(self.arc_id)}/{self.seq}/{step}"

    def event(self, kind: str, /, **data: object) -> Event:
        """What the chronicle says of the step."""
        return Event(
            world_id=self.world_id,
            key=self.key(kind),
            kind=kind,
            subject=arc_workflow_id(self.arc_id),
            player_id=self.player_id,
            data={"arc_id": self.arc_id, "seq": self.seq, **data},
        )


class BeatEntry(OfArc):
    """A beat that is entered; ``outcome`` and perhaps ``text`` if the arc ends there."""

    beat: str
    kind: str
    digest: str
    reason: Reason
    game_seconds: int
    at: AwareDatetime
    outcome: str | None = None
    text: str | None = None


class WrittenBeat(BaseModel):
    """What stands written for an entry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    beat: str
    digest: str
    game_seconds: int
    choice: str | None


class WrittenChoice(BaseModel):
    """The choice that stands written for an entry, and the act that made it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    choice_id: str
    action_id: str


class Change(BaseModel):
    """What a beat changes in Postgres. ``shift`` is in the world's own life, by faction."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    standing: dict[str, int] = {}
    fact: FactId | None = None
    world_fact: FactId | None = None
    shift: Shift | None = None
    remembered: ArcMemories | None = None
    told: dict[str, object] = {}


class Words(BaseModel):
    """A text to tell: where it comes from, what it rests on, and who remembers telling it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    source: ToldBy = ToldBy.GIVEN
    citations: tuple[Citation, ...] = ()
    generation: KeptGeneration | None = None
    remembered: ArcMemories | None = None

    @property
    def told(self) -> dict[str, object]:
        """What the chronicle says of it."""
        made = self.generation
        of_its_making = (
            {}
            if made is None
            else {
                "generation_id": made.generation_id,
                "citations": [citation.model_dump() for citation in self.citations],
            }
        )
        return {"text": self.text, "source": self.source.value, **of_its_making}


async def enter(store: Store, entry: BeatEntry) -> WrittenBeat:
    """Write a beat's entry, once, and return what stands written for it.

    After a reset that is the entry of the first time, so that an arc walks its way only once.
    """
    async with store.transaction() as tx:
        claimed = await tx.run(
            pg_insert(ArcBeat)
            .values(
                arc_id=entry.arc_id,
                seq=entry.seq,
                beat=entry.beat,
                kind=entry.kind,
                digest=entry.digest,
                reason=entry.reason.model_dump(mode="json"),
                game_seconds=entry.game_seconds,
                at=entry.at,
            )
            .on_conflict_do_nothing()
            .returning(ArcBeat.seq)
        )
        if claimed.first() is not None:
            await _advance(tx, entry)
            data = {"beat": entry.beat, "kind": entry.kind, "reason": entry.reason.words}
            tx.tell(entry.event("arc.beat", **data))
            if entry.text is not None:
                tx.tell(entry.event("arc.told", **Words(text=entry.text).told))
            if entry.outcome is not None:
                tx.tell(entry.event("arc.ended", outcome=entry.outcome))
        written = await tx.run(
            select(ArcBeat.beat, ArcBeat.digest, ArcBeat.game_seconds, ArcBeat.choice).where(
                ArcBeat.arc_id == entry.arc_id, ArcBeat.seq == entry.seq
            )
        )
        row = written.one()
        return WrittenBeat(
            beat=row.beat, digest=row.digest, game_seconds=row.game_seconds, choice=row.choice
        )


async def _advance(tx: Transaction, entry: BeatEntry) -> None:
    ends = {"state": ArcState.ENDED, "outcome": entry.outcome} if entry.outcome else {}
    # An arc that was broken and goes on after a repair runs again.
    moved = {"state": ArcState.RUNNING, "reason": None, "seq": entry.seq, "beat": entry.beat}
    await tx.run(
        update(Arc)
        .where(Arc.arc_id == entry.arc_id, Arc.seq < entry.seq)
        .values(**{**moved, **ends}, updated_at=sql.now())
    )


async def choose(store: Store, step: OfArc, action_id: str, choice_id: str) -> WrittenChoice:
    """Write a choice down, unless one stands written; returns what stands."""
    async with store.transaction() as tx:
        made = await tx.run(
            update(ArcBeat)
            .where(ArcBeat.arc_id == step.arc_id, ArcBeat.seq == step.seq, ArcBeat.choice.is_(None))
            .values(choice=choice_id, action_id=action_id)
            .returning(ArcBeat.beat)
        )
        row = made.first()
        if row is not None:
            tx.tell(step.event("arc.chosen", beat=row.beat, choice_id=choice_id))
            return WrittenChoice(choice_id=choice_id, action_id=action_id)
        found = await tx.run(
            select(ArcBeat.choice, ArcBeat.action_id).where(
                ArcBeat.arc_id == step.arc_id, ArcBeat.seq == step.seq
            )
        )
        stands = found.one()
        return WrittenChoice(choice_id=stands.choice, action_id=stands.action_id)


async def ask_quest(
    store: Store, step: OfArc, player_id: PlayerId, quest_id: QuestId, request: QuestRequest
) -> None:
    """Keep the request for the quest of a beat, once; the arc starts its workflow."""
    async with store.transaction() as tx:
        if not await tx.first_time(step.key("quest")):
            return
        await request_quest(tx, quest_id, step.world_id, player_id, request, None)
        await tx.run(
            update(ArcBeat)
            .where(ArcBeat.arc_id == step.arc_id, ArcBeat.seq == step.seq)
            .values(quest_id=quest_id)
        )
        tx.tell(step.event("arc.quest", quest_id=quest_id))


async def change(store: Store, step: OfArc, wanted: Change) -> None:
    """Change standing and facts, and tell of all that the beat changed, once."""
    async with store.transaction() as tx:
        if not await tx.first_time(step.key("change")):
            return
        source = arc_workflow_id(step.arc_id)
        if wanted.standing and step.player_id is not None:
            reward = Reward(experience=0, coin=0, items={}, standing=wanted.standing)
            await grant(tx, step.key("change"), step.world_id, step.player_id, reward)
        if wanted.fact is not None and step.player_id is not None:
            await learn(tx, step.world_id, step.player_id, wanted.fact, source)
        if wanted.world_fact is not None:
            await learn(tx, step.world_id, PlayerId(""), wanted.world_fact, source)
        if wanted.shift is not None:
            await shift(tx, wanted.shift, by=source)
        if wanted.remembered is not None:
            await remember_arc(tx, wanted.remembered)
        tx.tell(step.event("arc.changed", **wanted.told))


async def is_told(store: Store, step: OfArc) -> bool:
    """Whether a beat's text has been told."""
    query = select(Effect.key).where(Effect.key == step.key("told"))
    async with store.reading() as connection:
        return (await connection.execute(query)).first() is not None


async def tell(store: Store, step: OfArc, words: Words) -> None:
    """Tell a text, once, and keep how it came to be; nothing if the arc was cancelled meanwhile."""
    async with store.transaction() as tx:
        stands = await tx.run(select(Arc.state).where(Arc.arc_id == step.arc_id).with_for_update())
        cancelled = stands.scalar_one() == ArcState.CANCELLED
        if cancelled or not await tx.first_time(step.key("told")):
            return
        if words.generation is not None:
            await keep_generation(tx, words.generation)
        if words.remembered is not None:
            await remember_arc(tx, words.remembered)
        tx.tell(step.event("arc.told", **words.told))


async def move(store: Store, step: OfArc, definition: ArcDefinition) -> None:
    """Give an arc another definition and tell of it; to give it the same again changes nothing."""
    async with store.transaction() as tx:
        await keep_definition(tx, definition)
        before = await tx.run(select(Arc.digest).where(Arc.arc_id == step.arc_id).with_for_update())
        old = before.scalar_one()
        key = step.key(f"moved/{definition.digest}")
        if old == definition.digest or not await tx.first_time(f"{key}/{old}"):
            return
        await tx.run(
            update(Arc)
            .where(Arc.arc_id == step.arc_id)
            .values(digest=definition.digest, updated_at=sql.now())
        )
        told = step.event("arc.migrated", old=old, new=definition.digest)
        tx.tell(told.model_copy(update={"key": f"{key}/{old}"}))


async def stop(store: Store, step: OfArc, state: ArcState, reason: str | None) -> None:
    """Write down that an arc was cancelled or broke, and tell of it, unless it is over."""
    async with store.transaction() as tx:
        stopped = await tx.run(
            update(Arc)
            .where(Arc.arc_id == step.arc_id, Arc.state.in_((ArcState.RUNNING, ArcState.BROKEN)))
            .values(state=state, reason=reason, updated_at=sql.now())
            .returning(Arc.arc_id)
        )
        if stopped.first() is None or not await tx.first_time(step.key(state)):
            return
        tx.tell(step.event(STOPPED[state], reason=reason))
