"""What a quest has written for it: its design and its epilogue, by a model or by a template."""

import hashlib
from dataclasses import dataclass

from temporalio import activity

from loreloom.activities.errors import broken, broken_if_refused
from loreloom.activities.heartbeats import heartbeating
from loreloom.activities.signatures.quest import QuestRef, WritingSteps
from loreloom.domain.canon import Viewpoint
from loreloom.domain.design import Wish, brief_for, plan_of
from loreloom.domain.draft import EpilogueBrief, QuestBrief, QuestDraft
from loreloom.domain.filling import choose_template, fill, plain_epilogue
from loreloom.domain.ids import GenerationId, quest_workflow_id
from loreloom.domain.quest import ChoiceOutcome, QuestPlan, QuestState, Source
from loreloom.domain.story import QuestStory
from loreloom.domain.templates import Epilogues
from loreloom.generation.composing import Budget
from loreloom.generation.designer import design_quest, write_epilogue
from loreloom.generation.lexicon import Lexicon
from loreloom.generation.records import GenerationRecord, TemplateReason, without_model
from loreloom.generation.router import Router
from loreloom.generation.templates import TemplateLibrary
from loreloom.generation.tiers import Purpose
from loreloom.knowledge.casting import cast_for
from loreloom.knowledge.embedding import Embedder
from loreloom.knowledge.models import Cast, CastRequest
from loreloom.state import generations, players, quests, worlds
from loreloom.state.players import PlayerRecord
from loreloom.state.quests import Citation, QuestDesign, QuestRecord
from loreloom.state.store import Event, Store, Transaction
from loreloom.state.worlds import WorldRecord

TRIES = 3
"""A first try and two repairs."""


@dataclass(frozen=True, slots=True)
class WritingParts:
    """What writing needs: where things are kept, how passages are found, and who writes."""

    store: Store
    embedder: Embedder
    router: Router
    lexicon: Lexicon
    templates: TemplateLibrary
    budget: Budget


@dataclass(frozen=True, slots=True)
class _Desk:
    """Everything that lies on the desk when something is written for a quest."""

    quest: QuestRecord
    world: WorldRecord
    player: PlayerRecord
    cast: Cast
    seed: int


class WritingActivities(WritingSteps):
    """Design and epilogue. What is written once stands: a second run returns it."""

    def __init__(self, parts: WritingParts) -> None:
        self._parts = parts
        self._store = parts.store

    @activity.defn(name="quest_design")
    async def design(self, quest: QuestRef) -> QuestPlan:
        async with heartbeating():
            return await self._design(quest, None)

    @activity.defn(name="quest_design_by_template")
    async def design_by_template(self, quest: QuestRef) -> QuestPlan:
        return await self._design(quest, TemplateReason.NO_TIER)

    @activity.defn(name="quest_epilogue")
    async def epilogue(self, quest: QuestRef) -> None:
        async with heartbeating():
            await self._epilogue(quest, None)

    @activity.defn(name="quest_epilogue_by_template")
    async def epilogue_by_template(self, quest: QuestRef) -> None:
        await self._epilogue(quest, TemplateReason.NO_TIER)

    async def _design(self, ref: QuestRef, no_model: TemplateReason | None) -> QuestPlan:
        desk = await self._desk(ref)
        if desk.quest.plan is not None:
            return desk.quest.plan
        wish = _wish(desk)
        brief = brief_for(wish, desk.cast.entities)
        draft, record = await self._draft(desk, brief, no_model)
        endings: Epilogues | None = None
        if draft is None:
            template = choose_template(self._parts.templates.templates, brief, desk.seed)
            filled = fill(template, brief, desk.seed)
            draft, endings = filled.draft, filled.epilogues
        plan, story = plan_of(draft, wish, desk.cast.entities, quest_id=ref.quest_id)
        design = QuestDesign(
            plan=plan,
            story=story,
            citations=_citations(desk.cast, record),
            endings=endings,
            source=record.source,
            tier=record.tier,
        )
        with broken_if_refused():
            async with self._store.transaction() as tx:
                await self._keep_record(tx, ref, record)
                await quests.keep_design(tx, ref.quest_id, design)
        return plan

    async def _draft(
        self, desk: _Desk, brief: QuestBrief, no_model: TemplateReason | None
    ) -> tuple[QuestDraft | None, GenerationRecord]:
        reason = no_model or await self._reason_for_template(desk)
        if reason is not None:
            return None, without_model(Purpose.QUEST, reason)
        designed = await design_quest(
            brief,
            [hit.cited() for hit in desk.cast.passages],
            self._parts.router,
            self._parts.lexicon,
            seeds=_seeds(desk.seed),
            budget=self._parts.budget,
        )
        if designed.draft is None or not await self._switched_off(desk.world):
            return designed.draft, designed.record
        # The world was turned to templates while the model wrote: what it wrote is not told.
        return None, _withdrawn(designed.record)

    async def _epilogue(self, ref: QuestRef, no_model: TemplateReason | None) -> None:
        desk = await self._desk(ref)
        story = desk.quest.story
        if story is None:
            raise broken(f"quest {ref.quest_id} has no story")
        if story.epilogue is not None:
            return
        brief = _epilogue_brief(desk, story)
        text, record = await self._ending(desk, brief, no_model)
        with broken_if_refused():
            async with self._store.transaction() as tx:
                await self._keep_record(tx, ref, record)
                if await quests.keep_epilogue(tx, ref.quest_id, text):
                    tx.tell(_told(ref, text, record))

    async def _ending(
        self, desk: _Desk, brief: EpilogueBrief, no_model: TemplateReason | None
    ) -> tuple[str, GenerationRecord]:
        """The epilogue's words. A quest told by a template is told by it to its end."""
        own = _own_ending(desk.quest)
        reason = no_model or await self._reason_for_template(desk)
        if own is not None:
            record = without_model(Purpose.EPILOGUE, reason or TemplateReason.TOLD_BY_TEMPLATE)
            return own, record
        plain = plain_epilogue(self._parts.templates.epilogues, brief, desk.seed)
        if reason is not None:
            return plain, without_model(Purpose.EPILOGUE, reason)
        written = await write_epilogue(
            brief,
            [hit.cited() for hit in desk.cast.passages],
            self._parts.router,
            self._parts.lexicon,
            seeds=_seeds(desk.seed + TRIES),
            budget=self._parts.budget,
        )
        if written.text is None:
            return plain, written.record
        if await self._switched_off(desk.world):
            return plain, _withdrawn(written.record)
        return written.text, written.record

    async def _desk(self, ref: QuestRef) -> _Desk:
        quest = await quests.find_quest(self._store, ref.quest_id)
        world = await worlds.find_world(self._store, ref.world_id)
        player = await players.find_player(self._store, ref.world_id, ref.player_id)
        if quest is None or world is None or player is None:
            raise broken(f"quest {ref.quest_id}, its world or its player is gone")
        async with self._store.reading() as connection:
            facts = await worlds.facts_of(connection, ref.world_id, ref.player_id)
        seed = _seed(world, quest)
        cast = await cast_for(
            self._store,
            self._parts.embedder,
            CastRequest(
                canon=world.canon,
                viewpoint=Viewpoint(rating=world.rating, facts=facts),
                seed=seed,
                giver=quest.story.giver if quest.story else quest.request.giver,
                region=quest.request.region,
                theme=quest.request.theme,
            ),
        )
        return _Desk(quest=quest, world=world, player=player, cast=cast, seed=seed)

    async def _reason_for_template(self, desk: _Desk) -> TemplateReason | None:
        """Why no model may be asked: the world's switch, or a budget that is spent."""
        if desk.world.templates_only:
            return TemplateReason.WORLD_SWITCH
        spent = await generations.tokens_spent(
            self._store, desk.world.world_id, desk.player.player_id
        )
        if (
            spent.by_world >= desk.world.world_daily_tokens
            or spent.by_player >= desk.world.player_daily_tokens
        ):
            return TemplateReason.BUDGET
        return None

    async def _switched_off(self, world: WorldRecord) -> bool:
        now = await worlds.find_world(self._store, world.world_id)
        return now is not None and now.templates_only

    async def _keep_record(self, tx: Transaction, ref: QuestRef, record: GenerationRecord) -> None:
        subject = quest_workflow_id(ref.quest_id)
        key = f"{subject}/{record.purpose}"
        await generations.keep_generation(
            tx,
            generations.KeptGeneration(
                generation_id=GenerationId(f"gen_{hashlib.sha256(key.encode()).hexdigest()[:24]}"),
                key=key,
                world_id=ref.world_id,
                player_id=ref.player_id,
                subject=subject,
                purpose=record.purpose,
                record=record.model_dump(mode="json"),
                tokens=record.tokens_in + record.tokens_out,
            ),
        )


def _seed(world: WorldRecord, quest: QuestRecord) -> int:
    """The quest's own seed: the same world and quest get the same design."""
    digest = hashlib.sha256(f"{world.seed}/{quest.quest_id}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def _seeds(first: int) -> tuple[int, ...]:
    return tuple(range(first, first + TRIES))


def _wish(desk: _Desk) -> Wish:
    request = desk.quest.request
    return Wish(
        kind=request.kind,
        difficulty=request.difficulty,
        rating=desk.world.rating,
        level=desk.player.level,
        seed=desk.seed,
        giver=desk.cast.giver.name if desk.cast.giver else None,
        region=request.region,
        theme=request.theme,
        offer_seconds=request.offer_seconds,
        limit_game_hours=request.limit_game_hours,
    )


def _citations(cast: Cast, record: GenerationRecord) -> tuple[Citation, ...]:
    """The passages that the words rest on: those of the prompt, or, of a template, the cast's."""
    used = set(record.passages) or {hit.passage_id for hit in cast.passages}
    return tuple(
        Citation(passage_id=hit.passage_id, document=hit.document, heading=hit.heading)
        for hit in cast.passages
        if hit.passage_id in used
    )


def _withdrawn(record: GenerationRecord) -> GenerationRecord:
    return record.model_copy(
        update={"source": Source.TEMPLATE, "reason": TemplateReason.WORLD_SWITCH, "tier": None}
    )


def _epilogue_brief(desk: _Desk, story: QuestStory) -> EpilogueBrief:
    chosen = desk.quest.progress.chosen
    return EpilogueBrief(
        title=story.title,
        summary=story.summary,
        giver=story.giver,
        outcome=desk.quest.progress.state,
        rating=desk.world.rating,
        cast=desk.cast.entities,
        deeds=tuple(
            line
            for objective_id, line in sorted(story.objectives.items())
            if desk.quest.progress.done.get(objective_id)
        ),
        choice=story.choices.get(chosen) if chosen else None,
    )


def _own_ending(quest: QuestRecord) -> str | None:
    """The ending that the quest's own template has for how it went, if a template told it."""
    if quest.endings is None or quest.plan is None:
        return None
    state, chosen = quest.progress.state, quest.progress.chosen
    failed = state is QuestState.FAILED
    if chosen is not None and quest.endings.by_choice:
        ids = [choice.choice_id for choice in quest.plan.choices]
        # A quest can fail of its time limit after a choice that was meant to lead on.
        if (quest.plan.choice(chosen).outcome is ChoiceOutcome.FAIL) is failed:
            return quest.endings.by_choice[ids.index(chosen)]
    return quest.endings.failed if failed else quest.endings.completed


def _told(ref: QuestRef, text: str, record: GenerationRecord) -> Event:
    subject = quest_workflow_id(ref.quest_id)
    return Event(
        world_id=ref.world_id,
        key=f"{subject}/epilogue",
        kind="quest.epilogue",
        subject=subject,
        player_id=ref.player_id,
        data={"quest_id": ref.quest_id, "text": text, "source": record.source},
    )
