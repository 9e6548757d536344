"""Quest templates fill into sound quests with any cast, and with none."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from loreloom.domain.calendar import DayPart
from loreloom.domain.canon import Entity, EntityKind, Rating
from loreloom.domain.draft import SECOND_KINDS, TARGET_KINDS, EpilogueBrief, QuestBrief
from loreloom.domain.filling import (
    FilledTemplate,
    NoTemplate,
    TemplateCode,
    choose_template,
    fill,
    plain_epilogue,
    spoken,
)
from loreloom.domain.ids import EntityId
from loreloom.domain.quest import (
    ChoiceOutcome,
    Difficulty,
    ObjectiveKind,
    QuestKind,
    QuestState,
    Surroundings,
)
from loreloom.domain.templates import PlainEpilogues, QuestTemplate
from loreloom.domain.weather import Weather
from loreloom.generation.templates import load_templates

LIBRARY = load_templates(Path(__file__).parents[2] / "content" / "quests")
FOREIGN = ("Ozric", "Mother Blaise", "Vorn Tal", "Ysolt", "Pike Harrow", "Quenby", "Dun Mere")

entities = st.builds(
    lambda kind, name, number: Entity(
        entity_id=EntityId(f"{kind}/{number}"),
        name=f"{name} {'IVXLC'[number % 5]}",
        kind=kind,
        aliases=(f"{name}s",) if number % 2 else (),
    ),
    st.sampled_from(EntityKind),
    st.sampled_from(FOREIGN),
    st.integers(0, 9),
)
casts = st.lists(entities, max_size=25, unique_by=lambda entity: entity.name).map(tuple)
templates = st.sampled_from(LIBRARY.templates)
seeds = st.integers(0, 2**63)


def brief(kind: QuestKind, cast: tuple[Entity, ...] = (), **changes: object) -> QuestBrief:
    values = {
        "kind": kind,
        "difficulty": Difficulty.NORMAL,
        "rating": Rating.MATURE,
        "cast": cast,
        "objectives": 1,
        "choices": 0,
    }
    return QuestBrief.model_validate(values | changes)


def entity(name: str, kind: EntityKind, *aliases: str) -> Entity:
    return Entity(entity_id=EntityId(name), name=name, kind=kind, aliases=aliases)


def texts(filled: FilledTemplate) -> list[str]:
    draft = filled.draft
    return [
        draft.title,
        draft.summary,
        draft.offer,
        *(objective.text for objective in draft.objectives),
        *(choice.label for choice in draft.choices),
        filled.epilogues.completed,
        filled.epilogues.failed,
        *filled.epilogues.by_choice,
    ]


@given(templates, casts, seeds)
def test_every_template_fills_with_any_cast(
    template: QuestTemplate, cast: tuple[Entity, ...], seed: int
) -> None:
    filled = fill(template, brief(template.kind, cast), seed)
    draft = filled.draft
    kinds = {member.name: member.kind for member in cast}
    stand_ins = {slot.otherwise: slot.kind for slot in template.slots.values()}
    asked = [o for o in draft.objectives if o.kind is not ObjectiveKind.CHOOSE]

    assert not any("{" in text or "}" in text for text in texts(filled))
    assert 1 <= len(asked) <= 5
    for objective in draft.objectives:
        wanted = TARGET_KINDS[objective.kind]
        assert (kinds | stand_ins)[objective.target] is wanted
        assert (objective.to is None) is (objective.kind not in SECOND_KINDS)
        assert objective.to != objective.target
        assert objective.branch is None or (
            draft.choices[objective.branch].outcome is ChoiceOutcome.CONTINUE
        )
    assert len(filled.names) == len(set(filled.names))
    assert set(filled.names) <= set(kinds)


@given(templates, casts, seeds)
def test_a_filled_template_names_nobody_but_the_cast(
    template: QuestTemplate, cast: tuple[Entity, ...], seed: int
) -> None:
    filled = fill(template, brief(template.kind, cast), seed)
    told = sorted((name for member in cast for name in member.names), key=len, reverse=True)
    for text in texts(filled):
        for name in told:
            text = text.replace(name, "x")
        for number, word in enumerate(text.split()):
            before = text.split()[number - 1] if number else "."
            opens = before.endswith((".", "?", "!"))
            assert word.islower() or not word[0].isupper() or opens or word == "I", text


@given(templates, casts, seeds)
def test_the_same_seed_gives_the_same_quest(
    template: QuestTemplate, cast: tuple[Entity, ...], seed: int
) -> None:
    wanted = brief(template.kind, cast)
    assert fill(template, wanted, seed) == fill(template, wanted, seed)
    assert choose_template(LIBRARY.templates, wanted, seed) == choose_template(
        LIBRARY.templates[::-1], wanted, seed
    )


@given(templates, casts, seeds)
def test_every_way_out_is_told_afterwards(
    template: QuestTemplate, cast: tuple[Entity, ...], seed: int
) -> None:
    filled = fill(template, brief(template.kind, cast), seed)
    for number, choice in enumerate(filled.draft.choices):
        fails = choice.outcome is ChoiceOutcome.FAIL
        outcome = QuestState.FAILED if fails else QuestState.COMPLETED
        assert filled.epilogue(outcome, number) == filled.epilogues.by_choice[number]
    assert filled.epilogue(QuestState.COMPLETED) == filled.epilogues.completed
    assert filled.epilogue(QuestState.FAILED) == filled.epilogues.failed
    assert filled.epilogue(QuestState.EXPIRED) is None


def test_a_time_limit_after_a_good_choice_is_told_as_a_failure() -> None:
    boats = by_id("main-the-boat-that-stayed")
    filled = fill(boats, brief(QuestKind.MAIN), 1)
    assert filled.epilogue(QuestState.FAILED, 0) == filled.epilogues.failed


@given(st.sampled_from(QuestKind), casts, seeds)
def test_some_template_serves_the_mildest_world(
    kind: QuestKind, cast: tuple[Entity, ...], seed: int
) -> None:
    chosen = choose_template(LIBRARY.templates, brief(kind, cast, rating=Rating.EVERYONE), seed)
    assert (chosen.kind, chosen.rating) == (kind, Rating.EVERYONE)


def test_no_fitting_template_is_refused_with_a_code() -> None:
    main_only = [t for t in LIBRARY.templates if t.kind is QuestKind.MAIN]
    with pytest.raises(NoTemplate) as refused:
        choose_template(main_only, brief(QuestKind.DAILY), 1)
    assert refused.value.code is TemplateCode.NO_TEMPLATE


def test_a_template_waits_for_the_kinds_that_it_requires() -> None:
    wings = by_id("event-a-dusk-of-wings").model_copy(update={"requires": (EntityKind.CREATURE,)})
    moth = entity("Soot Moth", EntityKind.CREATURE)
    with pytest.raises(NoTemplate):
        choose_template([wings], brief(QuestKind.EVENT), 1)
    assert choose_template([wings], brief(QuestKind.EVENT, (moth,)), 1) == wings


@given(st.sampled_from(QuestKind), casts, seeds)
def test_where_there_is_no_weather_no_template_is_taken_that_waits_for_one(
    kind: QuestKind, cast: tuple[Entity, ...], seed: int
) -> None:
    now = Surroundings(hour=12, part=DayPart.DAY)
    chosen = choose_template(LIBRARY.templates, brief(kind, cast), seed, now)
    conditions = [objective.condition for objective in chosen.objectives]
    assert not any(condition.weather for condition in conditions if condition is not None)


def test_a_template_that_an_arc_names_is_refused_where_it_could_never_be_done() -> None:
    boats, now = by_id("event-unlit-boats"), Surroundings(hour=12, part=DayPart.DAY)
    with pytest.raises(NoTemplate) as refused:
        choose_template([boats], brief(QuestKind.EVENT), 1, now)
    assert "waits for no weather" in refused.value.message
    under_a_sky = now.model_copy(update={"weather": Weather.FOG})
    assert choose_template([boats], brief(QuestKind.EVENT), 1, under_a_sky) == boats


def test_a_template_that_the_cast_can_fill_comes_before_one_that_it_cannot() -> None:
    cast = (entity("Ozric", EntityKind.PERSON), entity("Ysolt", EntityKind.PERSON))
    for seed in range(40):
        chosen = choose_template(LIBRARY.templates, brief(QuestKind.DAILY, cast), seed)
        assert chosen.template_id == "daily-twenty-words"


def test_the_giver_that_was_asked_for_gives_the_quest_and_plays_nobody_else() -> None:
    cast = (
        entity("Nell Farthingale", EntityKind.PERSON, "Captain of the Snuffs"),
        entity("Silas Hobday", EntityKind.PERSON),
        entity("Ozric", EntityKind.PERSON),
    )
    for template in LIBRARY.templates:
        filled = fill(template, brief(template.kind, cast, giver="Ozric"), 3)
        assert (filled.draft.giver, filled.names[0]) == ("Ozric", "Ozric")


def test_preferred_names_play_where_the_canon_has_them() -> None:
    cast = (
        entity("Ozric", EntityKind.PERSON),
        entity("Hetty Marchbank", EntityKind.PERSON),
        entity("Broker's Loaf", EntityKind.THING),
        entity("Ysolt", EntityKind.PERSON),
    )
    bread = by_id("daily-bread-before-the-bell")
    filled = fill(bread, brief(QuestKind.DAILY, cast), 5)
    assert filled.draft.giver == "Hetty Marchbank"
    assert filled.draft.objectives[0].target == "Broker's Loaf"
    assert "the Broker's Loaf" in filled.draft.objectives[0].text


def test_a_secret_is_opened_only_by_those_whom_it_is_about() -> None:
    wax = by_id("main-wax-at-the-door")
    ours = fill(wax, brief(QuestKind.MAIN, (entity("Kept Candle", EntityKind.THING),)), 1)
    theirs = fill(wax, brief(QuestKind.MAIN, (entity("Excalibur", EntityKind.THING),)), 1)

    assert ours.draft.choices[0].sets_fact == "stublings_go_home"
    assert theirs.draft.choices[0].sets_fact is None
    assert [o.condition for o in theirs.draft.objectives] == [None] * 5
    assert any(o.condition and o.condition.fact for o in ours.draft.objectives)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("a market beadle", "a market beadle"),
        (entity("Kilnwarren", EntityKind.PLACE, "the Kilnwarren"), "the Kilnwarren"),
        (entity("Soot Moth", EntityKind.CREATURE, "Soot Moths"), "the Soot Moths"),
        (entity("Grey Ledger", EntityKind.THING), "the Grey Ledger"),
        (entity("Rudge's Casebook", EntityKind.THING), "Rudge's Casebook"),
        (entity("Excalibur", EntityKind.THING), "Excalibur"),
        (entity("Cloth Reach", EntityKind.PLACE), "Cloth Reach"),
    ],
)
def test_names_are_spoken_as_they_stand_in_a_sentence(part: Entity | str, said: str) -> None:
    assert spoken(part) == said


@pytest.mark.parametrize("outcome", ["completed", "failed", "abandoned", "expired"])
@given(seed=seeds)
def test_a_plain_epilogue_tells_of_every_ending(outcome: str, seed: int) -> None:
    told = plain_epilogue(LIBRARY.epilogues, epilogue_brief(outcome), seed)
    assert told == plain_epilogue(LIBRARY.epilogues, epilogue_brief(outcome), seed)
    assert "Ozric" in told
    assert "{" not in told


def test_a_plain_epilogue_may_speak_of_the_title_and_not_of_a_state_that_is_no_ending() -> None:
    line = ("So ends {title}, says {giver}.",)
    plain = PlainEpilogues(completed=line, failed=line, abandoned=line, expired=line)
    assert plain_epilogue(plain, epilogue_brief("failed"), 1) == "So ends the loaf, says Ozric."
    with pytest.raises(NoTemplate) as refused:
        plain_epilogue(plain, epilogue_brief("active"), 1)
    assert refused.value.code is TemplateCode.NO_EPILOGUE


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("giver", {"giver": "nobody"}),
        ("offer", {"offer": "Ask {nobody} about it."}),
        ("title", {"title": "A stray } brace"}),
        ("slots.idle", {"slots": {"idle": {"kind": "thing", "otherwise": "a jar"}}}),
        ("objectives.0.target", {"objectives": [{"kind": "reach", "target": "giver"}]}),
        ("objectives.0.to", {"objectives": [{"kind": "escort", "target": "giver"}]}),
        ("objectives.0.branch", {"objectives": [{"kind": "talk", "target": "giver", "branch": 0}]}),
        (
            "objectives.0.condition.hours",
            {"objectives": [{"kind": "talk", "target": "giver", "condition": {"hours": [4, 4]}}]},
        ),
        ("choices", {"choices": [{"label": "Go on"}]}),
        ("epilogues.by_choice", {"epilogues": {"by_choice": ["It was told to {giver}."]}}),
    ],
)
def test_what_does_not_hold_together_is_named_by_its_field(
    field: str, changes: dict[str, object]
) -> None:
    QuestTemplate.model_validate(raw_template({}))
    with pytest.raises(ValidationError) as refused:
        QuestTemplate.model_validate(raw_template(changes))
    assert refused.value.errors()[0]["ctx"]["field"] == field


def test_the_content_covers_every_kind_of_quest_objective_and_condition() -> None:
    objectives = [o for t in LIBRARY.templates for o in t.objectives]
    conditions = [o.condition for o in objectives if o.condition]
    branching = [t for t in LIBRARY.templates if any(o.branch is not None for o in t.objectives)]

    for kind in QuestKind:
        assert sum(t.kind is kind for t in LIBRARY.templates) >= 4
    assert {o.kind for o in objectives} == set(ObjectiveKind)
    for part in ("hours", "part", "weather", "fact"):
        assert any(getattr(condition, part) for condition in conditions)
    assert len(branching) >= 3
    assert any(c.outcome is ChoiceOutcome.FAIL for t in branching for c in t.choices)


def test_no_condition_of_the_content_can_keep_a_quest_from_its_end() -> None:
    for template in LIBRARY.templates:
        for objective in template.objectives:
            condition = objective.condition
            if condition is None:
                continue
            assert not condition.weather or "clear" in condition.weather
            assert condition.without_fact is None
            if condition.fact is not None:
                assert objective.branch is not None
                assert template.choices[objective.branch].sets_fact == condition.fact


def by_id(template_id: str) -> QuestTemplate:
    return next(t for t in LIBRARY.templates if t.template_id == template_id)


def epilogue_brief(outcome: str) -> EpilogueBrief:
    return EpilogueBrief(
        title="the loaf",
        summary="It was carried.",
        giver="Ozric",
        outcome=outcome,
        rating=Rating.EVERYONE,
        cast=(),
    )


def raw_template(changes: dict[str, object]) -> dict[str, object]:
    raw: dict[str, object] = {
        "template_id": "daily-hello",
        "kind": "daily",
        "slots": {"giver": {"kind": "person", "otherwise": "the baker"}},
        "giver": "giver",
        "title": "A word with {giver}",
        "summary": "Go and see {giver}.",
        "offer": "Come and see me.",
        "objectives": [{"kind": "talk", "target": "giver"}],
        "epilogues": {},
    }
    for key, value in changes.items():
        held = raw.get(key)
        raw[key] = held | value if isinstance(held, dict) and isinstance(value, dict) else value
    raw["objectives"] = [{"text": "Say a word to {giver}."} | o for o in raw["objectives"]]  # type: ignore[attr-defined]
    raw["epilogues"] = {"completed": "Done.", "failed": "Not done."} | raw["epilogues"]  # type: ignore[operator]
    return raw
