"""The API process: builds the application from the settings and serves it."""

import socket
from datetime import timedelta
from functools import partial

import uvicorn
import uvloop

from loreloom.api.app import create_app, feed_of
from loreloom.api.parts import ApiConfig, AppParts, TierServers
from loreloom.api.shop import BadWebhook, Shop
from loreloom.api.stream import Feed
from loreloom.content.calendar import load_calendar
from loreloom.content.climates import load_climates
from loreloom.content.life import load_life
from loreloom.content.store import load_price_book
from loreloom.content.world import default_regions
from loreloom.domain.provider import ToldEvent
from loreloom.generation.shelf import TemplateShelf
from loreloom.knowledge.embedding import Embedder, EmbeddingConfig
from loreloom.payments.webhooks import NotAnEvent, NotSigned, Signatures
from loreloom.state.store import Store
from loreloom.workers.settings import Settings
from loreloom.workers.temporal_connection import connect
from loreloom.workers.tiers import tiers_of


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

    Raises MissingSettingError when the database or Temporal has no address, and ``ContentError``
    for a file of the content that cannot be used.
    """
    uvloop.run(_serve(settings))


def api_config(settings: Settings) -> ApiConfig:
    """The values that the API takes from the settings and the example world."""
    secret = settings.console_secret
    return ApiConfig(
        queue_prefix=settings.task_queue_prefix,
        act_gate=settings.act_gate,
        poll_seconds=settings.chronicle_poll_seconds,
        streams=settings.chronicle_streams,
        world_daily_tokens=settings.world_daily_tokens,
        player_daily_tokens=settings.player_daily_tokens,
        arcs_folder=settings.arcs,
        templates_folder=settings.quest_templates,
        regions=default_regions(settings.content_folder),
        life=load_life(settings.content_folder),
        calendar=load_calendar(settings.content_folder),
        climates=load_climates(settings.content_folder),
        console_secret=secret.get_secret_value() if secret else None,
        console_https=settings.console_https,
        temporal_ui_url=settings.temporal_ui_url,
        tiers=tuple(
            TierServers(tier.name, tier.model, tier.urls, tier.api_key)
            for tier in tiers_of(settings)
        ),
        templates_problem=partial(problem_of, TemplateShelf(settings.quest_templates)),
    )


def problem_of(templates: TemplateShelf) -> str | None:
    """What is wrong with the templates as they are now, with the file and the line."""
    problem = templates.problem()
    return str(problem) if problem is not None else None


def shop_of(settings: Settings) -> Shop | None:
    """The store of the settings' price book; ``None`` without a provider to pay at."""
    if not settings.takes_payments:
        return None
    signatures = Signatures(settings.stripe_webhook_secrets)

    def read_webhook(body: bytes, signature: str) -> ToldEvent:
        try:
            return signatures.read(body, signature)
        except (NotSigned, NotAnEvent):
            raise BadWebhook from None

    return Shop(
        book=load_price_book(settings.content_folder),
        read_webhook=read_webhook,
        expiry=timedelta(seconds=settings.payment_expiry_seconds),
    )


async def _serve(settings: Settings) -> None:
    # First, since it takes no time: content that cannot be used is said at once.
    config, shop = api_config(settings), shop_of(settings)
    parts = AppParts(
        store=Store(settings.required_database_url(), pool_size=settings.database_pool_size),
        temporal=await connect(settings, lazy=True),
        # Loaded by the first search: acts are served without it.
        embedder=Embedder(EmbeddingConfig(model=settings.embedding_model)),
        config=config,
        shop=shop,
    )
    app = create_app(parts)
    served = uvicorn.Config(
        app,
        host=settings.loreloom_host,
        port=settings.loreloom_port,
        log_level=settings.log_level,
        access_log=False,
        timeout_graceful_shutdown=round(settings.shutdown_seconds),
    )
    await ApiServer(served, feed_of(app)).serve()
