"""The front matter of a document: what it is, how far it may be told, and whom it names."""

import re
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from loreloom.domain.canon import EntityKind, Rating, Telling
from loreloom.domain.ids import FactId
from loreloom.knowledge.problems import LoreCode, LoreProblem

MAX_FRONT_MATTER = 256 * 1024
_FENCES = ("---", "...")


class _PlainLoader(yaml.SafeLoader):
    """YAML whose scalars are text: a tie ``as: off``, a title ``1984`` mean what they say."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag == "tag:yaml.org,2002:null"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class FrontModel(BaseModel):
    """Base of what is read here: frozen; keys that we do not know are for other tools."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def _or_empty(value: Any) -> Any:
    return () if value is None else value


_Name = Annotated[str, Field(min_length=1, max_length=200)]


class DeclaredTie(FrontModel):
    """How the entity stands to another: ``to`` that one it is ``label``."""

    to: _Name
    label: _Name = Field(alias="as")

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class DeclaredEntity(FrontModel):
    """An entity as a document's front matter declares it."""

    name: _Name
    kind: EntityKind
    aliases: Annotated[tuple[_Name, ...], BeforeValidator(_or_empty)] = ()
    ties: Annotated[tuple[DeclaredTie, ...], BeforeValidator(_or_empty)] = ()


class _Ruled(FrontModel):
    """What says how far something may be told. A fact opens a secret, so it makes one."""

    @model_validator(mode="before")
    @classmethod
    def _fact_makes_a_secret(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("fact") and given.get("telling") is None:
            return {**given, "telling": Telling.SECRET}
        return given


class SectionRule(_Ruled):
    """How far a section and what lies below it may be told, where it differs from the document.

    All keys are ours: with one that was mistyped, the section would be told.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    telling: Telling | None = None
    fact: FactId | None = None
    rating: Rating | None = None


class FrontMatter(_Ruled):
    """A document's front matter; each part has a default, so a document needs none."""

    title: str | None = Field(default=None, max_length=500)
    about: str | None = Field(default=None, max_length=5000)
    telling: Telling = Telling.PUBLIC
    fact: FactId | None = None
    rating: Rating = Rating.EVERYONE
    entities: Annotated[tuple[DeclaredEntity, ...], BeforeValidator(_or_empty)] = ()
    sections: Annotated[dict[str, SectionRule], BeforeValidator(lambda v: v or {})] = Field(
        default_factory=dict
    )


_OURS = re.compile(rf"(?:{'|'.join(FrontMatter.model_fields)})\s*:")


def split_front_matter(text: str) -> tuple[FrontMatter, int]:
    """The front matter, and the number of lines that it takes; none is an empty one and 0.

    Raises ``LoreProblem`` with the line if it is no YAML, has a value of a wrong type, or begins
    with a key of ours and is never closed: its secrets would be told. A first line of three dashes
    that begins nothing of the kind is a rule.
    """
    lines = text.split("\n", 20_000)
    opening = next((i for i, line in enumerate(lines) if line.strip()), 0)
    if lines[opening].rstrip() != "---":
        return FrontMatter(), 0
    first = next((i for i, line in enumerate(lines[opening + 1 :], opening + 1) if line.strip()), 0)
    ours = _OURS.match(lines[first]) is not None
    end = next((i for i, line in enumerate(lines[first:], first) if line.rstrip() in _FENCES), None)
    if not ours and (end is None or first != opening + 1):
        return FrontMatter(), 0
    if end is None:
        problem = "the front matter is not closed by a line of three dashes"
        raise LoreProblem(LoreCode.BAD_FRONT_MATTER, problem, line=first + 1)
    source = "\n".join(lines[first:end])
    if len(source) > MAX_FRONT_MATTER:
        raise LoreProblem(LoreCode.BAD_FRONT_MATTER, "the front matter is too long", line=first)
    loaded, root = _load(source, first + 1)
    if loaded is None:
        return FrontMatter(), end + 1
    if not isinstance(loaded, dict):
        raise LoreProblem(
            LoreCode.BAD_FRONT_MATTER, "the front matter must be keys with values", line=first + 1
        )
    try:
        return FrontMatter.model_validate(loaded), end + 1
    except ValidationError as error:
        raise _as_problem(error, root, first + 1) from None


def _load(source: str, first: int) -> tuple[Any, yaml.Node | None]:
    try:
        root = yaml.compose(source, Loader=_PlainLoader)
        return yaml.load(source, Loader=_PlainLoader), root
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + first if error.problem_mark else first
        problem = f"the front matter is no YAML: {error.problem}"
        raise LoreProblem(LoreCode.BAD_FRONT_MATTER, problem, line=line) from None
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        problem = f"the front matter is no YAML: {type(error).__name__}"
        raise LoreProblem(LoreCode.BAD_FRONT_MATTER, problem, line=first) from None


def _as_problem(error: ValidationError, root: yaml.Node | None, line: int) -> LoreProblem:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = first["loc"]
    field = ".".join(str(part) for part in path)
    return LoreProblem(
        LoreCode.BAD_FRONT_MATTER, f"{field}: {first['msg']}", line=_line_of(root, path, line)
    )


def _line_of(node: yaml.Node | None, path: tuple[int | str, ...], first: int) -> int:
    """The line in the document of the value at that path, or of what comes nearest above it.

    ``first`` is the line that the front matter's own first is in the document.
    """
    line = first
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + first, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + first
        else:
            break
    return line
