"""Prompts from their files: a prefix that never changes, then the data of this call.

What designers and players wrote is data: it goes in as JSON strings inside one user message, with
what a chat template could take for a marker made harmless.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict

from loreloom.domain.canon import CitedPassage, Telling
from loreloom.domain.draft import EpilogueBrief, Problem, QuestBrief, TellingBrief
from loreloom.generation.records import LeftOutReason, Message, PassageLeftOut
from loreloom.generation.tiers import Purpose

HEARSAY_TOKENS = 8
"""What it takes, about, to say of a passage that it is hearsay (``prompts/notes.j2``)."""

_SPECIAL = re.compile(r"<\|.*?\|>|<\|?|\|?>|\[/?INST\]|<</?SYS>>|</?s>", re.IGNORECASE)
_RULE = re.compile(r"(?:[-=_*#~`]\s*){3,}")


class PromptText(BaseModel):
    """A prompt as it is sent. ``prefix`` counts the messages that are the same in every call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    purpose: Purpose
    messages: tuple[Message, ...]
    prefix: int

    @property
    def hash(self) -> str:
        """SHA-256 of the messages, in hex."""
        held = json.dumps([message.model_dump() for message in self.messages], sort_keys=True)
        return hashlib.sha256(held.encode()).hexdigest()

    def repaired(self, problems: Sequence[Problem]) -> "PromptText":
        """This prompt, with the reasons for which an answer to it was refused at its end.

        The answer itself is not shown again: a small model would copy it.
        """
        reasons = "\n".join(f"- {problem.field}: {problem.message}" for problem in problems[:6])
        note = f"\n\nAn earlier try was refused:\n{reasons}\nWrite it anew without these faults."
        *first, last = self.messages
        again = Message(role="user", content=last.content + note)
        return self.model_copy(update={"messages": (*first, again)})


class Selection(BaseModel):
    """The passages that fit a prompt, and those that do not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    used: tuple[CitedPassage, ...]
    left_out: tuple[PassageLeftOut, ...]


def select_passages(passages: Sequence[CitedPassage], budget: int) -> Selection:
    """Take passages in their order while their tokens fit the budget; a repeated text once."""
    used: list[CitedPassage] = []
    left_out: list[PassageLeftOut] = []
    seen: set[str] = set()
    left = budget
    for passage in passages:
        reason = None
        if passage.text in seen:
            reason = LeftOutReason.REPEATED
        elif _tokens(passage) > left:
            reason = LeftOutReason.TOKEN_BUDGET
        if reason is not None:
            left_out.append(PassageLeftOut(passage_id=passage.passage_id, reason=reason))
            continue
        used.append(passage)
        seen.add(passage.text)
        left -= _tokens(passage)
    return Selection(used=tuple(used), left_out=tuple(left_out))


def _tokens(passage: CitedPassage) -> int:
    """What a passage takes in a prompt, with what marks it."""
    return passage.tokens + (HEARSAY_TOKENS if passage.telling is Telling.RUMOUR else 0)


def as_data(text: str, limit: int) -> str:
    """A text as a JSON string that no chat template and no reader takes for more than data.

    Control characters go, markers of roles and rules are broken up, length is limited.
    """
    plain = unicodedata.normalize("NFKC", text)
    plain = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in plain)
    # Taking a marker out can bring the halves of another together, so go on until none is left.
    while (broken := _RULE.sub(" ", _SPECIAL.sub(" ", plain))) != plain:
        plain = broken
    plain = " ".join(plain.split())
    return json.dumps(plain[:limit].rstrip(), ensure_ascii=False)


def quest_prompt(brief: QuestBrief, giver: str, passages: Sequence[CitedPassage]) -> PromptText:
    """The prompt for a quest's design."""
    return _rendered(Purpose.QUEST, brief=brief, giver=giver, passages=passages)


def epilogue_prompt(brief: EpilogueBrief, passages: Sequence[CitedPassage]) -> PromptText:
    """The prompt for an epilogue."""
    return _rendered(Purpose.EPILOGUE, brief=brief, passages=passages)


def telling_prompt(brief: TellingBrief, passages: Sequence[CitedPassage]) -> PromptText:
    """The prompt for what a beat of an arc tells."""
    return _rendered(Purpose.TELLING, brief=brief, passages=passages)


def stable_prefix(purpose: Purpose) -> tuple[Message, ...]:
    """The messages that every prompt of a purpose begins with, byte for byte."""
    parts = _parts(purpose)
    return (
        Message(role="system", content=parts["system"]),
        Message(role="user", content=parts["example"]),
        Message(role="assistant", content=parts["answer"]),
    )


def _rendered(purpose: Purpose, **values: Any) -> PromptText:
    prefix = stable_prefix(purpose)
    body = _environment().from_string(_parts(purpose)["data"]).render(**values)
    last = Message(role="user", content=body)
    return PromptText(purpose=purpose, messages=(*prefix, last), prefix=len(prefix))


@cache
def _parts(purpose: Purpose) -> dict[str, str]:
    """A prompt file's sections; each begins with a line ``=== name``."""
    text = resources.files(__package__).joinpath(f"prompts/{purpose}.j2").read_text("utf-8")
    pieces = re.split(r"^=== (\w+)\n", text, flags=re.MULTILINE)
    return {name: body.strip("\n") for name, body in zip(pieces[1::2], pieces[2::2], strict=True)}


@cache
def _environment() -> Environment:
    # Autoescaping is for HTML; here every value goes through the filter ``data``.
    environment = Environment(
        loader=PackageLoader("loreloom.generation", "prompts"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters["data"] = as_data
    return environment
