"""The API process: builds the application from the settings and serves it."""

import asyncio
import socket

import uvicorn
import uvloop
import yaml

from loreloom.api.app import create_app, feed_of
from loreloom.api.parts import ApiConfig, AppParts
from loreloom.api.stream import Feed
from loreloom.knowledge.embedding import Embedder, EmbeddingConfig
from loreloom.state.store import Store
from loreloom.workers.settings import PROJECT, Settings
from loreloom.workers.temporal_connection import connect

WORLD_FILE = PROJECT / "content" / "world.yaml"


class ApiServer(uvicorn.Server):
    """A server that ends its streams when it stops, where uvicorn would wait for them."""

    def __init__(self, config: uvicorn.Config, feed: Feed) -> None:
        super().__init__(config)
        self._feed = feed

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then stop as uvicorn does."""
        self._feed.close()
        await super().shutdown(sockets)


def run_api(settings: Settings) -> None:
    """Serve the API until the process is told to stop; open streams are closed then.

    Raises MissingSettingError when the database or Temporal has no address.
    """
    uvloop.run(_serve(settings))


def api_config(settings: Settings) -> ApiConfig:
    """The values that the API takes from the settings and the example world."""
    return ApiConfig(
        queue_prefix=settings.task_queue_prefix,
        act_gate=settings.act_gate,
        poll_seconds=settings.chronicle_poll_seconds,
        streams=settings.chronicle_streams,
        world_daily_tokens=settings.world_daily_tokens,
        player_daily_tokens=settings.player_daily_tokens,
        regions=default_regions(),
    )


def default_regions() -> tuple[str, ...]:
    """The regions of the example world, which a world of the canon `default` has; none without."""
    if not WORLD_FILE.exists():
        return ()
    world = yaml.safe_load(WORLD_FILE.read_text(encoding="utf-8"))
    return tuple(region["name"] for region in world["regions"])


async def _serve(settings: Settings) -> None:
    parts = AppParts(
        store=Store(settings.required_database_url(), pool_size=settings.database_pool_size),
        temporal=await connect(settings, lazy=True),
        embedder=await asyncio.to_thread(
            Embedder.load, EmbeddingConfig(model=settings.embedding_model)
        ),
        config=api_config(settings),
    )
    app = create_app(parts)
    config = uvicorn.Config(
        app,
        host=settings.loreloom_host,
        port=settings.loreloom_port,
        log_level=settings.log_level,
        access_log=False,
        timeout_graceful_shutdown=round(settings.shutdown_seconds),
    )
    await ApiServer(config, feed_of(app)).serve()
