"""The console as an application of its own, mounted in the API's: its errors are pages too."""

import secrets
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.middleware.sessions import SessionMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from loreloom.api.console import failures
from loreloom.api.console.routes import (
    arcs,
    canon,
    finding,
    live,
    ops,
    players,
    quests,
    sign_in,
    whatif,
    worlds,
)
from loreloom.api.context import Context

PATH = "/console"
COOKIE = "loreloom_console"
SIGNED_IN_SECONDS = 12 * 3600
STATIC = Path(__file__).with_name("static")
PAGES = (sign_in, finding, worlds, live, players, quests, arcs, canon, whatif, ops)

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def create_console(context: Context) -> FastAPI:
    """The console over the API's own parts, to be mounted at ``PATH``.

    Without a secret in the configuration, whoever is signed in is so until the process ends.
    """
    console = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    console.state.context = context
    config = context.parts.config
    console.add_middleware(
        SessionMiddleware,
        secret_key=config.console_secret or secrets.token_hex(32),
        session_cookie=COOKIE,
        max_age=SIGNED_IN_SECONDS,
        path=PATH,
        same_site="strict",
        https_only=config.console_https,
    )
    console.add_middleware(Guarded)
    failures.install(console)
    for module in PAGES:
        console.include_router(module.router)
    console.mount("/static", StaticFiles(directory=STATIC))
    return console


class Guarded:
    """ASGI middleware: no page is framed, kept by a cache, or runs a script that is not ours."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and put the headers on its answer."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                # Pages hold what only their reader may see; what lies beside them is for all.
                kept = "no-cache" if "/static/" in scope["path"] else "no-store"
                headers.setdefault("Cache-Control", kept)
            await send(message)

        await self._app(scope, receive, guarded)
