"""Reads the quest templates of a content folder, and says exactly what is wrong in one."""

from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from loreloom.domain.quest import QuestKind
from loreloom.domain.templates import PlainEpilogues, QuestTemplate

EPILOGUES_FILE = "epilogues.yaml"
MAX_FILE_BYTES = 256 * 1024

Model = TypeVar("Model", bound=BaseModel)
Path_ = tuple[int | str, ...]


class TemplateFileCode(StrEnum):
    """What is wrong with a template file."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    NOT_YAML = "not_yaml"
    INVALID = "invalid"
    DUPLICATE = "duplicate"


class TemplateFileError(Exception):
    """A file of quest templates cannot be used.

    ``line`` counts from 1; ``field`` is a dotted path into the file. Both are ``None`` where the
    whole file is meant.
    """

    def __init__(
        self,
        code: TemplateFileCode,
        file: Path,
        reason: str,
        *,
        line: int | None = None,
        field: str | None = None,
    ) -> None:
        where = f"{file}" if line is None else f"{file}:{line}"
        super().__init__(f"{where}: {reason}" if field is None else f"{where}: {field}: {reason}")
        self.code = code
        self.file = file
        self.line = line
        self.field = field
        self.reason = reason


class TemplateLibrary(BaseModel):
    """All templates of a folder, in the order of their ids, and the plain epilogues."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    templates: tuple[QuestTemplate, ...]
    epilogues: PlainEpilogues

    def kinds(self) -> dict[str, QuestKind]:
        """The kind of quest that each template makes, by its id."""
        return {template.template_id: template.kind for template in self.templates}


def load_templates(folder: Path) -> TemplateLibrary:
    """Every template of the folder: one a ``.yaml`` file, and ``epilogues.yaml`` beside them.

    Raises ``TemplateFileError`` for the first file that cannot be used, and for a template id
    that two files share.
    """
    if not folder.is_dir():
        raise TemplateFileError(TemplateFileCode.MISSING, folder, "there is no such folder")
    epilogues_file = folder / EPILOGUES_FILE
    seen: dict[str, tuple[Path, QuestTemplate]] = {}
    for file in sorted(folder.glob("*.yaml")):
        if file == epilogues_file:
            continue
        template = read_template(file)
        if template.template_id in seen:
            reason = f"{seen[template.template_id][0].name} has the same id"
            raise TemplateFileError(TemplateFileCode.DUPLICATE, file, reason, field="template_id")
        seen[template.template_id] = (file, template)
    return TemplateLibrary(
        templates=tuple(seen[name][1] for name in sorted(seen)),
        epilogues=read_epilogues(epilogues_file),
    )


def read_template(file: Path) -> QuestTemplate:
    """The template in a file. Raises ``TemplateFileError`` if it holds none that can be used."""
    return _read(file, QuestTemplate)


def read_epilogues(file: Path) -> PlainEpilogues:
    """The plain epilogues of a file. Raises ``TemplateFileError`` if it cannot be used."""
    return _read(file, PlainEpilogues)


def _read(file: Path, model: type[Model]) -> Model:
    source = _text_of(file)
    try:
        root = yaml.compose(source, Loader=yaml.SafeLoader)
        _refuse_repeated_keys(root, file)
        loaded = yaml.safe_load(source)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        reason = f"this is no YAML: {error.problem}"
        raise TemplateFileError(TemplateFileCode.NOT_YAML, file, reason, line=line) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = f"this is no YAML: {error}"
        raise TemplateFileError(TemplateFileCode.NOT_YAML, file, reason) from None
    if not isinstance(loaded, dict):
        reason = "the file must hold keys with values"
        raise TemplateFileError(TemplateFileCode.INVALID, file, reason, line=1)
    try:
        return model.model_validate(loaded)
    except ValidationError as error:
        raise _as_file_error(error, root, file) from None


def _text_of(file: Path) -> str:
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            reason = f"the file is larger than {MAX_FILE_BYTES} bytes"
            raise TemplateFileError(TemplateFileCode.UNREADABLE, file, reason)
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise TemplateFileError(TemplateFileCode.MISSING, file, "there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = f"the file cannot be read as UTF-8: {error}"
        raise TemplateFileError(TemplateFileCode.UNREADABLE, file, reason) from None


def _refuse_repeated_keys(root: yaml.Node | None, file: Path, above: Path_ = ()) -> None:
    if isinstance(root, yaml.SequenceNode):
        for number, child in enumerate(root.value):
            _refuse_repeated_keys(child, file, (*above, number))
    if not isinstance(root, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in root.value:
        path = (*above, str(key.value))
        if key.value in seen:
            raise TemplateFileError(
                TemplateFileCode.INVALID,
                file,
                "this key stands here twice",
                line=key.start_mark.line + 1,
                field=_dotted(path),
            )
        seen.add(key.value)
        _refuse_repeated_keys(value, file, path)


def _as_file_error(error: ValidationError, root: yaml.Node | None, file: Path) -> TemplateFileError:
    first = error.errors(include_url=False, include_input=False)[0]
    path: Path_ = first["loc"]
    context: dict[str, Any] = first.get("ctx", {})
    if first["type"] == "template":
        path = (*path, *(_step(part) for part in str(context["field"]).split(".")))
    return TemplateFileError(
        TemplateFileCode.INVALID,
        file,
        first["msg"],
        line=_line_of(root, path),
        field=_dotted(path) or None,
    )


def _step(part: str) -> int | str:
    return int(part) if part.isdigit() else part


def _dotted(path: Path_) -> str:
    return ".".join(str(part) for part in path)


def _line_of(node: yaml.Node | None, path: Path_) -> int:
    """The line of the value at that path, or of what comes nearest above it; from 1."""
    line = 1
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            if part >= len(node.value):
                break
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
