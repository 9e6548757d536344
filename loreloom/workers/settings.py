"""Every setting of Loreloom, read from the environment; the rooms get plain values from here.

A setting's environment name is its field's name in capitals. An address that is set names a server
that runs already: the embedded stack then starts none of its own for that part.
"""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

import loreloom
from loreloom.workflows.roles import DEFAULT_QUEUE_PREFIX, Role

PROJECT = Path(loreloom.__file__).resolve().parent.parent
EMBEDDED_MODEL = "smollm2-135m-instruct"
NOWHERE = "https://example.com/"
LIVE_KEYS = ("sk_live_", "rk_live_")

Addresses = Annotated[tuple[str, ...], NoDecode]
Roles = Annotated[tuple[Role, ...], NoDecode]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Count = Annotated[int, Field(ge=1, le=100_000)]


class Settings(BaseSettings):
    """What an operator may set. The defaults fit the embedded stack on 2 cores and 24 GiB."""

    # What is wrong with a setting is said without its value, which may be a secret.
    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_ignore_empty=True, hide_input_in_errors=True
    )

    loreloom_home: Path = Field(
        PROJECT / ".loreloom", description="Folder of all that the embedded stack keeps."
    )
    loreloom_host: str = Field(
        "127.0.0.1", description="Address that the API binds to; `0.0.0.0` in a container."
    )
    loreloom_port: int = Field(8080, ge=1, le=65535, description="Port of the API.")
    loreloom_key: SecretStr | None = Field(
        None, description="Key that the command line calls the API with; unset, the stack's own."
    )
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="Least level that is logged."
    )

    database_url: str | None = Field(
        None, description="Postgres with pgvector, as `postgresql://user:password@host:port/name`."
    )
    database_pool_size: Count = Field(
        8, description="Connections to Postgres that each process holds at most."
    )

    temporal_address: str | None = Field(None, description="Temporal's frontend, as `host:port`.")
    temporal_namespace: str = Field("default", description="Temporal namespace of the workflows.")
    temporal_api_key: SecretStr | None = Field(
        None, description="Key for Temporal Cloud; turns TLS on."
    )
    temporal_ui_url: str | None = Field(
        None, description="Where people find Temporal's UI; printed and linked to, never called."
    )
    task_queue_prefix: str = Field(
        DEFAULT_QUEUE_PREFIX,
        pattern="^[a-z][a-z0-9_.-]*$",
        description="First part of every task queue's name; a queue is `PREFIX-ROLE`.",
    )

    embedding_model: str | None = Field(
        None,
        description="A sentence-transformers model, by name or folder; unset, all-MiniLM-L6-v2"
        " from its package.",
    )

    gold_urls: Addresses = Field(
        (), description="OpenAI-compatible servers of the gold tier, separated by commas."
    )
    gold_model: str = Field("gold", description="Model name that the gold servers answer to.")
    gold_api_key: SecretStr | None = Field(None, description="Key sent to the gold servers.")
    gold_answer_seconds: Seconds = Field(
        1.2, description="After this long without any answer a gold server is passed over."
    )
    gold_first_token_seconds: Seconds = Field(
        1.8, description="After this long without a first token a gold server is passed over."
    )
    gold_total_seconds: Seconds = Field(
        12.0, description="After this long an answer of the gold tier is given up."
    )
    gold_max_tokens: Count = Field(
        420, description="Most tokens that one answer of the gold tier may have."
    )
    gold_at_once: Count = Field(4, description="Calls at once to one gold server.")

    silver_urls: Addresses = Field(
        (), description="OpenAI-compatible servers of the silver tier, separated by commas."
    )
    silver_model: str = Field("silver", description="Model name that the silver servers answer to.")
    silver_api_key: SecretStr | None = Field(None, description="Key sent to the silver servers.")
    silver_answer_seconds: Seconds = Field(
        1.2, description="After this long without any answer a silver server is passed over."
    )
    silver_first_token_seconds: Seconds = Field(
        1.8, description="After this long without a first token a silver server is passed over."
    )
    silver_total_seconds: Seconds = Field(
        20.0, description="After this long an answer of the silver tier is given up."
    )
    silver_max_tokens: Count = Field(
        600, description="Most tokens that one answer of the silver tier may have."
    )
    silver_at_once: Count = Field(4, description="Calls at once to one silver server.")
    model_folder: Path | None = Field(
        None,
        description="Model that the embedded model server serves, as a Hugging Face folder; unset,"
        " the one that the set-up unpacks under `LORELOOM_HOME`.",
    )
    vllm_python: Path = Field(
        PROJECT / ".venv-vllm" / "bin" / "python",
        description="Python of the environment that the embedded model server runs in.",
    )

    content_folder: Path = Field(
        PROJECT / "content",
        description="Folder of all that designers edit; the one that comes with Loreloom has a"
        " `README.md` that says what is where.",
    )
    design_seconds: Seconds = Field(
        20.0,
        le=40,
        description="Longest that a model may take over a quest's text, repairs included. At most "
        "40: the quest's workflow gives a design 45.",
    )
    world_daily_tokens: int = Field(
        2_000_000, ge=0, description="Tokens a day (UTC) that a new world may spend."
    )
    player_daily_tokens: int = Field(
        100_000, ge=0, description="Tokens a day (UTC) that a player of a new world may spend."
    )

    stripe_api_key: SecretStr | None = Field(
        None, description="Key that purchases are made with at Stripe, or at `STRIPE_API_BASE`."
    )
    stripe_api_base: str | None = Field(
        None,
        description="Another address than Stripe's own; unset and without a key, `loreloom up`"
        " starts a stand-in.",
    )
    stripe_webhook_secrets: Secrets = Field(
        (), description="Secrets that webhooks may be signed with, separated by commas."
    )
    payment_return_url: str = Field(
        NOWHERE,
        validate_default=True,
        description="Page that a buyer comes back to after a checkout; has to be set beside a live"
        " key of Stripe.",
    )
    reconciliation_hour: int = Field(
        3, ge=0, le=23, description="Hour (UTC) of the nightly reconciliation of what was paid."
    )
    payment_expiry_seconds: int = Field(
        3600, ge=1, le=80_000, description="An unpaid checkout is closed after this long."
    )

    act_gate: Count = Field(
        6, description="Acts at once on one workflow; more are answered 429 with `Retry-After`."
    )
    chronicle_poll_seconds: Seconds = Field(
        0.25, description="How often a stream of the chronicle looks for new entries."
    )

    chronicle_streams: Count = Field(
        500, description="Streams of the chronicle that one API process holds open."
    )
    console_secret: SecretStr | None = Field(
        None,
        description="Signs the console's cookies, the same in every API process; unset, people are"
        " signed out when the process ends.",
    )
    console_https: bool = Field(
        False, description="The console's cookie is sent over https only; set it behind TLS."
    )

    worker_roles: Roles = Field(
        tuple(Role), description="Roles of a worker process, separated by commas."
    )
    worker_build_id: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="The build that a worker runs, such as a release or an image's tag. Set, a"
        " running story stays with its build, and new ones begin on the build that"
        " `loreloom promote` names.",
    )
    story_workflow_tasks_at_once: Count = Field(
        40, description="Workflow tasks at once in one story worker."
    )
    story_activities_at_once: Count = Field(
        40, description="Activities at once in one story worker."
    )
    tier_activities_at_once: Count = Field(
        8, description="Activities at once in one worker of a tier; those past the tier wait there."
    )
    knowledge_activities_at_once: Count = Field(
        2, description="Activities at once in one knowledge worker; embedding takes whole cores."
    )
    cached_workflows: Count = Field(
        1000, description="Workflows that one story worker keeps in memory."
    )
    shutdown_seconds: Seconds = Field(
        8.0, description="Time that a process gets to finish what it is at when it is stopped."
    )

    @field_validator(
        "gold_urls", "silver_urls", "worker_roles", "stripe_webhook_secrets", mode="before"
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("database_url")
    @classmethod
    def _with_driver(cls, value: str | None) -> str | None:
        if value is None:
            return None
        scheme, separator, rest = value.partition("://")
        if not separator or scheme.partition("+")[0] not in ("postgresql", "postgres"):
            raise ValueError("a Postgres address begins with postgresql://")
        return f"postgresql+psycopg://{rest}"

    @field_validator("payment_return_url")
    @classmethod
    def _somewhere(cls, value: str, info: ValidationInfo) -> str:
        key = info.data.get("stripe_api_key")
        if value == NOWHERE and key is not None and key.get_secret_value().startswith(LIVE_KEYS):
            raise ValueError("STRIPE_API_KEY is a live key: set the page that buyers come back to")
        return value

    @field_validator("loreloom_home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @property
    def keys_file(self) -> Path:
        """Where `loreloom up` keeps the keys that it made, readable by their owner only."""
        return self.loreloom_home / "keys.json"

    @property
    def logs(self) -> Path:
        """The folder of the log files, one a process."""
        return self.loreloom_home / "logs"

    @property
    def embedded_model(self) -> Path:
        """The folder of the model that the embedded model server serves."""
        return self.model_folder or self.loreloom_home / "models" / EMBEDDED_MODEL

    @property
    def api_url(self) -> str:
        """Where a client on this machine finds the API."""
        return f"http://127.0.0.1:{self.loreloom_port}"

    @property
    def takes_payments(self) -> bool:
        """Whether there is a provider to pay at."""
        return self.stripe_api_key is not None

    @property
    def quest_templates(self) -> Path:
        """The folder of the quest templates."""
        return self.content_folder / "quests"

    @property
    def arcs(self) -> Path:
        """The folder of the story arcs."""
        return self.content_folder / "arcs"

    def required_database_url(self) -> str:
        """The database's address. Raises MissingSettingError when there is none."""
        return self._required("database_url", self.database_url)

    def required_temporal_address(self) -> str:
        """Temporal's address. Raises MissingSettingError when there is none."""
        return self._required("temporal_address", self.temporal_address)

    def with_changes(self, **changes: Any) -> "Settings":
        """The same settings but for some, checked as if they came from the environment."""
        return Settings.model_validate({**self.model_dump(), **changes})

    def environment(self) -> dict[str, str]:
        """The environment that makes another process read these very settings."""
        values = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                value = value.get_secret_value()
            if isinstance(value, tuple):
                value = ",".join(map(_shown, value))
            values[name.upper()] = "" if value is None else _shown(value)
        return values

    @staticmethod
    def _required(name: str, value: str | None) -> str:
        if value is None:
            raise MissingSettingError(name.upper())
        return value


def _shown(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


class MissingSettingError(Exception):
    """A command needs an address that is not set: `loreloom up` starts a stack that sets them."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is not set; set it, or let `loreloom up` start the parts and use those"
        )
        self.name = name
