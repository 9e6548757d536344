"""The activities of "what if", as their workflows call them."""

from typing import Any, Literal, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from temporalio import activity

from loreloom.domain.ids import GenerationId, PassageId, WorldId
from loreloom.domain.variation import Figures, Otherwise, Variation

MOST_OF_A_SET = 200
"""Texts that are asked for again at once."""


class WhatIfModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WhatIf(WhatIfModel):
    """A text that was generated, and what is to be otherwise."""

    generation_id: GenerationId
    variation: Variation


class SaidOtherwise(WhatIfModel):
    """What comes: ``lines`` as a player would read them, none if no text was taken.

    ``record`` is the generation room's own account of it. ``gone`` are passages that were to be
    shown and that the canon no longer has.
    """

    lines: tuple[str, ...]
    record: dict[str, Any]
    gone: tuple[PassageId, ...]
    then: Figures
    now: Figures


class WhatIfSet(WhatIfModel):
    """The texts of a world that are to be asked for again: the newest ``most`` of a time.

    Texts for which no model was asked are none of them.
    """

    world_id: WorldId
    purpose: Literal["quest", "epilogue", "telling"]
    since: AwareDatetime
    until: AwareDatetime
    most: int = Field(ge=1, le=MOST_OF_A_SET)
    otherwise: Otherwise


class Compared(WhatIfModel):
    """One text of a set: what can be counted of it then and now."""

    generation_id: GenerationId
    then: Figures
    now: Figures


class WhatIfSteps(Protocol):
    """Asking again. Nothing that any of these does reaches a player, a budget or the chronicle."""

    @activity.defn(name="whatif_ask")
    async def ask(self, what: WhatIf) -> SaidOtherwise:
        """Ask for the text again. Fails for good if it is gone, or if no model was asked for it."""
        raise NotImplementedError

    @activity.defn(name="whatif_pick")
    async def pick(self, what: WhatIfSet) -> tuple[GenerationId, ...]:
        """The texts of a set, newest first."""
        raise NotImplementedError

    @activity.defn(name="whatif_compare")
    async def compare(self, what: WhatIf) -> Compared:
        """Ask for a text of a set again, and count."""
        raise NotImplementedError
