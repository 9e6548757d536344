"""Texts that were generated, asked for again with something otherwise. No story hears of it."""

from temporalio import activity

from loreloom.activities.desk import WritingParts
from loreloom.activities.errors import broken, broken_if_refused, quoting_nobody
from loreloom.activities.heartbeats import heartbeating
from loreloom.activities.signatures.whatif import Compared, TextOfSet, WhatIfRef, WhatIfSteps
from loreloom.domain.draft import QuestBrief
from loreloom.domain.filling import NoTemplate
from loreloom.domain.ids import GenerationId, PassageId
from loreloom.domain.templates import QuestTemplate
from loreloom.domain.variation import Variation, WhatIfSet
from loreloom.generation.again import SaidAgain, ask_again, figures_of, tell_again
from loreloom.generation.records import Asked, GenerationRecord
from loreloom.knowledge.passages import passages_by_id
from loreloom.state import generations, whatifs
from loreloom.state.whatifs import SaidOtherwise


class WhatIfActivities(WhatIfSteps):
    """The steps of "what if"."""

    def __init__(self, parts: WritingParts) -> None:
        self._parts = parts
        self._store = parts.store

    @activity.defn(name="whatif_ask")
    async def ask(self, whatif: WhatIfRef) -> None:
        kept = await whatifs.find(self._store, whatif.whatif_id)
        if kept is None:
            raise broken(f"the what-if {whatif.whatif_id} is gone")
        async with heartbeating():
            with quoting_nobody():
                said = await self._ask(kept.generation_id, kept.variation)
        with broken_if_refused():
            await whatifs.keep_answer(self._store, whatif.whatif_id, said)

    @activity.defn(name="whatif_pick")
    async def pick(self, whatif: WhatIfRef) -> tuple[GenerationId, ...]:
        a_set = await self._set(whatif)
        return await generations.asked_for(
            self._store, a_set.world_id, a_set.purpose, a_set.since, a_set.until, a_set.most
        )

    @activity.defn(name="whatif_compare")
    async def compare(self, text: TextOfSet) -> Compared:
        a_set = await self._set(WhatIfRef(whatif_id=text.whatif_id))
        variation = Variation(**a_set.otherwise.model_dump())
        async with heartbeating():
            with quoting_nobody():
                said = await self._ask(text.generation_id, variation)
        return Compared(generation_id=text.generation_id, then=said.then, now=said.now)

    async def _set(self, whatif: WhatIfRef) -> WhatIfSet:
        a_set = await whatifs.find_set(self._store, whatif.whatif_id)
        if a_set is None:
            raise broken(f"the set {whatif.whatif_id} is gone")
        return a_set

    async def _ask(self, generation_id: GenerationId, variation: Variation) -> SaidOtherwise:
        kept = await generations.find_generation(self._store, generation_id)
        if kept is None:
            raise broken(f"the generation {generation_id} is gone")
        then = GenerationRecord.model_validate(kept.record)
        if then.asked is None:
            raise broken(f"it was not kept with what {generation_id} was asked for")
        if variation.template is not None:
            said = _told_by(variation.template, then.asked, variation.seed)
            return _answer(then, said, ())
        chosen = variation.passages
        wanted = then.passages if chosen is None else chosen
        found = await passages_by_id(self._store, wanted)
        said = await ask_again(
            then,
            then.asked,
            [found[passage_id].cited() for passage_id in wanted if passage_id in found],
            variation,
            self._parts.router,
            self._parts.lexicon,
            self._parts.budget,
        )
        return _answer(then, said, tuple(each for each in wanted if each not in found))


def _told_by(template: QuestTemplate, asked: Asked, seed: int | None) -> SaidAgain:
    if not isinstance(asked.brief, QuestBrief):
        raise broken("a template tells a whole quest, and this text is a part of one")
    try:
        return tell_again(asked, asked.brief, template, seed)
    except NoTemplate as error:
        raise broken(error.message) from error


def _answer(then: GenerationRecord, said: SaidAgain, gone: tuple[PassageId, ...]) -> SaidOtherwise:
    return SaidOtherwise(
        lines=said.lines,
        record=said.record.model_dump(mode="json"),
        gone=gone,
        then=figures_of(then),
        now=figures_of(said.record),
    )
