"""A prompt's prefix never changes, and what players and designers wrote stays data in it."""

import json
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreloom.domain.canon import CitedPassage, Telling
from loreloom.domain.draft import Problem
from loreloom.generation.lexicon import load_lexicon
from loreloom.generation.prompting import (
    PromptText,
    as_data,
    epilogue_prompt,
    quest_prompt,
    select_passages,
    stable_prefix,
    telling_prompt,
)
from loreloom.generation.records import LeftOutReason
from loreloom.generation.tiers import Purpose
from tests.generation.casts import PASSAGES, a_brief, a_telling_brief, an_epilogue_brief
from tests.generation.injections import INJECTIONS

PREFIXES = {
    Purpose.QUEST: quest_prompt(a_brief(), "Eudora Pym", PASSAGES).messages[:3],
    Purpose.EPILOGUE: epilogue_prompt(an_epilogue_brief(), PASSAGES).messages[:3],
    Purpose.TELLING: telling_prompt(a_telling_brief(), PASSAGES).messages[:3],
}
PromptOf = Callable[[Sequence[CitedPassage]], PromptText]


def whispered(passage: CitedPassage) -> CitedPassage:
    return passage.model_copy(update={"telling": Telling.RUMOUR})


@pytest.mark.parametrize("theme", [None, "a debt", *INJECTIONS])
@pytest.mark.parametrize("objectives", [1, 5])
def test_the_prefix_is_the_same_bytes_for_every_quest(theme: str | None, objectives: int) -> None:
    prompt = quest_prompt(a_brief(theme=theme, objectives=objectives), "Wenna Morrowick", ())
    assert prompt.messages[: prompt.prefix] == PREFIXES[Purpose.QUEST]
    assert prompt.messages[: prompt.prefix] == stable_prefix(Purpose.QUEST)
    again = prompt.repaired([Problem(code="x", field="title", message="it is empty")])
    assert again.messages[: again.prefix] == PREFIXES[Purpose.QUEST]
    assert "title: it is empty" in again.messages[-1].content


def test_the_prefix_is_the_same_bytes_for_every_epilogue() -> None:
    prompt = epilogue_prompt(an_epilogue_brief(choice=None, deeds=()), ())
    assert prompt.messages[: prompt.prefix] == PREFIXES[Purpose.EPILOGUE]


@pytest.mark.parametrize("wish", ["a debt", *INJECTIONS])
def test_the_prefix_is_the_same_bytes_for_every_text_of_an_arc(wish: str) -> None:
    brief = a_telling_brief(title=wish, theme=wish, who=None, before=(wish,), now=())
    prompt = telling_prompt(brief, ())
    assert prompt.messages[: prompt.prefix] == PREFIXES[Purpose.TELLING]
    assert prompt.messages[: prompt.prefix] == stable_prefix(Purpose.TELLING)
    again = prompt.repaired([Problem(code="x", field="telling", message="it is empty")])
    assert again.messages[: again.prefix] == PREFIXES[Purpose.TELLING]


@pytest.mark.parametrize("theme", INJECTIONS)
def test_an_injection_stays_one_harmless_string(theme: str) -> None:
    prompt = quest_prompt(a_brief(theme=theme), "Eudora Pym", ())
    body = prompt.messages[-1].content
    [line] = [line for line in body.splitlines() if line.startswith("Wish: ")]
    assert isinstance(json.loads(line.removeprefix("Wish: ")), str)
    for marker in ("<|", "|>", "im_start|", "[INST]", "</s>", "<<SYS>>", "\x00", "\x1b", "\u202e"):
        assert marker not in body
    assert [message.role for message in prompt.messages] == ["system", "user", "assistant", "user"]


@given(st.text(max_size=400), st.integers(1, 80))
def test_data_is_always_one_line_of_json_within_its_limit(text: str, limit: int) -> None:
    held = as_data(text, limit)
    assert len(json.loads(held)) <= limit
    assert "\n" not in held
    assert "<|" not in held
    assert "|>" not in held


def test_a_passage_that_does_not_fit_is_left_out_with_its_reason() -> None:
    again = PASSAGES[0].model_copy(update={"passage_id": "p3"})
    chosen = select_passages([PASSAGES[0], again, PASSAGES[1]], 50)
    assert [passage.passage_id for passage in chosen.used] == ["p1"]
    assert [(left.passage_id, left.reason) for left in chosen.left_out] == [
        ("p3", LeftOutReason.REPEATED),
        ("p2", LeftOutReason.TOKEN_BUDGET),
    ]


@pytest.mark.parametrize(
    "prompt_of",
    [
        lambda passages: quest_prompt(a_brief(), "Eudora Pym", passages),
        lambda passages: epilogue_prompt(an_epilogue_brief(), passages),
        lambda passages: telling_prompt(a_telling_brief(), passages),
    ],
)
def test_a_rumour_is_told_as_hearsay_and_a_fact_is_not(prompt_of: PromptOf) -> None:
    fact, rumour = PASSAGES[0], whispered(PASSAGES[1])
    prompt = prompt_of((fact, rumour))
    said = prompt.messages[-1].content.splitlines()
    assert json.dumps(fact.text) in said
    assert f"Hearsay, perhaps untrue: {json.dumps(rumour.text)}" in said
    assert prompt.messages[: prompt.prefix] == PREFIXES[prompt.purpose]


def test_what_marks_a_rumour_counts_against_the_budget() -> None:
    room = PASSAGES[0].tokens
    assert select_passages(PASSAGES[:1], room).used == PASSAGES[:1]
    assert select_passages([whispered(PASSAGES[0])], room).used == ()


def test_the_hash_tells_prompts_apart() -> None:
    one = quest_prompt(a_brief(), "Eudora Pym", PASSAGES)
    assert one.hash == quest_prompt(a_brief(), "Eudora Pym", PASSAGES).hash
    assert one.hash != quest_prompt(a_brief(theme="a debt"), "Eudora Pym", PASSAGES).hash


def test_the_worked_example_could_not_be_copied_into_a_quest() -> None:
    lexicon = load_lexicon()
    answer = json.loads(PREFIXES[Purpose.QUEST][2].content)
    for line in [*answer["objectives"], answer["summary"], *answer["offer"]]:
        words = {word.strip(".").lower() for word in line.split() if word.islower()}
        assert words - lexicon.vocabulary, line
