"""What the guides tell people to type and to edit works, and they name everything that there is."""

import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from loreloom.workers.embedded.stack import Stack
from loreloom.workers.settings import PROJECT

GUIDES = PROJECT / "docs" / "guides"
DESIGNERS = (GUIDES / "designers.md").read_text(encoding="utf-8")
GAME_SERVERS = (GUIDES / "game-servers.md").read_text(encoding="utf-8")
CONTENT = PROJECT / "content"


def test_the_lines_of_the_first_edit_stand_in_the_content() -> None:
    quoted = re.findall(r"^ +> (.+)$", DESIGNERS, re.MULTILINE)
    edited = re.findall(r"Open `(content/[^`]+)`", DESIGNERS)
    assert len(quoted) == len(edited) == 2
    for file, line in zip(edited, quoted, strict=True):
        assert line in (PROJECT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [GUIDES / "designers.md", CONTENT / "README.md"], ids=str)
def test_everything_that_a_designer_edits_is_named(page: Any) -> None:
    text = page.read_text(encoding="utf-8")
    for path in CONTENT.iterdir():
        name = f"{path.name}/" if path.is_dir() else path.name
        assert name == "README.md" or f"`{name}" in text, name


def test_an_arc_is_started_and_pushed_on_as_the_guide_says(engine: Stack) -> None:
    assert engine.keys is not None
    (block,) = (each for each in re.findall(r"```sh\n(.*?)```", GAME_SERVERS, re.DOTALL))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        env={**os.environ, "API": engine.settings.api_url, "KEY": engine.keys.ops},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert '"total":3' in done.stdout
    assert "arc.goal_opened" in done.stdout


class CutOff:
    """A stream that breaks after its first entry."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __enter__(self) -> "CutOff":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def __iter__(self) -> Iterator[bytes]:
        for line in self._stream:
            yield line
            if line.startswith(b"data:"):
                raise ConnectionResetError


def test_the_guides_reader_goes_on_where_it_was_cut_off(
    engine: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine.keys is not None
    (block,) = re.findall(r"```python\n(.*?)```", GAME_SERVERS, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, "game-servers.md", "exec"), names)
    api, key = engine.settings.api_url, engine.keys.ops
    with httpx.Client(base_url=api, headers={"Authorization": f"Bearer {key}"}) as http:
        world_id = http.post("/v1/worlds", json={"name": "Followed"}).json()["world_id"]
        for player in ("mara", "odo"):
            body = {"player_id": player, "name": player}
            assert http.post(f"/v1/worlds/{world_id}/players", json=body).status_code == 201
    connect = urllib.request.urlopen
    monkeypatch.setattr(urllib.request, "urlopen", lambda *a, **k: CutOff(connect(*a, **k)))

    followed = names["follow"](api, key, world_id)
    heard = [next(followed) for _ in range(3)]
    followed.close()

    assert [entry["id"] for entry in heard] == [1, 2, 3]
    assert heard[0]["kind"] == "world.created"
