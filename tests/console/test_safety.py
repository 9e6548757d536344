"""Who may see and do what in the console, and that nobody's words become a page's."""

import asyncio
import re
from dataclasses import replace
from urllib.parse import quote

import pytest
from playwright.async_api import expect

from loreloom.domain.ids import WorldId
from loreloom.state.keys import Scope, ensure_key, new_secret, revoke_key
from loreloom.state.store import Event
from tests.console.conftest import Console, Reader
from tests.console.signing_in import browserless, sign_in, token, token_on
from tests.console.told import HOSTILE
from tests.support.serving import serving


async def test_hostile_words_stay_words(console: Console, designer: Reader) -> None:
    for address in (f"quests/{console.told.quest_id}", f"worlds/{console.told.world_id}"):
        await designer.page.goto(f"/console/{address}")
        assert await designer.page.title() != "owned"
    await designer.page.goto(f"/console/quests/{console.told.quest_id}")
    assert HOSTILE in await designer.page.inner_text("aside")
    assert designer.complaints == []


async def test_a_script_in_a_page_would_not_run(console: Console) -> None:
    async with browserless(console) as client:
        policy = (await client.get("/console/sign-in")).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


async def test_nobody_reads_without_a_key(console: Console) -> None:
    async with browserless(console) as client:
        for address in ("worlds", f"quests/{console.told.quest_id}", "canon/default", "ops"):
            answer = await client.get(f"/console/{address}")
            assert answer.status_code == 303
            back = quote(f"/console/{address}", safe="")
            assert answer.headers["location"] == f"/console/sign-in?next={back}"


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [("nonsense", 401, "not known"), ("", 401, "not known"), (Scope.GAME, 403, "plays")],
)
async def test_a_key_that_may_not_is_told_so(
    console: Console, given: str, status: int, said: str
) -> None:
    secret = console.api.secrets[Scope.GAME] if given is Scope.GAME else given
    async with browserless(console) as client:
        answer = await sign_in(client, secret)
        assert answer.status_code == status
        assert said in answer.text
        assert (await client.get("/console/worlds")).status_code == 303


async def test_the_cookie_is_for_the_console_alone(console: Console) -> None:
    async with browserless(console) as client:
        cookie = (await sign_in(client, console.api.secrets[Scope.OPS])).headers["set-cookie"]
    assert {"httponly", "samesite=strict", "path=/console"} <= set(cookie.lower().split("; "))
    assert console.api.secrets[Scope.OPS] not in cookie


async def test_a_form_from_elsewhere_is_refused(console: Console) -> None:
    async with browserless(console) as client:
        await sign_in(client, console.api.secrets[Scope.OPS])
        for form in ({}, {"form_token": "made up"}):
            assert (await client.post("/console/sign-out", data=form)).status_code == 403
        assert (await client.get("/console/worlds")).status_code == 200
        known = await token_on(client, "/console/worlds")
        await client.post("/console/sign-out", data={"form_token": known})
        assert (await client.get("/console/worlds")).status_code == 303


async def test_a_designer_repairs_nothing(console: Console) -> None:
    async with browserless(console) as client:
        await sign_in(client, console.api.secrets[Scope.DESIGNER])
        page = await client.get("/console/worlds")
        assert "/console/ops" not in page.text
        for address in (
            "ops", "ops/workflows", "ops/replays", "ops/workflows/quest/quest_lantern",
            "ops/health", "ops/health/now", "ops/export/quest/quest_lantern",
        ):  # fmt: skip
            assert (await client.get(f"/console/{address}")).status_code == 403, address
        form = {"form_token": await token_on(client, "/console/worlds"), "reason": "x"}
        for act in ("replays", "replay", "settle", "skip", "events/evt_1/resend"):
            assert (await client.post(f"/console/ops/{act}", data=form)).status_code == 403, act


async def test_a_revoked_key_ends_its_session(console: Console) -> None:
    secret = new_secret()
    store = console.api.parts.store
    await ensure_key(store, "console-short", secret, frozenset({Scope.DESIGNER}))
    async with browserless(console) as client:
        await sign_in(client, secret)
        assert (await client.get("/console/worlds")).status_code == 200
        await revoke_key(store, "console-short")
        assert (await client.get("/console/worlds")).status_code == 303


async def test_a_revoked_key_ends_what_it_follows_live(console: Console) -> None:
    secret, parts = new_secret(), console.api.parts
    await ensure_key(parts.store, "console-live", secret, frozenset({Scope.DESIGNER}))
    often = replace(parts, config=replace(parts.config, heartbeat_seconds=0.1))
    address = f"/console/worlds/{console.told.world_id}/live"
    async with serving(often) as api, browserless(replace(console, api=api)) as client:
        await sign_in(client, secret)
        async with client.stream("GET", address) as following, asyncio.timeout(20):
            lines = following.aiter_lines()
            await anext(lines)
            await revoke_key(parts.store, "console-live")
            async for _ in lines:
                pass


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/console//evil.example"]
)
async def test_signing_in_leads_nowhere_else(console: Console, back: str) -> None:
    async with browserless(console) as client:
        form = {
            "form_token": await token(client),
            "key": console.api.secrets[Scope.DESIGNER],
            "next": back,
        }
        answer = await client.post("/console/sign-in", data=form)
        assert answer.headers["location"] == "/console/worlds"


async def test_errors_are_pages(console: Console) -> None:
    async with browserless(console) as client:
        await sign_in(client, console.api.secrets[Scope.DESIGNER])
        for address, status in {
            "quests/none": 404, "worlds/none/quests": 404, "nowhere": 404,
            f"worlds/{console.told.world_id}/quests?state=lost": 422,
            f"worlds/{console.told.world_id}/quests?after=x": 422,
            f"worlds/{console.told.world_id}/quests?since=yesterday": 422,
            f"canon/default/entities?name={'n' * 201}": 422,
        }.items():  # fmt: skip
            answer = await client.get(f"/console/{address}")
            assert answer.status_code == status, address
            assert answer.headers["content-type"].startswith("text/html")


async def test_payments_are_shown_to_operators_only(
    console: Console, designer: Reader, operator: Reader
) -> None:
    world = WorldId(console.told.world_id)
    async with console.api.parts.store.transaction() as tx:
        for kind in ("payment.fulfilled", "subscription.renewed"):
            tx.tell(Event(world_id=world, key=f"test/{kind}", kind=kind, subject="money"))
        tx.tell(Event(world_id=world, key="test/after", kind="rumour.begun", subject="after"))
    for reader, shown in ((designer, 0), (operator, 2)):
        await reader.page.goto(f"/console/worlds/{world}")
        entries = reader.page.locator(".entry")
        await expect(entries.filter(has_text="rumour.begun").first).to_be_visible()
        money = entries.filter(has_text=re.compile("payment.fulfilled|subscription.renewed"))
        await expect(money).to_have_count(shown)
