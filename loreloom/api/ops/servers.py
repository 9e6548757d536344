"""The model servers of each tier: whether they answer now, how busy they are, how calls went."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import httpx
from prometheus_client.parser import text_string_to_metric_families

from loreloom.api.parts import TierServers
from loreloom.api.schemas.ops_health import CallsView, ServerView, TiersView, TierView
from loreloom.state.health import CallFigures, call_figures
from loreloom.state.store import Store

SECONDS = 1.5
RUNNING, WAITING = "vllm:num_requests_running", "vllm:num_requests_waiting"


async def tiers_view(store: Store, tiers: Sequence[TierServers], window: timedelta) -> TiersView:
    """Every tier that is set or was called in the time just past."""
    figures, asked = await asyncio.gather(
        call_figures(store, window), asyncio.gather(*(_asked(tier) for tier in tiers))
    )
    known = {tier.name for tier in tiers}
    found = [
        _tier(tier.name, tier.model, servers, figures)
        for tier, servers in zip(tiers, asked, strict=True)
    ]
    found += [
        _tier(name, None, (), figures) for name in sorted({each.tier for each in figures} - known)
    ]
    return TiersView(items=tuple(found))


async def _asked(tier: TierServers) -> Sequence[ServerView]:
    key = tier.api_key.get_secret_value() if tier.api_key is not None else None
    headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
    async with httpx.AsyncClient(headers=headers, timeout=SECONDS) as client:
        return await asyncio.gather(
            *(_server(client, number, url) for number, url in enumerate(tier.urls))
        )


async def _server(client: httpx.AsyncClient, number: int, url: str) -> ServerView:
    server = ServerView(number=number, address=_address(url), calls=CallsView())
    try:
        async with asyncio.timeout(SECONDS):
            models, load = await asyncio.gather(
                client.get(f"{url.rstrip('/')}/models"), _load(client, url)
            )
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        detail = f"does not answer ({type(error).__name__})"
        return server.model_copy(update={"answers": False, "detail": detail})
    if models.is_error:
        detail = f"answers {models.status_code}"
        return server.model_copy(update={"answers": False, "detail": detail})
    told = {"running": load.get(RUNNING), "waiting": load.get(WAITING)}
    return server.model_copy(update=told)


def _address(url: str) -> str:
    """Where the server is: of its URL neither the path nor the credentials that it may hold."""
    try:
        return httpx.URL(url).netloc.decode()
    except httpx.InvalidURL:
        return "no address"


async def _load(client: httpx.AsyncClient, url: str) -> dict[str, int]:
    """What a server tells of its load; nothing of one that tells none, as vLLM does."""
    try:
        answer = await client.get(httpx.URL(url).join("/metrics"))
        if answer.is_error:
            return {}
        families = list(text_string_to_metric_families(answer.text))
    except (httpx.HTTPError, ValueError):
        return {}
    return {
        family.name: round(sum(sample.value for sample in family.samples))
        for family in families
        if family.name in (RUNNING, WAITING)
    }


def _tier(
    name: str, model: str | None, servers: Sequence[ServerView], figures: Sequence[CallFigures]
) -> TierView:
    own = {each.address: _calls(each) for each in figures if each.tier == name}
    return TierView(
        tier=name,
        model=model,
        servers=tuple(
            server.model_copy(update={"calls": own.get(server.number, server.calls)})
            for server in servers
        ),
        calls=own.get(None, CallsView()),
    )


def _calls(figures: CallFigures) -> CallsView:
    return CallsView(**figures.model_dump(exclude={"tier", "address"}))
