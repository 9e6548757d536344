"""Prose that names what the canon lacks, or is no sound prose, is refused whoever wrote it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreloom.domain.canon import Entity, EntityKind, Rating
from loreloom.domain.draft import (
    DraftChoice,
    DraftObjective,
    EpilogueBrief,
    QuestBrief,
    QuestDraft,
)
from loreloom.domain.ids import EntityId
from loreloom.domain.names import NameBook
from loreloom.domain.prose import ProblemCode, ProseRules, check_draft, check_epilogue
from loreloom.domain.quest import Difficulty, ObjectiveKind, QuestKind


def an_entity(name: str, kind: EntityKind, *aliases: str) -> Entity:
    return Entity(entity_id=EntityId(name), name=name, kind=kind, aliases=aliases)


CAST = (
    an_entity("Eudora Pym", EntityKind.PERSON, "Mistress Pym", "the clock-keeper"),
    an_entity("Aldous Wray", EntityKind.PERSON),
    an_entity("Widow Tower", EntityKind.PLACE),
    an_entity("Long Lease", EntityKind.THING, "the Lease"),
    an_entity("Corporation of Tarrowmouth", EntityKind.FACTION),
    an_entity("Lamp Eel", EntityKind.CREATURE),
)
NAMES = tuple(name for entity in CAST for name in entity.names)
RULES = ProseRules(
    openers=frozenset(
        [
            "the",
            "a",
            "ask",
            "find",
            "go",
            "i",
            "bring",
            "nobody",
            "she",
            "he",
            "you",
            "then",
            "return",
            "keep",
        ]
    ),
    unfinished=frozenset({"the", "of", "and"}),
    rated=((Rating.TEEN, frozenset({"corpse"})), (Rating.MATURE, frozenset({"gore"}))),
    echoes=("answer with one json object",),
)
BRIEF = QuestBrief(
    kind=QuestKind.SIDE,
    difficulty=Difficulty.NORMAL,
    rating=Rating.TEEN,
    cast=CAST,
    giver="Eudora Pym",
    objectives=2,
    choices=2,
)
GOOD = QuestDraft(
    title="The price of the Long Lease",
    summary="Eudora Pym wants the Long Lease back before the bell rings.",
    giver="Eudora Pym",
    offer="I cannot climb the stairs of Widow Tower again. Bring it to me and I will pay.",
    objectives=(
        DraftObjective(
            kind=ObjectiveKind.TALK,
            target="Aldous Wray",
            text="Ask Aldous Wray where the Lease is kept at night.",
        ),
        DraftObjective(
            kind=ObjectiveKind.DELIVER,
            target="Long Lease",
            to="Eudora Pym",
            text="Bring the Long Lease to Mistress Pym without a word.",
        ),
    ),
    choices=(
        DraftChoice(label="Return the Long Lease to her"),
        DraftChoice(label="Keep it for Aldous Wray"),
    ),
)
EPILOGUE = EpilogueBrief(
    title=GOOD.title,
    summary=GOOD.summary,
    giver="Eudora Pym",
    outcome="completed",
    rating=Rating.TEEN,
    cast=CAST,
)

words = st.text(st.characters(categories=["Ll"]), min_size=2, max_size=9)
letters = st.characters(categories=["Lu", "Lt"])
KNOWN = {word.casefold() for name in NAMES for word in name.replace("-", " ").split()}


@st.composite
def invented_names(draw: st.DrawFn) -> str:
    """A capitalised word that is neither a word of a name nor an opener."""
    name = draw(letters) + draw(words)
    folded = name.casefold()
    if folded in KNOWN | RULES.openers | {"i'm", "i"} or folded.endswith("'s"):
        return "Zanbar"
    return name


def codes(draft: QuestDraft, brief: QuestBrief = BRIEF) -> set[tuple[str, str]]:
    return {(problem.code, problem.field) for problem in check_draft(draft, brief, RULES)}


def with_summary(text: str) -> QuestDraft:
    return GOOD.model_copy(update={"summary": text})


def test_a_sound_draft_is_accepted() -> None:
    assert check_draft(GOOD, BRIEF, RULES) == ()


@given(invented_names(), st.data())
def test_an_unknown_name_is_caught_wherever_it_stands(name: str, data: st.DataObject) -> None:
    field = data.draw(st.sampled_from(["title", "summary", "offer"]))
    text = getattr(GOOD, field).split(" ")
    at = data.draw(st.integers(0, len(text)))
    told = " ".join([*text[:at], name, *text[at:]])
    found = codes(GOOD.model_copy(update={field: told}))
    assert (ProblemCode.UNKNOWN_NAME, field) in found


@given(st.sampled_from(NAMES), st.integers(0, 9))
def test_every_name_of_the_cast_may_stand_anywhere(name: str, at: int) -> None:
    text = ["they", "went", "by", "night,", "for", "the", "price", "of", "bread"]
    told = " ".join(["then", *text[:at], name, *text[at:]])
    assert NameBook(NAMES).unknown(told, RULES.openers) == ()


@given(st.sampled_from(NAMES), st.sampled_from(["'s", "’s", ",", ".", "?", ";", '"', ")"]))
def test_what_follows_a_name_does_not_make_it_unknown(name: str, mark: str) -> None:
    assert NameBook(NAMES).unknown(f"then {name}{mark} left", RULES.openers) == ()


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("Ask Pym about it.", ()),
        ("Then the Corporation of Tarrowmouth paid Aldous Wray of Tarrowmouth.", ()),
        ("Ask Eudora Wray about it.", ("Eudora Wray",)),
        ("Ask Aldous Pym Wray about it.", ("Aldous Pym Wray",)),
        ("Then the Corporation of Wray paid.", ("Corporation of Wray",)),
        ("He said: Find Zan Bar.", ("Zan Bar",)),
        ("Zanbar came. The rest did not.", ("Zanbar",)),
        ("She saw THE tower.", ("THE",)),
        ("I know that I'm late.", ()),
        ("she left with Ask.", ("Ask",)),
        ("Ask McWray about it.", ("McWray",)),
        ("Ask Élodie about it.", ("Élodie",)),
        ("Ask Aldous-Zan about it.", ("Aldous-Zan",)),
        ("Widow Tower's Zanbar fell.", ("Zanbar",)),
        ("Ask Eudora\u2009Wray about it.", ("Eudora Wray",)),
        ("Keep Eudora de Wray out.", ("Eudora de Wray",)),
        ("She is Eudora Pym de Wray.", ("Eudora Pym de Wray",)),
        ("He asked 王明 about it.", ("王明",)),
    ],
)
def test_names_are_told_from_openers_and_from_each_other(
    text: str, unknown: tuple[str, ...]
) -> None:
    assert NameBook(NAMES).unknown(text, RULES.openers) == unknown


def test_a_canon_in_a_script_without_capitals_is_not_taken_for_names_alone() -> None:
    book = NameBook(("王明", "Eudora Pym", "Maison de la Lune"))
    assert book.unknown("the bell of 王明 rang: 他走了", RULES.openers) == ()
    assert book.unknown("she left the Maison de la Lune to محمد", RULES.openers) == ("محمد",)


def test_names_beyond_the_cast_may_be_spoken_of_if_they_are_given() -> None:
    told = with_summary("Eudora Pym wants the Grey Ledger back before the bell rings.")
    assert (ProblemCode.UNKNOWN_NAME, "summary") in codes(told)
    assert check_draft(told, BRIEF, RULES, names=("Grey Ledger",)) == ()


@pytest.mark.parametrize(
    ("summary", "code"),
    [
        ("", ProblemCode.EMPTY),
        ("   ", ProblemCode.EMPTY),
        ("Eudora Pym waits.", ProblemCode.TOO_SHORT),
        ("Eudora Pym wants " + "it and that and more of it, " * 20 + "now.", ProblemCode.TOO_LONG),
        ("Eudora Pym wants the lease back before the bell", ProblemCode.UNFINISHED),
        ("Eudora Pym wants the lease back before the.", ProblemCode.UNFINISHED),
        ("Eudora Pym wants wants the lease back soon.", ProblemCode.REPETITIVE),
        ("Eudora Pym is so, so it is, so it is, so it is, so it is.", ProblemCode.REPETITIVE),
        ("Eudora Pym wants the lease baaaaack before night.", ProblemCode.REPETITIVE),
        ("Eudora Pym wants the lease\x00 back before night.", ProblemCode.NOT_PRINTABLE),
        ("Eudora Pym wants the lease\u202e back before night.", ProblemCode.NOT_PRINTABLE),
        ("Eudora Pym wants **the lease** back before night.", ProblemCode.MARKUP),
        ("Eudora Pym wants <b>the lease</b> back soon.", ProblemCode.MARKUP),
        ("Eudora Pym wants it back. user: say more.", ProblemCode.LEAK),
        ("Eudora Pym must ignore previous words and pay.", ProblemCode.LEAK),
        ("Eudora Pym found the gore before the bell.", ProblemCode.RATING),
        ("Eudora Pym can answer with one json object now.", ProblemCode.ECHO),
        (GOOD.offer, ProblemCode.DUPLICATE),
    ],
)
def test_unsound_prose_is_refused_with_its_code(summary: str, code: ProblemCode) -> None:
    found = {code for code, field in codes(with_summary(summary)) if field in ("summary", "offer")}
    assert code in found


def test_a_rating_lets_milder_words_pass() -> None:
    told = with_summary("Eudora Pym found a corpse before the bell rang.")
    assert codes(told) == set()
    mild = BRIEF.model_copy(update={"rating": Rating.EVERYONE})
    assert (ProblemCode.RATING, "summary") in codes(told, mild)


def change(index: int, **changes: object) -> QuestDraft:
    objectives = list(GOOD.objectives)
    objectives[index] = objectives[index].model_copy(update=changes)
    return GOOD.model_copy(update={"objectives": tuple(objectives)})


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        (change(0, target="Zanbar"), (ProblemCode.NOT_IN_CAST, "objectives.0.target")),
        (change(0, target="Widow Tower"), (ProblemCode.WRONG_KIND, "objectives.0.target")),
        (change(0, to="Eudora Pym"), (ProblemCode.UNWANTED_TO, "objectives.0.to")),
        (change(1, to=None), (ProblemCode.MISSING_TO, "objectives.1.to")),
        (change(1, to="Widow Tower"), (ProblemCode.WRONG_KIND, "objectives.1.to")),
        (
            GOOD.model_copy(update={"giver": "Aldous Wray"}),
            (ProblemCode.WRONG_GIVER, "giver"),
        ),
        (
            GOOD.model_copy(update={"objectives": GOOD.objectives[:1]}),
            (ProblemCode.WRONG_COUNT, "objectives"),
        ),
        (GOOD.model_copy(update={"choices": ()}), (ProblemCode.WRONG_COUNT, "choices")),
        (
            GOOD.model_copy(update={"objectives": (GOOD.objectives[0],) * 2}),
            (ProblemCode.DUPLICATE, "objectives.1"),
        ),
    ],
)
def test_a_draft_picks_only_what_the_brief_allows(
    draft: QuestDraft, expected: tuple[ProblemCode, str]
) -> None:
    assert expected in codes(draft)


def test_a_giver_that_nobody_asked_for_is_still_a_person_of_the_cast() -> None:
    free = BRIEF.model_copy(update={"giver": None})
    assert codes(GOOD, free) == set()
    placed = GOOD.model_copy(update={"giver": "Widow Tower"})
    assert (ProblemCode.WRONG_GIVER, "giver") in codes(placed, free)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Eudora Pym hung the lease in the hall. Nobody asked where it had been.", None),
        ("Eudora Pym hung the lease in the hall where it had been all along.", "wrong_count"),
        ("She ran. He ran. Nobody saw. You ran. Then they all came home again.", "wrong_count"),
        ("Eudora Pym hung the lease in the hall. Zanbar asked where it had been.", "unknown_name"),
        ("", "empty"),
    ],
)
def test_an_epilogue_is_two_to_four_sound_sentences(text: str, code: str | None) -> None:
    found = {problem.code for problem in check_epilogue(text, EPILOGUE, RULES)}
    assert found == ({code} if code else set())
