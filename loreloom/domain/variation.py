"""What is to be otherwise when a text that was generated is asked for again, to see what comes."""

from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from loreloom.domain.ids import PassageId, WorldId
from loreloom.domain.templates import QuestTemplate

MAX_MESSAGES = 12
MAX_CHARACTERS = 20_000
MAX_PASSAGES = 40
MAX_SEED = 2**31 - 1
MOST_OF_A_SET = 200
"""Texts that are asked for again at once."""
PRINTABLE = r"^[^\x00]*$"


class VariationModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Said(VariationModel):
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str = Field(min_length=1, max_length=MAX_CHARACTERS, pattern=PRINTABLE)


class Otherwise(VariationModel):
    """What is to be otherwise for any text; what is not set stays as it was.

    ``instructions`` stand in place of the prompt's first message. ``of_today`` makes the prompt
    anew from the prompt file as it is now. ``tier`` is the only one that is asked, by the name of
    ``model`` if one is given.
    """

    instructions: str | None = Field(
        default=None, min_length=1, max_length=MAX_CHARACTERS, pattern=PRINTABLE
    )
    of_today: bool = False
    tier: Literal["gold", "silver"] | None = None
    model: str | None = Field(default=None, min_length=1, max_length=200, pattern=PRINTABLE)
    temperature: float | None = Field(default=None, ge=0, le=2)


class Variation(Otherwise):
    """What is to be otherwise for one text.

    ``messages`` is the whole prompt. With other ``passages``, in their order, the prompt is made
    anew. ``seed`` is that of the first try; each repair takes the next. With a ``template`` no
    model is asked: the quest is told by it.
    """

    messages: tuple[Said, ...] | None = Field(default=None, min_length=1, max_length=MAX_MESSAGES)
    passages: tuple[PassageId, ...] | None = Field(default=None, max_length=MAX_PASSAGES)
    seed: int | None = Field(default=None, ge=0, le=MAX_SEED)
    template: QuestTemplate | None = None

    @model_validator(mode="after")
    def _one_teller(self) -> Self:
        given = {name for name, value in self if value != type(self).model_fields[name].default}
        if self.template is not None and given - {"template", "seed"}:
            raise ValueError("a template is asked no prompt, and takes nothing but a seed")
        return self

    @model_validator(mode="after")
    def _printable(self) -> Self:
        if self.template is not None and "\\u0000" in self.template.model_dump_json():
            raise ValueError("a template holds no NUL")
        return self

    @model_validator(mode="after")
    def _one_prompt(self) -> Self:
        if self.messages is not None and (self.instructions is not None or self.of_today):
            raise ValueError("messages are the whole prompt: give no other part of it")
        return self


class WhatIfSet(VariationModel):
    """The texts of a world that are to be asked for again: the newest ``most`` of a time.

    Texts for which no model was asked are none of them.
    """

    world_id: WorldId
    purpose: Literal["quest", "epilogue", "telling"]
    since: AwareDatetime
    until: AwareDatetime
    most: int = Field(ge=1, le=MOST_OF_A_SET)
    otherwise: Otherwise


class Figures(VariationModel):
    """What can be counted of a generation.

    ``unknown_names`` and ``over_rating`` count what its refused attempts were refused for, over all
    of them. ``characters`` are those of the answer that was taken. Tokens are summed over all
    attempts. ``milliseconds`` is the whole.
    """

    accepted: bool
    at_first_try: bool
    attempts: int
    unknown_names: int
    over_rating: int
    characters: int
    tokens_in: int
    tokens_out: int
    milliseconds: int
