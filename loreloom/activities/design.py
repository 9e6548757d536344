"""A quest's design, by a model or by a template. What is designed once stands."""

from temporalio import activity

from loreloom.activities.desk import (
    Desk,
    WritingParts,
    cited,
    desk_for,
    keep_record,
    reason_for_template,
    withdrawn_if_switched,
)
from loreloom.activities.errors import broken, broken_if_refused, quoting_nobody
from loreloom.activities.heartbeats import heartbeating
from loreloom.activities.now import now_for
from loreloom.activities.signatures.errors import NoModel
from loreloom.activities.signatures.quest import DesignSteps, QuestRef, WithoutModel
from loreloom.domain.design import Wish, brief_for, plan_of, region_for
from loreloom.domain.draft import QuestBrief, QuestDraft
from loreloom.domain.filling import FilledTemplate, NoTemplate, choose_template, fill
from loreloom.domain.quest import QuestPlan
from loreloom.domain.story import TemplateReason
from loreloom.generation.designer import design_quest
from loreloom.generation.records import Asked, GenerationRecord, without_model
from loreloom.generation.tiers import Purpose
from loreloom.state import quests, worlds
from loreloom.state.quests import QuestDesign


class DesignActivities(DesignSteps):
    """The design steps of a quest."""

    def __init__(self, parts: WritingParts) -> None:
        self._parts = parts
        self._store = parts.store

    @activity.defn(name="quest_design")
    async def design(self, quest: QuestRef) -> QuestPlan:
        async with heartbeating():
            with quoting_nobody():
                return await self._design(quest, None)

    @activity.defn(name="quest_design_by_template")
    async def design_by_template(self, quest: WithoutModel) -> QuestPlan:
        return await self._design(quest, quest.why)

    async def _design(self, ref: QuestRef, no_model: NoModel | None) -> QuestPlan:
        desk = await desk_for(self._parts, ref)
        if desk.quest.plan is not None:
            return desk.quest.plan
        wish = _wish(desk)
        brief = brief_for(wish, desk.cast.entities)
        draft, record = await self._by_model(desk, wish, brief, no_model)
        endings = None
        if draft is None:
            filled = await self._by_template(desk, wish, brief)
            draft, endings = filled.draft, filled.epilogues
            record = record.model_copy(update={"template": filled.template_id})
        plan, story = plan_of(
            draft,
            wish,
            desk.cast.entities,
            quest_id=ref.quest_id,
            region=self._region(desk, wish, draft.giver),
        )
        design = QuestDesign(
            plan=plan,
            story=story,
            # A template was shown nothing; its words rest on what its cast was taken from.
            citations=cited(desk.cast, record.passages or [p.passage_id for p in desk.passages]),
            endings=endings,
            source=record.source,
            tier=record.tier,
        )
        with broken_if_refused():
            async with self._store.transaction() as tx:
                if await quests.keep_design(tx, ref.quest_id, design):
                    await keep_record(tx, ref, record)
                    return plan
        return await self._kept_plan(ref)

    async def _kept_plan(self, ref: QuestRef) -> QuestPlan:
        """The plan of an attempt that was given up as dead and came first all the same."""
        quest = await quests.find_quest(self._store, ref.quest_id)
        if quest is None or quest.plan is None:
            raise broken(f"quest {ref.quest_id} is gone")
        return quest.plan

    async def _by_model(
        self, desk: Desk, wish: Wish, brief: QuestBrief, no_model: NoModel | None
    ) -> tuple[QuestDraft | None, GenerationRecord]:
        asked = Asked(brief=brief, names=(), seed=desk.seed)
        if desk.quest.request.template is not None:
            return None, without_model(Purpose.QUEST, TemplateReason.NAMED, asked)
        if no_model is not None:
            return None, without_model(Purpose.QUEST, no_model.reason, asked, no_model.failure)
        reason = await reason_for_template(self._store, desk.world, desk.player.player_id)
        if reason is not None:
            return None, without_model(Purpose.QUEST, reason, asked)
        now = await now_for(
            self._store,
            self._parts.life,
            desk.world,
            desk.player.player_id,
            giver=wish.giver,
            region=wish.region,
            theme=wish.theme,
            cast=desk.cast.entities,
        )
        designed = await design_quest(
            brief.model_copy(update={"now": now.lines}),
            desk.passages,
            self._parts.router,
            self._parts.lexicon,
            seeds=desk.seeds(),
            budget=self._parts.budget,
            names=now.names,
        )
        withdrawn = await withdrawn_if_switched(self._store, desk.world, designed.record)
        if designed.draft is None or withdrawn is None:
            return designed.draft, designed.record
        return None, withdrawn

    async def _by_template(self, desk: Desk, wish: Wish, brief: QuestBrief) -> FilledTemplate:
        region = self._region(desk, wish, wish.giver)
        now = await worlds.surroundings(self._store, desk.world, desk.player.player_id, region)
        templates = self._parts.templates.now().templates
        named = desk.quest.request.template
        if named is not None:
            templates = tuple(t for t in templates if t.template_id == named)
        try:
            template = choose_template(templates, brief, desk.seed, now)
        except NoTemplate as error:
            raise broken(error.message) from error
        return fill(template, brief, desk.seed)

    def _region(self, desk: Desk, wish: Wish, giver: str | None) -> str | None:
        homes = {character.name: character.home for character in self._parts.life.characters}
        return region_for(wish, giver, homes, [region.region for region in desk.world.regions])


def _wish(desk: Desk) -> Wish:
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
