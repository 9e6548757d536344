"""A "what if" as the API takes and answers it."""

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from loreloom.activities.signatures.whatif import Compared
from loreloom.api.schemas.fields import Data, View
from loreloom.domain.ids import GenerationId, PassageId, WorldId
from loreloom.domain.variation import MOST_OF_A_SET, Figures, Otherwise, Variation

Purpose = Literal["quest", "epilogue", "telling"]


class AskWhatIf(Variation):
    """What is to be otherwise for one text. Nothing given asks the same again."""


class AskWhatIfSet(BaseModel):
    """Which texts of a world are asked for again, and what is to be otherwise for each.

    They are the newest ``most`` between ``since``, else a week ago, and ``until``, else now.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    purpose: Purpose
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    most: int = Field(default=50, ge=1, le=MOST_OF_A_SET)
    otherwise: Otherwise = Otherwise()


class WhatIfState(StrEnum):
    """Whether the answer is there."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class WhatIfCreated(View):
    """Where to look for the answer."""

    whatif_id: str
    workflow_id: str


class SaidView(View):
    """A text: its lines as a player reads them, and the full account of how it came to be."""

    lines: tuple[str, ...]
    record: Data


class FiguresThenAndNow(View):
    """What can be counted of a text, then and now."""

    then: Figures
    now: Figures


class WhatIfView(View):
    """A text asked for again. ``now`` is there once it is done, and ``figures`` too, but of what a
    template told there are none.

    ``gone`` are passages that were to be shown and that the canon no longer has. ``problem`` says
    why it failed.
    """

    whatif_id: str
    workflow_id: str
    generation_id: GenerationId
    world_id: WorldId
    subject: str
    purpose: str
    state: WhatIfState
    problem: str | None
    variation: Variation
    then: SaidView
    now: SaidView | None
    figures: FiguresThenAndNow | None
    gone: tuple[PassageId, ...]


class Totals(View):
    """What was counted over the texts of a set.

    ``unknown_names`` and ``over_rating`` count what attempts were refused for. ``characters`` (of
    the answers that were taken) and ``milliseconds`` are medians; tokens are summed.
    """

    texts: int
    accepted: int
    at_first_try: int
    attempts: int
    unknown_names: int
    over_rating: int
    characters: float | None
    tokens_in: int
    tokens_out: int
    milliseconds: float | None


class WhatIfSetView(View):
    """Texts asked for again, as far as they have been.

    ``picked`` is how many there are, null until that is known. ``lost`` could not be asked for
    again.
    """

    whatif_id: str
    workflow_id: str
    world_id: WorldId
    purpose: Purpose
    since: AwareDatetime
    until: AwareDatetime
    most: int
    otherwise: Otherwise
    state: WhatIfState
    problem: str | None
    picked: int | None
    then: Totals
    now: Totals
    compared: tuple[Compared, ...]
    lost: tuple[GenerationId, ...]
