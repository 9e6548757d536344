"""Template files load, and a broken one is refused with its file, its line and its field."""

import random
from pathlib import Path

import pytest
import yaml

from loreloom.domain.calendar import Calendar
from loreloom.domain.canon import Entity, EntityKind, Rating
from loreloom.domain.draft import EpilogueBrief, QuestBrief
from loreloom.domain.filling import choose_template, fill, plain_epilogue
from loreloom.domain.ids import EntityId
from loreloom.domain.prose import check_draft, check_epilogue
from loreloom.domain.quest import Difficulty, ObjectiveKind, QuestKind, Surroundings
from loreloom.domain.templates import QuestTemplate
from loreloom.domain.weather import Weather
from loreloom.generation.lexicon import load_lexicon
from loreloom.generation.templates import (
    TemplateFileCode,
    TemplateFileError,
    load_templates,
)
from tests.generation.templates import CONTENT, GOOD, folder_with

LIBRARY = load_templates(CONTENT / "quests")


def canon() -> tuple[Entity, ...]:
    """Everyone in the front matter of our lore."""
    found: dict[str, Entity] = {}
    for document in sorted((CONTENT / "lore").glob("*.md")):
        front = yaml.safe_load(document.read_text("utf-8").split("---\n")[1])
        for raw in front["entities"]:
            found[raw["name"]] = Entity(
                entity_id=EntityId(raw["name"]),
                name=raw["name"],
                kind=EntityKind(raw["kind"]),
                aliases=tuple(raw.get("aliases") or ()),
            )
    return tuple(found.values())


@pytest.mark.parametrize("template", LIBRARY.templates, ids=lambda t: t.template_id)
def test_the_rules_of_prose_accept_every_filled_template(template: QuestTemplate) -> None:
    rules = load_lexicon().rules
    everyone = canon()
    for seed in range(12):
        cast = tuple(random.Random(seed).sample(everyone, 60)) if seed else everyone
        brief = QuestBrief(
            kind=template.kind,
            difficulty=Difficulty.NORMAL,
            rating=template.rating,
            cast=cast,
            objectives=sum(o.kind is not ObjectiveKind.CHOOSE for o in template.objectives),
            choices=len(template.choices),
        )
        filled = fill(template, brief, seed)
        assert check_draft(filled.draft, brief, rules) == ()
        told = EpilogueBrief(
            title=filled.draft.title,
            summary=filled.draft.summary,
            giver=filled.draft.giver,
            outcome="completed",
            rating=template.rating,
            cast=cast,
        )
        ours = filled.epilogues
        for text in (ours.completed, ours.failed, *ours.by_choice):
            assert check_epilogue(text, told, rules) == ()
        for outcome in ("completed", "failed", "abandoned", "expired"):
            plain = told.model_copy(update={"outcome": outcome})
            text = plain_epilogue(LIBRARY.epilogues, plain, seed)
            assert check_epilogue(text, plain, rules) == ()


def test_preferred_names_and_facts_are_those_of_our_lore() -> None:
    kinds = {entity.name: entity.kind for entity in canon()}
    lore = "\n".join(file.read_text("utf-8") for file in (CONTENT / "lore").glob("*.md"))
    for template in LIBRARY.templates:
        for slot in template.slots.values():
            for name in slot.prefer:
                assert kinds[name.removeprefix("the ")] is slot.kind
        for choice in template.choices:
            if choice.fact_slot is not None:
                assert f"fact: {choice.sets_fact}" in lore


def test_a_folder_loads_in_the_order_of_the_ids(tmp_path: Path) -> None:
    second = GOOD.replace("daily-hello", "daily-again")
    library = load_templates(folder_with(tmp_path, a=GOOD, b=second))
    assert [t.template_id for t in library.templates] == ["daily-again", "daily-hello"]


@pytest.mark.parametrize(
    ("old", "new", "field", "line"),
    [
        ("kind: daily", "kind: weekly", "kind", 2),
        ("{kind: person,", "{kind: ghost,", "slots.giver.kind", 4),
        ("    target: giver", "    target: gvier", "objectives.0.target", 11),
        ("text: Say a word to {giver}.", "text: Say a word to {who}.", "objectives.0.text", 12),
        ("  failed: It was not said.\n", "", "epilogues.failed", 13),
        ("offer: Come", "oferr: x\noffer: Come", "oferr", 8),
        ("offer: Come", "offer: x\noffer: Come", "offer", 9),
    ],
)
def test_a_broken_file_is_refused_with_its_name_line_and_field(
    tmp_path: Path, old: str, new: str, field: str, line: int
) -> None:
    folder = folder_with(tmp_path, good=GOOD, broken=GOOD.replace(old, new))
    with pytest.raises(TemplateFileError) as refused:
        load_templates(folder)
    error = refused.value
    assert (error.code, error.file.name) == (TemplateFileCode.INVALID, "broken.yaml")
    assert (error.field, error.line) == (field, line)
    assert str(error).startswith(f"{folder / 'broken.yaml'}:{line}: {field}: ")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("title: [unclosed", TemplateFileCode.NOT_YAML),
        ("just words", TemplateFileCode.INVALID),
        ("", TemplateFileCode.INVALID),
        ("x: " + "y" * 300_000, TemplateFileCode.UNREADABLE),
    ],
)
def test_a_file_that_is_no_template_at_all_is_refused(
    tmp_path: Path, text: str, code: TemplateFileCode
) -> None:
    with pytest.raises(TemplateFileError) as refused:
        load_templates(folder_with(tmp_path, bad=text))
    assert (refused.value.code, refused.value.file.name) == (code, "bad.yaml")


def test_two_files_with_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateFileError, match=r"a\.yaml has the same id") as refused:
        load_templates(folder_with(tmp_path, a=GOOD, b=GOOD))
    assert refused.value.code is TemplateFileCode.DUPLICATE


def test_a_missing_folder_or_missing_epilogues_are_said_so(tmp_path: Path) -> None:
    with pytest.raises(TemplateFileError) as no_folder:
        load_templates(tmp_path / "nowhere")
    (tmp_path / "a.yaml").write_text(GOOD)
    with pytest.raises(TemplateFileError) as no_epilogues:
        load_templates(tmp_path)
    assert no_folder.value.code is no_epilogues.value.code is TemplateFileCode.MISSING
    assert no_epilogues.value.file.name == "epilogues.yaml"


@pytest.mark.parametrize("kind", QuestKind)
@pytest.mark.parametrize("hour", range(24))
def test_at_every_hour_there_is_work_of_each_kind_that_can_be_begun(
    kind: QuestKind, hour: int
) -> None:
    now = Surroundings(hour=hour, part=Calendar().part_at(hour), weather=Weather.CLEAR)
    brief = QuestBrief(
        kind=kind,
        difficulty=Difficulty.NORMAL,
        rating=Rating.MATURE,
        cast=canon(),
        objectives=1,
        choices=0,
    )
    for seed in range(10):
        template = choose_template(LIBRARY.templates, brief, seed, now)
        for objective in template.objectives:
            if objective.branch is None and objective.condition is not None:
                assert objective.condition.unmet(now) is None
