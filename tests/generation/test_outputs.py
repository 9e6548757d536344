"""What the form of an answer allows passes the rules, and what it reads is what it allowed."""

import json
import random
import re
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreloom.domain.canon import EntityKind, Rating
from loreloom.domain.draft import QuestDraft
from loreloom.domain.prose import ProblemCode, check_draft
from loreloom.domain.quest import ObjectiveKind
from loreloom.generation.answers import ChoiceAmong
from loreloom.generation.lexicon import load_lexicon
from loreloom.generation.outputs import BadShape, cast_serves, deal_giver, quest_form
from tests.generation.casts import CAST, PASSAGES, a_brief

LEXICON = load_lexicon()
# What a grammar cannot see, or sees only roughly: what was said before, and how many small words
# may stand before each that carries weight.
LEFT_TO_THE_RULES = {ProblemCode.REPETITIVE, ProblemCode.DUPLICATE, ProblemCode.TOO_LONG}


def drawn(rng: random.Random, schema: dict[str, Any]) -> Any:
    """A value that the schema allows."""
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if schema["type"] == "string":
        return matching(rng, re._parser.parse(schema["pattern"]))
    if schema["type"] == "array":
        return [drawn(rng, place) for place in schema["prefixItems"]]
    return {name: drawn(rng, held) for name, held in schema["properties"].items()}


def matching(rng: random.Random, tree: Any) -> str:
    """A text that a parsed pattern matches; hypothesis takes minutes for patterns this long."""
    text = ""
    for kind, value in tree:
        match str(kind):
            case "LITERAL":
                text += chr(value)
            case "IN":
                text += chr(rng.choice(value)[1])
            case "BRANCH":
                text += matching(rng, rng.choice(value[1]))
            case "SUBPATTERN":
                text += matching(rng, value[3])
            case "MAX_REPEAT":
                least, most, repeated = value
                times = rng.randint(least, most)
                text += "".join(matching(rng, repeated) for _ in range(times))
            case "AT":
                pass
            case other:
                raise NotImplementedError(other)
    return text


@pytest.mark.parametrize("seed", range(60))
def test_whatever_the_form_allows_the_rules_allow(seed: int) -> None:
    rng = random.Random(seed)
    brief = a_brief(objectives=rng.randint(1, 5), choices=rng.choice([0, 2, 3, 4]))
    form = quest_form(brief, "Eudora Pym", PASSAGES, LEXICON, seed)
    draft = form.read(json.dumps(drawn(rng, form.schema)))
    problems = check_draft(draft, brief, LEXICON.rules)
    assert {problem.code for problem in problems} <= LEFT_TO_THE_RULES, problems


INVENTED = [
    *("Zanbar", "ZANBAR", "Z9", "McZanbar", "O’Zanbar", "d'Zanbar", "al-Zanbar", "Zan-Bar"),
    *("Zanbar Oke", "E. Zanbar", "Dr. Pym", "Lady Pym", "Eudora Pym II", "Eudora ‘Zan’ Pym"),
    *("Eudora Zanbar", "Zanbar Pym", "Pym-Zanbar", "de Zanbar", "Eudora née Zanbar"),
    # Of words that the canon has, and not together.
    *("Eudora Morrowick", "Eudora Pym Morrowick", "Grey Bell", "Widow Ledger", "Low Tower"),
    *("Eudora van Morrowick", "Wenna de la Pym", "Wenna Morrowick ibn Pym", "Élan Bell"),
    *("Eudora-Morrowick", "Eudora\u2011Morrowick", "Eudora–Morrowick", "Eudora  Morrowick"),
    *("Eudora\u2009Morrowick", "Eudora\u00a0Morrowick", "Eudora\nMorrowick"),
    *("House of Morrowick", "Pym of Zanbar", "Zanbar of the Widow Tower", "Bell-of-the-Tower"),
    # In other letters than the canon's, some of which know no capitals.
    *("Élodie", "E\u0301lodie", "Œnone", "ǅivo", "Ｚanbar", "Ⓩanbar", "Ярослав", "Ζήνων"),
    *("Արամ", "ნინო", "王明", "さくら", "محمد", "הדסה", "हरि", "ยาใจ", "Еudora Рym"),
]
SENTENCES = [
    *("{} waits by the river.", "they go to {} by night.", "nobody was told of {}."),
    *("they pay, {} or not, at night.", "then “{}” was said.", "they left (with {}) at night."),
    *("{}'s debt is due.", "they paid {}’s debt.", "they met; {}—nobody else—paid."),
    *("Ask {} about it.", "It was said: {} is gone.", "They wait. Then {} was gone."),
]
TITLES = ["{}", "The Return of {}", "{} at Night", "A Word With {}"]
SPOKEN = [*(("summary", said) for said in SENTENCES), *(("title", said) for said in TITLES)]


@cache
def sound_draft() -> QuestDraft:
    form = quest_form(a_brief(), "Eudora Pym", (), LEXICON, 1)
    return form.read(json.dumps(drawn(random.Random(1), form.schema)))


def unknown_names(field: str, told: str) -> bool:
    """Whether a draft that says so is refused for a name."""
    found = check_draft(sound_draft().model_copy(update={field: told}), a_brief(), LEXICON.rules)
    return (ProblemCode.UNKNOWN_NAME, field) in {(one.code, one.field) for one in found}


@pytest.mark.parametrize("name", INVENTED)
def test_no_accepted_prose_names_what_the_canon_lacks(name: str) -> None:
    assert [said for field, said in SPOKEN if not unknown_names(field, said.format(name))] == []


@pytest.mark.parametrize("name", [name for entity in CAST for name in entity.names])
def test_what_the_canon_has_may_be_named_in_all_the_same_ways(name: str) -> None:
    assert [said for field, said in SPOKEN if unknown_names(field, said.format(name))] == []


@given(st.integers(), st.integers(1, 5))
def test_no_two_objectives_can_be_about_the_same(seed: int, objectives: int) -> None:
    brief = a_brief(objectives=objectives)
    slots = quest_form(brief, "Eudora Pym", (), LEXICON, seed).slots
    assert all(slots)
    about = [{head.target.name for head in slot} for slot in slots]
    assert sum(map(len, about)) == len(set().union(*about))
    kinds = [{head.kind for head in slot} for slot in slots]
    assert sum(map(len, kinds)) == len(set().union(*kinds))


@pytest.mark.parametrize("rating", list(Rating))
def test_words_above_the_rating_are_not_even_offered(rating: Rating) -> None:
    bloody = PASSAGES[0].model_copy(update={"text": "there was gore and a corpse in the cellar"})
    brief = a_brief(rating=rating)
    text = json.dumps(quest_form(brief, "Eudora Pym", [bloody], LEXICON, 1).schema)
    assert ("|corpse|" in text) is (rating.rank >= Rating.TEEN.rank)
    assert ("|gore|" in text) is (rating is Rating.MATURE)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "{",
        "[]",
        '{"giver": "Eudora Pym"}',
        json.dumps(
            {
                "giver": "Eudora Pym",
                "objectives": ["Dance with the Lamp Eel."],
                "title": "A dance",
                "summary": "x",
                "offer": ["x"],
            }
        ),
    ],
)
def test_an_answer_of_another_shape_is_refused(answer: str) -> None:
    form = quest_form(a_brief(objectives=1), "Eudora Pym", (), LEXICON, 1)
    with pytest.raises(BadShape):
        form.read(answer)


def test_a_line_is_read_as_the_objective_whose_beginning_it_has() -> None:
    form = quest_form(a_brief(), "Eudora Pym", (), LEXICON, 3)
    lines = [f"{slot[-1].starts[0]} the night." for slot in form.slots]
    answer = {
        "giver": "Eudora Pym",
        "objectives": lines,
        "title": "A night",
        "summary": "x",
        "offer": ["x", "y"],
    }
    read = form.read(json.dumps(answer)).objectives
    wanted = [slot[-1] for slot in form.slots]
    assert [(o.kind, o.target) for o in read] == [(h.kind, h.target.name) for h in wanted]
    assert [o.to for o in read] == [h.to.name if h.to else None for h in wanted]


def test_a_cast_without_enough_to_ask_for_does_not_serve() -> None:
    people = tuple(entity for entity in CAST if entity.kind is EntityKind.PERSON)
    assert cast_serves(a_brief(cast=people, objectives=2), "Eudora Pym")
    assert not cast_serves(a_brief(cast=people, objectives=3), "Eudora Pym")


def test_the_giver_is_dealt_from_the_persons_when_none_is_asked_for() -> None:
    free = a_brief(giver=None)
    dealt = {deal_giver(free, seed) for seed in range(40)}
    assert dealt == set(free.of_kind(EntityKind.PERSON))
    assert deal_giver(a_brief(giver=None, cast=CAST[3:]), 1) is None


def test_an_answer_that_nothing_could_give_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="choose among"):
        _ = ChoiceAmong(()).schema


def test_the_word_lists_agree_with_each_other() -> None:
    assert LEXICON.rules.unfinished <= LEXICON.dangling <= LEXICON.vocabulary
    assert LEXICON.before_names <= LEXICON.vocabulary
    assert set(LEXICON.frames.objectives) == set(ObjectiveKind) - {ObjectiveKind.CHOOSE}
