"""What the application is built from. Nothing in this room reads the environment."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr
from temporalio.client import Client

from loreloom.api.shop import Shop
from loreloom.domain.calendar import Calendar
from loreloom.domain.canon import Rating
from loreloom.domain.climates import ClimateBook
from loreloom.domain.living.content import NO_LIFE, LifeContent
from loreloom.knowledge.embedding import Embedder
from loreloom.state.store import Store
from loreloom.workflows.roles import DEFAULT_QUEUE_PREFIX


@dataclass(frozen=True, slots=True)
class TierServers:
    """A tier's servers as health looks at them: base URLs that end in ``/v1``."""

    name: str
    model: str
    urls: tuple[str, ...]
    api_key: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """Values that an operator may set. Times are in seconds.

    ``act_gate`` is how many acts on one workflow may be under way in this process, ``streams``
    how many chronicle streams it holds open. ``act_seconds`` bounds the wait for an act's answer,
    ``launch_seconds`` the wait for Temporal when a workflow is started within a request. The rest
    are a new world's defaults: budgets are tokens a day, ``regions`` and ``calendar`` are those
    of the canon ``default``, ``climates`` say where they lie. ``arcs_folder``
    holds the arcs that can be started, ``templates_folder`` the quest templates that designers edit
    to see what comes; both are read anew for each use. ``console_secret`` signs the
    console's cookies, which go over https only with ``console_https``; ``temporal_ui_url`` is
    linked to, never called. The servers of ``tiers`` are asked how they do, never for a text.
    ``templates_problem`` says what is wrong with the quest templates as they lie there now.
    """

    queue_prefix: str = DEFAULT_QUEUE_PREFIX
    act_gate: int = 6
    act_seconds: float = 10.0
    launch_seconds: float = 2.0
    auth_cache_seconds: float = 5.0
    poll_seconds: float = 0.15
    heartbeat_seconds: float = 15.0
    slow_reader_seconds: float = 30.0
    streams: int = 500
    sweep_seconds: float = 3.0
    world_rating: Rating = Rating.TEEN
    world_daily_tokens: int = 2_000_000
    player_daily_tokens: int = 100_000
    regions: tuple[str, ...] = ()
    arcs_folder: Path | None = None
    templates_folder: Path | None = None
    calendar: Calendar = field(default_factory=Calendar)
    life: LifeContent = NO_LIFE
    climates: ClimateBook = field(default_factory=ClimateBook)
    console_secret: str | None = None
    console_https: bool = False
    temporal_ui_url: str | None = None
    tiers: tuple[TierServers, ...] = ()
    templates_problem: Callable[[], str | None] = lambda: None


@dataclass(frozen=True, slots=True)
class AppParts:
    """The engine's parts as the API uses them. ``temporal`` may be a client not connected yet.

    Without a ``shop`` nothing can be bought.
    """

    store: Store
    temporal: Client
    embedder: Embedder
    config: ApiConfig = ApiConfig()
    shop: Shop | None = None
