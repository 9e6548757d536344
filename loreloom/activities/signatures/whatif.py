"""The activities of "what if", as their workflows call them.

What is asked and what comes of it lies in tables: a history carries ids and figures.
"""

from typing import Protocol

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from loreloom.domain.ids import GenerationId, WhatIfId
from loreloom.domain.variation import Figures


class WhatIfModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WhatIfRef(WhatIfModel):
    """A "what if", or a set of them."""

    whatif_id: WhatIfId


class TextOfSet(WhatIfModel):
    """A text of a set."""

    whatif_id: WhatIfId
    generation_id: GenerationId


class Compared(WhatIfModel):
    """One text of a set: what can be counted of it then and now."""

    generation_id: GenerationId
    then: Figures
    now: Figures


class WhatIfSteps(Protocol):
    """Asking again. Nothing that any of these does reaches a player, a budget or the chronicle."""

    @activity.defn(name="whatif_ask")
    async def ask(self, whatif: WhatIfRef) -> None:
        """Ask for the text again and keep what comes.

        Fails for good if the text is gone, if it was not kept with what it was asked for, or if the
        template that is to tell it cannot.
        """
        raise NotImplementedError

    @activity.defn(name="whatif_pick")
    async def pick(self, whatif: WhatIfRef) -> tuple[GenerationId, ...]:
        """The texts of a set, newest first."""
        raise NotImplementedError

    @activity.defn(name="whatif_compare")
    async def compare(self, text: TextOfSet) -> Compared:
        """Ask for a text of a set again, and count."""
        raise NotImplementedError
