"""A quest's epilogue, by a model or by a template. What is told once stands."""

from temporalio import activity

from loreloom.activities.desk import (
    Desk,
    WritingParts,
    desk_for,
    keep_record,
    reason_for_template,
    withdrawn_if_switched,
)
from loreloom.activities.errors import broken, broken_if_refused, quoting_nobody
from loreloom.activities.heartbeats import heartbeating
from loreloom.activities.signatures.errors import NoModel
from loreloom.activities.signatures.quest import EpilogueSteps, QuestRef, WithoutModel
from loreloom.domain.draft import EpilogueBrief
from loreloom.domain.filling import plain_epilogue
from loreloom.domain.ids import quest_workflow_id
from loreloom.domain.quest import ChoiceOutcome
from loreloom.domain.story import QuestStory, TemplateReason
from loreloom.generation.composing import TRIES
from loreloom.generation.records import Asked, GenerationRecord, without_model
from loreloom.generation.tiers import Purpose
from loreloom.generation.writing import write_epilogue
from loreloom.state import quests, skips
from loreloom.state.quests import QuestRecord
from loreloom.state.store import Event

Told = tuple[str, GenerationRecord]


class EpilogueActivities(EpilogueSteps):
    """The last step of a quest."""

    def __init__(self, parts: WritingParts) -> None:
        self._parts = parts
        self._store = parts.store

    @activity.defn(name="quest_epilogue")
    async def epilogue(self, quest: QuestRef) -> None:
        async with heartbeating():
            with quoting_nobody():
                await self._epilogue(quest, None)

    @activity.defn(name="quest_epilogue_by_template")
    async def epilogue_by_template(self, quest: WithoutModel) -> None:
        await self._epilogue(quest, quest.why)

    async def _epilogue(self, ref: QuestRef, no_model: NoModel | None) -> None:
        # Before anything is gathered: that may be what could not be done.
        if await skips.epilogue_is_skipped(self._store, ref.quest_id):
            return
        desk = await desk_for(self._parts, ref)
        story = desk.quest.story
        if story is None:
            raise broken(f"quest {ref.quest_id} has no story")
        if story.epilogue is not None:
            return
        text, record = await self._told(desk, _brief(desk, story), no_model)
        with broken_if_refused():
            async with self._store.transaction() as tx:
                if await quests.keep_epilogue(tx, ref.quest_id, text):
                    await keep_record(tx, ref, record)
                    tx.tell(_event(ref, text, record))

    async def _told(self, desk: Desk, brief: EpilogueBrief, no_model: NoModel | None) -> Told:
        """The epilogue's words. A quest that a template told is told by it to its end."""
        seeds = desk.seeds(TRIES)
        asked = Asked(brief=brief, names=(), seed=seeds[0])
        own = _own_ending(desk.quest)
        if own is not None:
            return own, without_model(Purpose.EPILOGUE, TemplateReason.TOLD_BY_TEMPLATE, asked)
        plain = plain_epilogue(self._parts.templates.now().epilogues, brief, desk.seed)
        if no_model is not None:
            return plain, without_model(Purpose.EPILOGUE, no_model.reason, asked, no_model.failure)
        reason = await reason_for_template(self._store, desk.world, desk.player.player_id)
        if reason is not None:
            return plain, without_model(Purpose.EPILOGUE, reason, asked)
        written = await write_epilogue(
            brief,
            desk.passages,
            self._parts.router,
            self._parts.lexicon,
            seeds=seeds,
            budget=self._parts.budget,
        )
        withdrawn = await withdrawn_if_switched(self._store, desk.world, written.record)
        if written.text is None or withdrawn is None:
            return written.text or plain, written.record
        return plain, withdrawn


def _brief(desk: Desk, story: QuestStory) -> EpilogueBrief:
    progress = desk.quest.progress
    return EpilogueBrief(
        title=story.title,
        summary=story.summary,
        giver=story.giver,
        outcome=progress.state,
        rating=desk.world.rating,
        cast=desk.cast.entities,
        deeds=tuple(
            line
            for objective_id, line in sorted(story.objectives.items())
            if progress.done.get(objective_id)
        ),
        choice=story.choices.get(progress.chosen) if progress.chosen else None,
    )


def _own_ending(quest: QuestRecord) -> str | None:
    """The ending that the quest's own template has for how it went, if a template told it."""
    if quest.endings is None or quest.plan is None:
        return None
    chosen = quest.progress.chosen
    if chosen is None:
        return quest.endings.told(quest.progress.state)
    ids = [choice.choice_id for choice in quest.plan.choices]
    fails = quest.plan.choice(chosen).outcome is ChoiceOutcome.FAIL
    return quest.endings.told(quest.progress.state, ids.index(chosen), chose_to_fail=fails)


def _event(ref: QuestRef, text: str, record: GenerationRecord) -> Event:
    subject = quest_workflow_id(ref.quest_id)
    return Event(
        world_id=ref.world_id,
        key=f"{subject}/epilogue",
        kind="quest.epilogue",
        subject=subject,
        player_id=ref.player_id,
        data={"quest_id": ref.quest_id, "text": text, "source": record.source},
    )
