"""Texts asked for again: what was to be otherwise, and what came of it."""

from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.domain.ids import GenerationId, PassageId, WhatIfId
from loreloom.domain.variation import Figures, Variation, WhatIfSet
from loreloom.state.store import Store
from loreloom.state.tables.base import Json
from loreloom.state.tables.generations import Generation, WhatIf
from loreloom.state.tables.generations import WhatIfSet as WhatIfSetRow


class NoGeneration(Exception):
    """There is no generation of that id, or its player was erased."""


class SaidOtherwise(BaseModel):
    """What came: ``lines`` as a player would read them, none if no text was taken.

    ``record`` is the generation room's own account of it. ``gone`` are passages that were to be
    shown and that the canon no longer has.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lines: tuple[str, ...]
    record: Json
    gone: tuple[PassageId, ...]
    then: Figures
    now: Figures


class KeptWhatIf(BaseModel):
    """A text that is asked for again, and what came once it did."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    whatif_id: WhatIfId
    generation_id: GenerationId
    variation: Variation
    said: SaidOtherwise | None


async def keep(
    store: Store, whatif_id: WhatIfId, generation_id: GenerationId, variation: Variation
) -> None:
    """Keep what is to be otherwise for a text, once by its id. Raises ``NoGeneration``."""
    async with store.transaction() as tx:
        # An erasure that takes the generation meanwhile takes this with it.
        query = select(Generation.world_id, Generation.player_id).where(
            Generation.generation_id == generation_id
        )
        about = (await tx.run(query.with_for_update(key_share=True, read=True))).one_or_none()
        if about is None:
            raise NoGeneration(f"there is no generation {generation_id}")
        await tx.run(
            pg_insert(WhatIf)
            .values(
                whatif_id=whatif_id,
                generation_id=generation_id,
                world_id=about.world_id,
                player_id=about.player_id,
                variation=variation.model_dump(mode="json", exclude_defaults=True),
            )
            .on_conflict_do_nothing()
        )


async def keep_answer(store: Store, whatif_id: WhatIfId, said: SaidOtherwise) -> None:
    """Keep what came. The first answer stands, and of an erased player none does."""
    async with store.transaction() as tx:
        await tx.run(
            update(WhatIf)
            .where(WhatIf.whatif_id == whatif_id, WhatIf.said.is_(None))
            .values(said=said.model_dump(mode="json"))
        )


async def find(store: Store, whatif_id: WhatIfId) -> KeptWhatIf | None:
    """What is asked under that id, or ``None`` if nothing is."""
    query = select(WhatIf.whatif_id, WhatIf.generation_id, WhatIf.variation, WhatIf.said).where(
        WhatIf.whatif_id == whatif_id
    )
    async with store.reading() as connection:
        row: Any = (await connection.execute(query)).one_or_none()
    return KeptWhatIf.model_validate(dict(row._mapping)) if row is not None else None


async def keep_set(store: Store, whatif_id: WhatIfId, asked: WhatIfSet) -> None:
    """Keep which texts are asked for again and what is to be otherwise, once by the set's id."""
    otherwise = asked.otherwise.model_dump(mode="json", exclude_defaults=True)
    values = asked.model_dump() | {"whatif_id": whatif_id, "otherwise": otherwise}
    async with store.transaction() as tx:
        await tx.run(pg_insert(WhatIfSetRow).values(values).on_conflict_do_nothing())


async def find_set(store: Store, whatif_id: WhatIfId) -> WhatIfSet | None:
    """The set of that id, or ``None`` if there is none."""
    columns = [WhatIfSetRow.__table__.c[name] for name in WhatIfSet.model_fields]
    query = select(*columns).where(WhatIfSetRow.whatif_id == whatif_id)
    async with store.reading() as connection:
        row = (await connection.execute(query)).one_or_none()
    return WhatIfSet.model_validate(dict(row._mapping)) if row is not None else None
