"""The example world's arcs, and the schema that editors hold arcs against."""

import json
from pathlib import Path

from typer.testing import CliRunner

from loreloom.api.arc_files import arc_files, read_arc
from loreloom.domain.arc import ArcScope
from loreloom.workers.arc_content import check_arcs
from loreloom.workers.arc_schema import FILE, schema
from loreloom.workers.cli import app
from loreloom.workers.settings import Settings


def test_the_example_arcs_have_no_findings() -> None:
    settings = Settings()
    files = arc_files(settings.arcs)
    assert len(files) >= 3
    assert {read_arc(file).scope for file in files} == set(ArcScope)
    assert check_arcs(files, settings.content_folder) == dict.fromkeys(files, ())
    assert all(read_arc(file).arc == file.stem for file in files)


def test_the_published_schema_is_the_models() -> None:
    assert FILE.read_text(encoding="utf-8") == schema()


def test_the_command_finds_what_is_wrong_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        "arc: bad\ntitle: Bad\nscope: world\nstart: a\nbeats:\n"
        "  a: {kind: tell, text: Something., next: [{to: b, when: {season: [monsoon]}}]}\n"
        "  b: {kind: end, outcome: over}\n"
        "  c: {kind: end, outcome: lost}\n"
    )
    found = CliRunner().invoke(app, ["arcs", "check", "--json", str(file)])
    assert found.exit_code == 1
    codes = {(one["code"], one["where"]) for one in json.loads(found.stdout)["findings"]}
    assert codes == {("unknown_name", "a -> b"), ("unreachable", "c")}
    file.write_text("arc: bad\n")
    refused = CliRunner().invoke(app, ["arcs", "check", str(file)])
    assert refused.exit_code == 1
    assert "title" in refused.stderr
    assert CliRunner().invoke(app, ["arcs", "check"]).exit_code == 0
