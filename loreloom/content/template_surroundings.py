"""What quest templates are held against when they are checked: the content beside them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from loreloom.content.arc_surroundings import content_arcs, documents, known_facts
from loreloom.content.calendar import load_calendar
from loreloom.content.climates import load_climates
from loreloom.content.life import load_life
from loreloom.content.store import load_price_book
from loreloom.content.world import default_regions
from loreloom.domain.arc_check import weathers_made_by
from loreloom.domain.canon import Entity
from loreloom.domain.climates import weathers_by_season
from loreloom.domain.draft import Problem
from loreloom.domain.ids import EntityId, FactId
from loreloom.domain.template_check import (
    TemplateWorld,
    check_plain_epilogues,
    check_template,
    unserved_kinds,
)
from loreloom.domain.templates import QuestTemplate
from loreloom.generation.lexicon import load_lexicon
from loreloom.generation.templates import (
    EPILOGUES_FILE,
    TemplateFileError,
    read_epilogues,
    read_template,
)
from loreloom.knowledge.front_matter import FrontMatter

Findings = dict[Path, list[Problem]]


def check_templates(files: Iterable[Path], content: Path) -> Findings:
    """What is wrong in each file of templates, held against a content folder.

    A file that cannot be used at all is a finding like any other. Raises ``ContentError`` or
    ``ArcFileError`` for what lies beside the templates and cannot be used.
    """
    rules = load_lexicon().rules
    found: Findings = {file: [] for file in files}
    templates = dict(_readable(found))
    beside = dict(_readable({file: [] for file in templates_at([content / "quests"])}))
    world = template_world(content, (beside | templates).values())
    for file, template in templates.items():
        if template.template_id != file.stem:
            message = f"a file has the name of its template: {template.template_id}.yaml"
            found[file].append(Problem(code="misnamed", field="template_id", message=message))
        found[file] += check_template(template, world, rules)
    for file in found:
        if file.name == EPILOGUES_FILE:
            found[file] += _in_epilogues(file)
    return found


def check_folder(folder: Path) -> tuple[Problem, ...]:
    """What a folder of templates lacks as a whole, for each story to find a template."""
    templates = dict(_readable({file: [] for file in templates_at([folder])}))
    lacking = [
        Problem(
            code="unserved",
            field=kind,
            message=f"no template of the kind {kind} serves always: rated everyone, without "
            "`requires`, and waiting for no weather",
        )
        for kind in unserved_kinds(templates.values())
    ]
    if not (folder / EPILOGUES_FILE).exists():
        message = "the epilogues for quests that have none of their own are missing"
        lacking.append(Problem(code="missing", field=EPILOGUES_FILE, message=message))
    return tuple(lacking)


def templates_at(paths: Iterable[Path]) -> list[Path]:
    """The template files at paths that are files or folders, the plain epilogues among them."""
    return [
        file
        for path in paths
        for file in (sorted(path.glob("*.yaml")) if path.is_dir() else [path])
    ]


def template_world(content: Path, templates: Iterable[QuestTemplate]) -> TemplateWorld:
    """What a content folder knows of, and what it and these templates can bring about.

    Raises ``ContentError`` or ``ArcFileError``.
    """
    fronts = list(documents(content / "lore"))
    arcs, calendar = content_arcs(content), load_calendar(content)
    climates = load_climates(content)
    seasons = (
        weathers_by_season(climates.climate_of(region), calendar).values()
        for region in default_regions(content)
    )
    made = {made.state for arc in arcs for made in weathers_made_by(arc)}
    return TemplateWorld(
        entities=_entities(fronts),
        calendar=calendar,
        weathers=frozenset(made.union(*(states for season in seasons for states in season))),
        facts=known_facts(templates, arcs, load_life(content), load_price_book(content)),
        secrets=frozenset(fact for front in fronts for fact in _secrets(front)),
    )


def _readable(found: Findings) -> Iterator[tuple[Path, QuestTemplate]]:
    """The templates that can be read; a finding is added for each file that cannot."""
    for file in found:
        if file.name == EPILOGUES_FILE:
            continue
        try:
            yield file, read_template(file)
        except TemplateFileError as error:
            found[file].append(_unusable(error))


def _in_epilogues(file: Path) -> tuple[Problem, ...]:
    try:
        return check_plain_epilogues(read_epilogues(file), load_lexicon().rules)
    except TemplateFileError as error:
        return (_unusable(error),)


def _unusable(error: TemplateFileError) -> Problem:
    line = "" if error.line is None else f"line {error.line}"
    field = ": ".join(filter(None, (line, error.field)))
    return Problem(code=error.code, field=field, message=error.reason)


def _entities(fronts: Iterable[FrontMatter]) -> tuple[Entity, ...]:
    """Everyone whom the documents declare, each once."""
    found = {
        declared.name: Entity(
            entity_id=EntityId(declared.name),
            name=declared.name,
            kind=declared.kind,
            aliases=declared.aliases,
        )
        for front in fronts
        for declared in front.entities
    }
    return tuple(found.values())


def _secrets(front: FrontMatter) -> Iterator[FactId]:
    """The facts under which a document, or a section of it, is kept secret."""
    facts = (front.fact, *(rule.fact for rule in front.sections.values()))
    return (fact for fact in facts if fact is not None)
