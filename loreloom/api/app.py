"""The application, built from its parts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from loreloom.api.acts import Acts
from loreloom.api.arc_acts import ArcActs
from loreloom.api.arc_figures import ArcFigures
from loreloom.api.arc_teller import ArcTeller
from loreloom.api.console import app as console
from loreloom.api.context import Context
from loreloom.api.events import Events
from loreloom.api.http import openapi, problems
from loreloom.api.http.auth import Authenticator
from loreloom.api.http.observed import Observed
from loreloom.api.launch import Launcher
from loreloom.api.metrics import Metrics
from loreloom.api.ops.replaying import Replays
from loreloom.api.ops.stories import Stories
from loreloom.api.orders import Orders
from loreloom.api.parts import AppParts
from loreloom.api.routes import (
    acts,
    arcs,
    chronicle,
    clock,
    entities,
    health,
    life,
    lore,
    ops,
    ops_players,
    payments,
    players,
    quests,
    subscriptions,
    weather,
    webhooks,
    whatif,
    worlds,
)
from loreloom.api.stream import Feed
from loreloom.api.subscription_acts import SubscriptionActs
from loreloom.api.sweeper import Sweeps, sweep_forever

# Acts first: they come most often, and routes are matched in order.
ROUTERS = (
    acts,
    arcs,
    worlds,
    clock,
    weather,
    players,
    quests,
    chronicle,
    lore,
    entities,
    life,
    health,
    payments,
    subscriptions,
    webhooks,
    whatif,
    ops,
    ops_players,
)


def create_app(parts: AppParts) -> FastAPI:
    """The application. Its lifespan runs the sweeper and the chronicle's poller."""
    context = _context(parts)
    app = FastAPI(
        title="Loreloom",
        version="1",
        lifespan=_lifespan,
        redirect_slashes=False,
    )
    app.state.context = context
    app.add_middleware(Observed, metrics=context.metrics)
    problems.install(app)
    openapi.install(app)
    for module in ROUTERS:
        app.include_router(module.router)
    app.mount(console.PATH, console.create_console(context))
    return app


def feed_of(app: FastAPI) -> Feed:
    """The streams of an application, for the server that must end them when it stops."""
    context: Context = app.state.context
    return context.feed


def _context(parts: AppParts) -> Context:
    config, store, metrics = parts.config, parts.store, Metrics()
    launcher = Launcher(store, parts.temporal, config, metrics)
    stories = Stories(parts.temporal, store, config.queue_prefix)
    return Context(
        parts=parts,
        authenticator=Authenticator(store, config.auth_cache_seconds),
        launcher=launcher,
        events=Events(store, parts.temporal, launcher),
        acts=Acts(store, parts.temporal, config, metrics),
        arcs=ArcActs(store, parts.temporal, config, metrics),
        teller=ArcTeller(store, parts.temporal, config.sweep_seconds),
        subscriptions=SubscriptionActs(store, parts.temporal, config),
        orders=Orders(parts.temporal, config),
        feed=Feed(store, metrics, config.poll_seconds, config.streams),
        stories=stories,
        replays=Replays(parts.temporal, store, stories),
        metrics=metrics,
        figures=ArcFigures(store, metrics),
        sweeps=Sweeps(),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    context: Context = app.state.context
    tasks = [
        asyncio.create_task(context.feed.run()),
        asyncio.create_task(context.teller.run()),
        asyncio.create_task(
            sweep_forever(
                context.parts.store,
                context.launcher,
                context.events,
                context.metrics,
                context.sweeps,
                context.parts.config.sweep_seconds,
            )
        ),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        await context.teller.close()
        await context.parts.store.close()
