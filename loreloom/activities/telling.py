"""What an arc tells in words that are made for it, by a model or by the beat's own. Told once."""

from temporalio import activity

from loreloom.activities.arc import of_arc, remembered_by
from loreloom.activities.desk import (
    WritingParts,
    as_kept,
    cited,
    reason_for_template,
    seed_of,
    withdrawn_if_switched,
)
from loreloom.activities.errors import broken, broken_if_refused, quoting_nobody
from loreloom.activities.heartbeats import heartbeating
from loreloom.activities.now import now_for
from loreloom.activities.signatures.arc import TellingOwn, TellingSteps, Writing
from loreloom.activities.signatures.errors import NoModel
from loreloom.domain.arc import TellBrief, ToldBy
from loreloom.domain.canon import Viewpoint
from loreloom.domain.draft import TellingBrief
from loreloom.domain.ids import PlayerId, arc_workflow_id
from loreloom.domain.living.memories import Deed
from loreloom.generation.composing import TRIES
from loreloom.generation.records import GenerationRecord, without_model
from loreloom.generation.tiers import Purpose
from loreloom.generation.writing import write_telling
from loreloom.knowledge.casting import cast_for
from loreloom.knowledge.models import Cast, CastRequest
from loreloom.state import arc_steps, quests, worlds
from loreloom.state.arc_steps import Words
from loreloom.state.facts import WHOLE_WORLD, facts_of
from loreloom.state.quests import Citation, QuestRecord
from loreloom.state.worlds import WorldRecord

Made = tuple[str | None, GenerationRecord, Cast | None]


class TellingActivities(TellingSteps):
    """The texts of an arc that are made when their beat is entered."""

    def __init__(self, parts: WritingParts) -> None:
        self._parts = parts
        self._store = parts.store

    @activity.defn(name="arc_write")
    async def write(self, step: Writing) -> None:
        async with heartbeating():
            with quoting_nobody():
                await self._write(step, None)

    @activity.defn(name="arc_tell_own")
    async def tell_own(self, step: TellingOwn) -> None:
        await self._write(step, step.why)

    async def _write(self, step: Writing, no_model: NoModel | None) -> None:
        of, brief = of_arc(step), step.beat.brief
        if brief is None or await arc_steps.is_told(self._store, of):
            return
        world = await worlds.find_world(self._store, step.arc.world_id)
        if world is None:
            raise broken(f"the world {step.arc.world_id} is gone")
        if no_model is None:
            text, record, cast = await self._by_model(step, brief, world)
        else:
            told = without_model(Purpose.TELLING, no_model.reason, failure=no_model.failure)
            text, record, cast = None, told, None
        subject = arc_workflow_id(step.arc.arc_id)
        heard = {brief.who: Deed.TOOK_PART} if brief.who is not None else {}
        words = Words(
            text=text or step.beat.text,
            source=ToldBy(record.source.value),
            citations=_citations(cast, record),
            generation=as_kept(
                record, of.key(Purpose.TELLING), subject, world.world_id, step.arc.player_id
            ),
            remembered=remembered_by(step, world, step.title, heard),
        )
        with broken_if_refused():
            await arc_steps.tell(self._store, of, words)

    async def _by_model(self, step: Writing, brief: TellBrief, world: WorldRecord) -> Made:
        """The text by a model, or none, with how it came to be and what it was made from."""
        reason = await reason_for_template(self._store, world, step.arc.player_id)
        if reason is not None:
            return None, without_model(Purpose.TELLING, reason), None
        player_id = step.arc.player_id or WHOLE_WORLD
        quest = await quests.find_quest(self._store, step.quest_id) if step.quest_id else None
        cast = await self._cast(step, brief, world, player_id, quest)
        who = cast.giver.name if cast.giver is not None else None
        now = await now_for(
            self._store,
            self._parts.life,
            world,
            player_id,
            giver=who,
            region=brief.region,
            theme=brief.theme,
            cast=cast.entities,
        )
        before = _before(quest)
        seed = _seed(step, world)
        written = await write_telling(
            TellingBrief(
                title=step.title,
                theme=brief.theme,
                rating=world.rating,
                cast=cast.entities,
                who=who,
                before=before,
                now=now.lines,
            ),
            [hit.cited() for hit in cast.passages],
            self._parts.router,
            self._parts.lexicon,
            seeds=tuple(range(seed, seed + TRIES)),
            budget=self._parts.budget,
            names=(*now.names, *before),
        )
        withdrawn = await withdrawn_if_switched(self._store, world, written.record)
        if withdrawn is not None:
            return None, withdrawn, cast
        return written.text, written.record, cast

    async def _cast(
        self,
        step: Writing,
        brief: TellBrief,
        world: WorldRecord,
        player_id: PlayerId,
        quest: QuestRecord | None,
    ) -> Cast:
        async with self._store.reading() as connection:
            facts = await facts_of(connection, world.world_id, player_id)
        giver = quest.story.giver if quest is not None and quest.story is not None else None
        return await cast_for(
            self._store,
            self._parts.embedder,
            CastRequest(
                canon=world.canon,
                viewpoint=Viewpoint(rating=world.rating, facts=facts),
                seed=_seed(step, world),
                giver=brief.who or giver,
                region=brief.region,
                theme=brief.theme,
            ),
        )


def _seed(step: Writing, world: WorldRecord) -> int:
    return seed_of(world, f"{step.arc.arc_id}/{step.seq}")


def _before(quest: QuestRecord | None) -> tuple[str, ...]:
    """How the arc's last quest went, in words."""
    if quest is None or quest.story is None:
        return ()
    return (f"{quest.story.title}: {quest.progress.state}",)


def _citations(cast: Cast | None, record: GenerationRecord) -> tuple[Citation, ...]:
    """The passages that a model's words rest on; a designer's own rest on none."""
    return cited(cast, record.passages) if cast is not None and record.reason is None else ()
