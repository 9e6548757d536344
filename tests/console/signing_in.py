"""The console without a browser: signed in, and the token of its forms."""

import re

import httpx

from tests.console.conftest import Console


def browserless(console: Console) -> httpx.AsyncClient:
    """Somebody without a browser, who keeps cookies all the same."""
    return httpx.AsyncClient(base_url=console.api.url)


async def token(client: httpx.AsyncClient) -> str:
    """What the forms of this session carry."""
    page = await client.get("/console/sign-in")
    found = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


async def sign_in(client: httpx.AsyncClient, secret: str) -> httpx.Response:
    form = {"form_token": await token(client), "key": secret, "next": "/console/worlds"}
    return await client.post("/console/sign-in", data=form)


async def token_on(client: httpx.AsyncClient, address: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', (await client.get(address)).text)
    assert found is not None
    return found[1]
