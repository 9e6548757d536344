"""What lies on the desk when something is written, and how what was written is kept."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field

from loreloom.activities.errors import broken
from loreloom.activities.signatures.quest import QuestRef
from loreloom.domain.canon import CitedPassage, Viewpoint
from loreloom.domain.ids import GenerationId, PassageId, PlayerId, WorldId, quest_workflow_id
from loreloom.domain.living.content import NO_LIFE, LifeContent
from loreloom.domain.quest import Source
from loreloom.domain.story import TemplateReason
from loreloom.generation.composing import TRIES, Budget
from loreloom.generation.lexicon import Lexicon
from loreloom.generation.records import GenerationRecord
from loreloom.generation.router import Router
from loreloom.generation.shelf import TemplateShelf
from loreloom.knowledge.casting import cast_for
from loreloom.knowledge.embedding import Embedder
from loreloom.knowledge.models import Cast, CastRequest
from loreloom.state import generations, players, quests, worlds
from loreloom.state.facts import facts_of
from loreloom.state.generations import KeptGeneration
from loreloom.state.players import PlayerRecord
from loreloom.state.quests import Citation, QuestRecord
from loreloom.state.store import Store, Transaction
from loreloom.state.worlds import WorldRecord


@dataclass(frozen=True, slots=True)
class WritingParts:
    """What writing needs: where things are kept, how passages are found, and who writes."""

    store: Store
    embedder: Embedder
    router: Router
    lexicon: Lexicon
    templates: TemplateShelf
    budget: Budget
    life: LifeContent = field(default=NO_LIFE)


@dataclass(frozen=True, slots=True)
class Desk:
    """A quest with its world, its player and the cast and passages that it may be told from.

    ``seed`` is the quest's own: the same world and quest are written the same way.
    """

    quest: QuestRecord
    world: WorldRecord
    player: PlayerRecord
    cast: Cast
    seed: int

    @property
    def passages(self) -> list[CitedPassage]:
        """The cast's passages, as a prompt takes them."""
        return [hit.cited() for hit in self.cast.passages]

    def seeds(self, first: int = 0) -> tuple[int, ...]:
        """One seed for each try, beginning with the ``first`` after the quest's own."""
        return tuple(range(self.seed + first, self.seed + first + TRIES))


async def desk_for(parts: WritingParts, ref: QuestRef) -> Desk:
    """Gather what a quest is written from. Raises a broken step if a row of it is gone."""
    quest = await quests.find_quest(parts.store, ref.quest_id)
    world = await worlds.find_world(parts.store, ref.world_id)
    player = await players.find_player(parts.store, ref.world_id, ref.player_id)
    if quest is None or world is None or player is None:
        raise broken(f"quest {ref.quest_id}, its world or its player is gone")
    async with parts.store.reading() as connection:
        facts = await facts_of(connection, ref.world_id, ref.player_id)
    seed = seed_of(world, quest.quest_id)
    cast = await cast_for(
        parts.store,
        parts.embedder,
        CastRequest(
            canon=world.canon,
            viewpoint=Viewpoint(rating=world.rating, facts=facts),
            seed=seed,
            giver=quest.story.giver if quest.story else quest.request.giver,
            region=quest.request.region,
            theme=quest.request.theme,
        ),
    )
    return Desk(quest=quest, world=world, player=player, cast=cast, seed=seed)


async def reason_for_template(
    store: Store, world: WorldRecord, player_id: PlayerId | None
) -> TemplateReason | None:
    """Why no model may be asked: the world's switch, or a budget that is spent.

    Without a player the text is for the whole world, and only its budget counts.

    Calls that are under way are not counted yet, so a budget may be passed by as many answers as a
    tier gives at once.
    """
    if world.templates_only:
        return TemplateReason.WORLD_SWITCH
    spent = await generations.tokens_spent(store, world.world_id, player_id or PlayerId(""))
    by_player = spent.by_player if player_id is not None else 0
    if spent.by_world >= world.world_daily_tokens or by_player >= world.player_daily_tokens:
        return TemplateReason.BUDGET
    return None


async def withdrawn_if_switched(
    store: Store, world: WorldRecord, record: GenerationRecord
) -> GenerationRecord | None:
    """The record as withdrawn, if the world was turned to templates while the model wrote."""
    now = await worlds.find_world(store, world.world_id)
    if now is None or not now.templates_only:
        return None
    by_nobody = {"tier": None, "model": None, "seed": None}
    changes = {"source": Source.TEMPLATE, "reason": TemplateReason.WORLD_SWITCH, **by_nobody}
    return record.model_copy(update=changes)


def cited(cast: Cast, passages: Collection[PassageId]) -> tuple[Citation, ...]:
    """Those of the passages that are the cast's, as what was written from them says it."""
    return tuple(
        Citation(
            passage_id=hit.passage_id,
            document=hit.document,
            heading=hit.heading,
            telling=hit.telling,
        )
        for hit in cast.passages
        if hit.passage_id in passages
    )


async def keep_record(tx: Transaction, ref: QuestRef, record: GenerationRecord) -> None:
    """Keep how a text came to be, once for each purpose of a quest."""
    subject = quest_workflow_id(ref.quest_id)
    key = f"{subject}/{record.purpose}"
    await generations.keep_generation(
        tx, as_kept(record, key, subject, ref.world_id, ref.player_id)
    )


def as_kept(
    record: GenerationRecord,
    key: str,
    subject: str,
    world_id: WorldId,
    player_id: PlayerId | None,
) -> KeptGeneration:
    """How a text for a workflow came to be, as it is kept under a key of its own."""
    return KeptGeneration(
        generation_id=GenerationId(f"gen_{hashlib.sha256(key.encode()).hexdigest()[:24]}"),
        key=key,
        world_id=world_id,
        player_id=player_id,
        subject=subject,
        purpose=record.purpose,
        record=record.model_dump(mode="json"),
        tokens=record.tokens_in + record.tokens_out,
    )


def seed_of(world: WorldRecord, what: str) -> int:
    """The seed of something that is written: the same in the same world."""
    digest = hashlib.sha256(f"{world.seed}/{what}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
