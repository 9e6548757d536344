"""Bad input is refused in one shape, names the field, and changes nothing."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from loreloom.api.http.errors import KINDS, TYPE_PREFIX
from loreloom.state.keys import Scope, revoke_key
from tests.api.counting import counts
from tests.docs.told_kinds import told_kinds
from tests.support.serving import Api, serving

DOCS = Path(__file__).parents[2] / "docs"
JSON = {"Content-Type": "application/json"}


def is_problem(answer: httpx.Response) -> dict[str, Any]:
    """The problem, once it is known to have the one shape."""
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert set(problem) == {"type", "title", "status", "code", "detail", "errors"}
    assert problem["type"] == TYPE_PREFIX + problem["code"]
    assert problem["status"] == answer.status_code
    assert problem["detail"]
    return problem


BAD_BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b'{"name": 3}',
    b'{"name": ""}',
    b'{"name": " x"}',
    b'{"name": "a\\u0000b"}',
    b'{"name": "\\ud800"}',
    b'{"name": "a", "seed": NaN}',
    b'{"name": "a", "seed": 1e400}',
    b'{"name": "a", "seed": 99999999999999999999999999}',
    b'{"name": "a", "seed": -1}',
    b'{"name": "a", "wrong": 1}',
    b'{"name": "a", "regions": ["x", "x"]}',
    b'{"name": "a", "canon": "No Canon"}',
    b'{"name": "a", "rating": "loud"}',
    b'{"name": "' + b"x" * 101 + b'"}',
    b'{"name": "\xff\xfe"}',
    b'{"name": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=range(len(BAD_BODIES)))
async def test_a_body_that_is_wrong_changes_nothing(api: Api, body: bytes) -> None:
    before = await counts(api)
    answer = await api.game.post("/v1/worlds", content=body, headers=JSON)
    assert answer.status_code == 422
    assert is_problem(answer)["errors"]
    assert await counts(api) == before


async def test_the_field_that_is_wrong_is_named(api: Api) -> None:
    answer = await api.game.post("/v1/worlds", json={"name": "a", "calendar": {"seasons": [3]}})
    assert is_problem(answer)["errors"][0]["field"] == "calendar.seasons.0"
    answer = await api.game.get("/v1/worlds?limit=0")
    assert is_problem(answer)["errors"][0]["field"] == "limit"
    answer = await api.game.get("/v1/worlds?limit=99999999999999999999999")
    assert is_problem(answer)["errors"][0]["field"] == "limit"


async def test_the_framework_s_own_errors_have_the_same_shape(api: Api) -> None:
    assert is_problem(await api.game.get("/nowhere"))["code"] == "not_found"
    wrong = await api.game.request("PATCH", "/v1/worlds")
    assert is_problem(wrong)["code"] == "method_not_allowed"
    assert "GET" in wrong.headers["Allow"] or "POST" in wrong.headers["Allow"]
    untyped = await api.game.post("/v1/worlds", content=b"name=a")
    assert is_problem(untyped)["code"] == "unsupported_media_type"


async def test_a_body_that_is_too_large_is_refused_however_it_comes(api: Api) -> None:
    before = await counts(api)
    large = b'{"name": "' + b"x" * 70_000 + b'"}'
    answer = await api.game.post("/v1/worlds", content=large, headers=JSON)
    assert is_problem(answer)["code"] == "body_too_large"

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(70):
            yield b"x" * 1000

    answer = await api.game.post("/v1/worlds", content=chunks(), headers=JSON)
    assert is_problem(answer)["code"] == "body_too_large"
    assert await counts(api) == before


async def test_who_has_no_key_is_told_how_to_bring_one(api: Api) -> None:
    wrong: tuple[dict[str, str], ...] = (
        {},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic eDp5"},
        {"Authorization": "Bearer " + "x" * 5000},
    )
    for headers in wrong:
        answer = await api.nobody.get("/v1/worlds", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert is_problem(answer)["code"] == "unauthenticated"
    # Who may not call learns nothing of what is wrong with the call.
    assert (await api.nobody.post("/v1/worlds", content=b"{")).status_code == 401


async def test_scopes(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    address = f"/v1/worlds/{world_id}/players"
    assert is_problem(await api.designer.post(address, json={}))["code"] == "forbidden"
    assert (await api.designer.get(f"{address}/mara")).status_code == 200
    assert (await api.ops.get(f"{address}/mara")).status_code == 200
    for method, path in (
        ("POST", "/v1/lore/documents"),
        ("GET", "/v1/lore/documents"),
        ("PATCH", "/v1/lore/entities/e"),
        ("PATCH", f"/v1/worlds/{world_id}"),
    ):
        answer = await api.game.request(method, path, json={})
        assert is_problem(answer)["code"] == "forbidden", path
    for path in ("/healthz", "/metrics", "/openapi.json", "/docs"):
        assert (await api.nobody.get(path)).status_code == 200, path


async def test_a_revoked_key_is_refused_within_seconds(api: Api) -> None:

    assert (await api.game.get("/v1/worlds")).status_code == 200
    async with api.parts.store.reading() as connection:
        name = await connection.execute(
            text("SELECT name FROM api_keys WHERE 'game' = ANY(scopes)")
        )
        assert await revoke_key(api.parts.store, name.scalar_one())
    # A process that has not seen the key refuses it at once; this one within its few seconds.
    async with serving(api.parts) as fresh:
        headers = {"Authorization": f"Bearer {api.secrets[Scope.GAME]}"}
        assert (await fresh.nobody.get("/v1/worlds", headers=headers)).status_code == 401


def test_every_error_is_documented() -> None:
    page = (DOCS / "errors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_]+)` \| (\d+) \|", page, re.MULTILINE)
    assert dict(rows) == {str(code): str(kind.status) for code, kind in KINDS.items()}


async def test_every_metric_is_documented(api: Api) -> None:
    page = (DOCS / "metrics.md").read_text(encoding="utf-8")
    told = (await api.nobody.get("/metrics")).text
    names = set(re.findall(r"^# HELP (loreloom_\w+)", told, re.MULTILINE))
    assert names == set(re.findall(r"^\| `(loreloom_\w+)` \|", page, re.MULTILINE))


def test_every_chronicle_kind_is_documented() -> None:
    page = (DOCS / "chronicle.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|", page, re.MULTILINE))
    assert documented == told_kinds()


def test_the_json_of_a_problem_is_what_the_page_says() -> None:
    example = (DOCS / "errors.md").read_text(encoding="utf-8")
    found = re.search(r"```json\n(.*?)```", example, re.DOTALL)
    assert found is not None
    problem = json.loads(found.group(1))
    assert KINDS[problem["code"]].status == problem["status"]
