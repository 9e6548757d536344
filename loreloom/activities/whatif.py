"""Texts that were generated, asked for again with something otherwise. Nothing is written down."""

from temporalio import activity

from loreloom.activities.desk import WritingParts
from loreloom.activities.errors import broken
from loreloom.activities.heartbeats import heartbeating
from loreloom.activities.signatures.whatif import (
    Compared,
    SaidOtherwise,
    WhatIf,
    WhatIfSet,
    WhatIfSteps,
)
from loreloom.domain.ids import GenerationId
from loreloom.generation.again import ask_again, figures_of
from loreloom.generation.records import GenerationRecord
from loreloom.knowledge.passages import passages_by_id
from loreloom.state import generations


class WhatIfActivities(WhatIfSteps):
    """The steps of "what if"."""

    def __init__(self, parts: WritingParts) -> None:
        self._parts = parts
        self._store = parts.store

    @activity.defn(name="whatif_ask")
    async def ask(self, what: WhatIf) -> SaidOtherwise:
        async with heartbeating():
            return await self._ask(what)

    @activity.defn(name="whatif_pick")
    async def pick(self, what: WhatIfSet) -> tuple[GenerationId, ...]:
        return await generations.asked_for(
            self._store, what.world_id, what.purpose, what.since, what.until, what.most
        )

    @activity.defn(name="whatif_compare")
    async def compare(self, what: WhatIf) -> Compared:
        async with heartbeating():
            said = await self._ask(what)
        return Compared(generation_id=what.generation_id, then=said.then, now=said.now)

    async def _ask(self, what: WhatIf) -> SaidOtherwise:
        kept = await generations.find_generation(self._store, what.generation_id)
        if kept is None:
            raise broken(f"the generation {what.generation_id} is gone")
        then = GenerationRecord.model_validate(kept.record)
        if then.asked is None:
            raise broken(f"no model was asked for {what.generation_id}")
        chosen = what.variation.passages
        wanted = then.passages if chosen is None else chosen
        found = await passages_by_id(self._store, wanted)
        said = await ask_again(
            then,
            then.asked,
            [found[passage_id].cited() for passage_id in wanted if passage_id in found],
            what.variation,
            self._parts.router,
            self._parts.lexicon,
            self._parts.budget,
        )
        return SaidOtherwise(
            lines=said.lines,
            record=said.record.model_dump(mode="json"),
            gone=tuple(passage_id for passage_id in wanted if passage_id not in found),
            then=figures_of(then),
            now=figures_of(said.record),
        )
