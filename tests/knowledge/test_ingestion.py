"""The ingestion as a workflow on the real stack, with its worker killed in the middle."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from loreloom.knowledge.documents import INGESTION_WORKFLOW
from loreloom.workers.cli import app
from loreloom.workers.embedded.stack import PartName, Stack
from loreloom.workflows.ingestion import IngestionWorkflow
from tests.support.waiting import wait_until

SECTIONS = 96


def tale() -> str:
    sentences = " ".join(f"The ferry counted {n} lamps along the quay." for n in range(12))
    return "# Ferry\n\n" + "\n\n".join(f"## Night {i}\n\n{sentences}" for i in range(SECTIONS))


@pytest.fixture
def designer(engine: Stack) -> httpx.Client:
    """The API as a designer calls it."""
    assert engine.keys is not None
    key = engine.keys.designer
    return httpx.Client(
        base_url=engine.settings.api_url, headers={"Authorization": f"Bearer {key}"}, timeout=30
    )


def embedded_rows(engine: Stack) -> dict[int, str]:
    """Which transaction wrote the vectors of each staged passage."""
    database = create_engine(engine.settings.required_database_url())
    with database.connect() as connection:
        query = (
            "SELECT position, xmin::text AS writer FROM staged_passages WHERE vectors IS NOT NULL"
        )
        rows = {row.position: row.writer for row in connection.execute(text(query))}
    database.dispose()
    return rows


def document(designer: httpx.Client, document_id: str) -> dict[str, Any]:
    answer = designer.get(f"/v1/lore/documents/{document_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_outbox_names_the_workflow_as_it_is_called() -> None:
    definition = getattr(IngestionWorkflow, "__temporal_workflow_definition")
    assert definition.name == INGESTION_WORKFLOW


def test_a_killed_worker_goes_on_at_the_first_batch_not_embedded(
    engine: Stack, designer: httpx.Client
) -> None:
    body = {"name": "ferry.md", "markdown": tale()}
    answer = designer.post("/v1/lore/documents", json=body)
    assert answer.status_code == 202, answer.text
    document_id = answer.json()["document_id"]
    wait_until(lambda: len(embedded_rows(engine)) >= 16, "a batch is embedded", 60)
    engine.kill(PartName.WORKER)
    before = embedded_rows(engine)
    assert 0 < len(before) < SECTIONS
    assert document(designer, document_id)["state"] == "ingesting"
    assert designer.get("/v1/lore/search", params={"q": "ferry"}).json()["hits"] == []
    engine.launch(PartName.WORKER)

    def ready() -> bool:
        now = embedded_rows(engine)
        if now:
            assert {p: now.get(p) for p in before} == before
        return bool(document(designer, document_id)["state"] == "ready")

    wait_until(ready, "the document is ready", 120)
    done = document(designer, document_id)
    assert done["passages"] == done["passages_done"] == SECTIONS
    again = designer.post("/v1/lore/documents", json=body).json()
    assert (again["state"], again["started"]) == ("ready", False)
    hits = designer.get("/v1/lore/search", params={"q": "lamps on night 7", "limit": 10}).json()
    assert len(hits["hits"]) == 10


def test_the_command_line_ingests_a_folder_and_searches_it(
    engine: Stack, designer: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "inn.md").write_text("# The Inn\n\nThe inn serves eel pie.\n")
    (tmp_path / "bad.md").write_text("---\ntelling: loud\n---\n# Bad\n")
    (tmp_path / "notes.pdf").write_bytes(b"%PDF-")
    # A file that nobody can read, root included: its first page is not mapped.
    (tmp_path / "dark.md").symlink_to("/proc/self/mem")
    assert engine.keys is not None
    monkeypatch.setenv("LORELOOM_PORT", str(engine.settings.loreloom_port))
    monkeypatch.setenv("LORELOOM_KEY", engine.keys.designer)
    runner = CliRunner()
    first = runner.invoke(app, ["ingest", str(tmp_path)])
    assert first.exit_code == 1, first.output
    assert "deep/inn.md: 1 passages" in first.stdout, (first.output, first.exception)
    assert "bad.md: refused: line 2: telling" in first.stdout
    assert "dark.md: refused: [Errno 5]" in first.stdout
    (tmp_path / "bad.md").unlink()
    (tmp_path / "dark.md").unlink()
    second = runner.invoke(app, ["ingest", str(tmp_path)])
    assert second.exit_code == 0, second.output
    assert "deep/inn.md: unchanged" in second.stdout
    found = runner.invoke(app, ["search", "what is there to eat", "--limit", "1"])
    assert "The inn serves eel pie." in found.stdout


def test_two_files_of_one_name_are_refused_before_either_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LORELOOM_KEY", "unused")
    monkeypatch.setenv("LORELOOM_PORT", "1")
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "notes.md").write_text(f"# Of {folder}\n")
    first, second = (str(tmp_path / folder / "notes.md") for folder in ("one", "two"))
    # Nothing serves at the address, so a file that was sent would say so instead.
    for paths in ([first, second], [str(tmp_path / "one"), second]):
        refused = CliRunner().invoke(app, ["ingest", *paths], env={"COLUMNS": "1000"})
        assert refused.exit_code == 2
        assert f"{first} and {second} would both be" in refused.output
    twice = CliRunner().invoke(app, ["ingest", first, str(tmp_path / "one")])
    assert "would both be" not in twice.output
