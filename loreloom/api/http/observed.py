"""The one layer around all routes: it counts requests and how long they take."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from loreloom.api.metrics import Metrics

UNROUTED = "none"


class Observed:
    """ASGI middleware that counts answers by route template, method and status."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count its answer once that begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._count(scope, message["status"], time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, counted)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        # Unrouted addresses and odd methods share a label: callers must not make new ones.
        found = getattr(scope.get("route"), "path", None)
        route = UNROUTED if found is None else f"{scope.get('root_path', '')}{found}"
        method = scope["method"] if route != UNROUTED else UNROUTED
        self._metrics.requests.labels(route, method, str(status)).inc()
        self._metrics.request_seconds.labels(route, method).observe(seconds)
