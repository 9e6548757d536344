"""What an arc is held against when it is checked: the content that lies beside it."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from loreloom.content.arc_files import arc_files, read_arc
from loreloom.content.calendar import load_calendar
from loreloom.content.climates import load_climates
from loreloom.content.files import ContentError
from loreloom.content.life import load_life
from loreloom.content.store import load_price_book
from loreloom.content.world import default_regions
from loreloom.domain.arc import ArcDefinition
from loreloom.domain.arc_check import Finding, Surrounding, check, facts_set_by, weathers_made_by
from loreloom.domain.canon import EntityKind
from loreloom.domain.climates import weathers_by_season
from loreloom.domain.ids import FactId
from loreloom.domain.living.aftermath import lived_facts
from loreloom.domain.living.content import LifeContent
from loreloom.domain.price_book import PriceBook
from loreloom.domain.templates import QuestTemplate
from loreloom.generation.lexicon import load_lexicon
from loreloom.generation.templates import load_templates
from loreloom.knowledge.front_matter import DeclaredEntity, FrontMatter, split_front_matter
from loreloom.knowledge.problems import LoreProblem


def check_arcs(files: Iterable[Path], content: Path) -> dict[Path, tuple[Finding, ...]]:
    """What is wrong with each arc, held against a content folder.

    Raises ``ArcFileError`` for a file that is no arc, ``TemplateFileError`` for an unsound quest
    template, ``ContentError`` for any other file of the folder that cannot be used.
    """
    around = surrounding(content)
    return {file: check(read_arc(file), around) for file in files}


def arcs_at(paths: Iterable[Path]) -> Iterator[Path]:
    """The arcs' files at paths that are files or folders."""
    for path in paths:
        yield from arc_files(path) if path.is_dir() else [path]


def surrounding(content: Path) -> Surrounding:
    """What the content folder knows of, and what its arcs, quests and own life can bring about."""
    entities = declared_entities(content / "lore")
    templates = load_templates(content / "quests").templates
    calendar, climates, life = load_calendar(content), load_climates(content), load_life(content)
    regions = default_regions(content)
    arcs = content_arcs(content)
    return Surrounding(
        seasons=frozenset(calendar.seasons),
        parts=frozenset(part for part, _ in calendar.part_starts),
        regions=frozenset(regions),
        factions=frozenset(entity.name for entity in entities if entity.kind is EntityKind.FACTION),
        names=frozenset(name for entity in entities for name in (entity.name, *entity.aliases)),
        openers=load_lexicon().rules.openers,
        templates={template.template_id: len(template.choices) for template in templates},
        seats=life.seats,
        facts=known_facts(templates, arcs, life, load_price_book(content)),
        weathers={
            region: weathers_by_season(climates.climate_of(region), calendar) for region in regions
        },
        made=frozenset(made for arc in arcs for made in weathers_made_by(arc)),
    )


def content_arcs(content: Path) -> list[ArcDefinition]:
    """Every arc of a content folder. Raises ``ArcFileError``."""
    return [read_arc(file) for file in arc_files(content / "arcs")]


def known_facts(
    templates: Iterable[QuestTemplate],
    arcs: Iterable[ArcDefinition],
    life: LifeContent,
    book: PriceBook,
) -> frozenset[FactId]:
    """Every fact that quests, arcs, the world's own life and purchases can make known."""
    chosen = (choice.sets_fact for template in templates for choice in template.choices)
    bought = (item.sets_fact for item in book.items)
    told = (fact for arc in arcs for fact in facts_set_by(arc))
    given = (fact for fact in (*chosen, *bought) if fact is not None)
    return frozenset({*given, *told, *lived_facts(life)})


def documents(lore: Path) -> Iterator[FrontMatter]:
    """The front matter of every document of a folder. Raises ``ContentError``."""
    for file in sorted(lore.glob("*.md")):
        try:
            front, _ = split_front_matter(file.read_text(encoding="utf-8"))
        except (LoreProblem, OSError, UnicodeDecodeError) as problem:
            raise ContentError(file, str(problem)) from None
        yield front


def declared_entities(lore: Path) -> list[DeclaredEntity]:
    """Every entity that the documents declare. Raises ``ContentError``."""
    return [entity for front in documents(lore) for entity in front.entities]
