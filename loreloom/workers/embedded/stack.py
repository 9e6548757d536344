"""The embedded stack: every part that the settings name no address for, started and stopped."""

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Self

from loreloom.workers.embedded import programs
from loreloom.workers.embedded.home import lock_home, set_aside
from loreloom.workers.embedded.keys import (
    StackKeys,
    load_or_make_console_secret,
    load_or_make_keys,
    load_or_make_webhook_secret,
    register_keys,
)
from loreloom.workers.embedded.part_names import PartName as PartName
from loreloom.workers.embedded.parts import Part, PartFailedError, Program
from loreloom.workers.embedded.ports import LOOPBACK, free_port, is_free
from loreloom.workers.migrate import migrate_database, migrate_temporal
from loreloom.workers.settings import Settings

DATABASE = "loreloom"
STANDIN_KEY = "sk_test_standin"
OWN_MODEL_FIRST_TOKEN_SECONDS = 8.0
"""A model on processor cores that everything else uses too is slow, and alive all the same."""
POLL_SECONDS = 0.1


STOP_ORDER = (
    (PartName.API, PartName.WORKER, PartName.VLLM),
    (PartName.TEMPORAL, PartName.STRIPE),
    (PartName.POSTGRES,),
)


class Stack:
    """Parts under one home folder, each a process of its own.

    `parts` limits what may be started; what an address is set for is never started. After `start`,
    `settings` holds the addresses of all parts. `postgres_options` (``name=value``),
    `temporal_dynamic` (``key=value``) and `temporal_namespaces` are handed to those servers. `say`
    hears of each step.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        parts: Collection[PartName] = tuple(PartName),
        postgres_options: Sequence[str] = (),
        temporal_dynamic: Sequence[str] = (),
        temporal_namespaces: Sequence[str] = (),
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.settings = settings
        self.keys: StackKeys | None = None
        self.wanted = frozenset(parts)
        self._postgres_options = tuple(postgres_options)
        self._temporal_dynamic = tuple(temporal_dynamic)
        self._temporal_namespaces = tuple({settings.temporal_namespace, *temporal_namespaces})
        self._say = say
        self._parts: dict[PartName, Part] = {}
        self._lock: IO[str] | None = None

    def start(self, *, wait_for_model: bool = True) -> Self:
        """Start the parts and return when all of them serve.

        Without `wait_for_model` the model server may still be loading. Raises PartFailedError or
        HomeInUseError; whatever was started is stopped by then.
        """
        self._lock = lock_home(self.settings.loreloom_home)
        try:
            self._launch_servers()
            self._prepare_servers()
            self._launch_engine()
            if wait_for_model and PartName.VLLM in self._parts:
                self.wait_for(PartName.VLLM)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop what runs, those that use others first."""
        with ThreadPoolExecutor() as pool:
            for names in STOP_ORDER:
                running = [self._parts.pop(name) for name in names if name in self._parts]
                list(pool.map(Part.stop, running))
        if self._lock:
            self._lock.close()
            self._lock = None

    def kill(self, name: PartName) -> None:
        """SIGKILL to a part and its children; they are gone when this returns."""
        self._parts[name].kill()

    def launch(self, name: PartName) -> None:
        """Start a part that has ended, on the ports that it had; returns at once."""
        self._parts[name].launch()

    def restart(self, name: PartName) -> None:
        """Start a part that has ended, on the ports that it had, and wait until it serves."""
        self.launch(name)
        self.wait_for(name)

    def wait_for(self, name: PartName) -> None:
        """Wait until a part serves. Raises PartFailedError if it ends or takes too long."""
        part = self._parts[name]
        deadline = time.monotonic() + part.program.ready_seconds
        while not part.check():
            if time.monotonic() > deadline:
                reason = f"it did not answer within {part.program.ready_seconds:.0f} s"
                raise PartFailedError(part.name, reason, part.log)
            time.sleep(POLL_SECONDS)

    def running(self, name: PartName) -> bool:
        """Whether this stack runs the part, and its process lives."""
        return name in self._parts and self._parts[name].running()

    @property
    def started(self) -> tuple[PartName, ...]:
        """The parts that this stack runs, in order."""
        return tuple(name for name in PartName if name in self._parts)

    def part(self, name: PartName) -> Part:
        """The part itself. Raises KeyError when this stack does not run it."""
        return self._parts[name]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _launch_servers(self) -> None:
        home = self.settings.loreloom_home
        if self._takes(PartName.API) and not is_free(self.settings.loreloom_port):
            reason = f"port {self.settings.loreloom_port} is taken (LORELOOM_PORT sets another)"
            raise PartFailedError(PartName.API, reason, self.settings.logs / "api.log")
        if self._takes(PartName.VLLM):
            self._launch_model_server()
        if self._takes(PartName.POSTGRES) and self.settings.database_url is None:
            port = free_port()
            url = f"postgresql://postgres@{LOOPBACK}:{port}/{DATABASE}"
            self.settings = self.settings.with_changes(database_url=url)
            self._add(PartName.POSTGRES, programs.postgres(home, port, self._postgres_options))
        if self._takes(PartName.STRIPE):
            self._launch_provider()
        if self._takes(PartName.TEMPORAL) and self.settings.temporal_address is None:
            port, ui_port = free_port(), free_port()
            self.settings = self.settings.with_changes(
                temporal_address=f"{LOOPBACK}:{port}",
                temporal_ui_url=f"http://{LOOPBACK}:{ui_port}",
            )
            program = programs.temporal(
                home, port, ui_port, self._temporal_namespaces, self._temporal_dynamic
            )
            self._add(PartName.TEMPORAL, program)

    def _launch_model_server(self) -> None:
        settings = self.settings
        if settings.gold_urls and settings.silver_urls:
            return
        if not (
            settings.vllm_python.exists() and (settings.embedded_model / "config.json").exists()
        ):
            self._say("no model server is installed: texts come from templates")
            return
        port = free_port()
        own = (f"http://{LOOPBACK}:{port}/v1",)
        for tier in ("gold", "silver"):
            if not getattr(settings, f"{tier}_urls"):
                patience = {f"{tier}_first_token_seconds": OWN_MODEL_FIRST_TOKEN_SECONDS}
                self.settings = self.settings.with_changes(**{f"{tier}_urls": own}, **patience)
        self._add(PartName.VLLM, programs.model_server(settings, port))

    def _launch_provider(self) -> None:
        settings = self.settings
        if settings.stripe_api_base is not None or settings.stripe_api_key is not None:
            return
        port, webhook, secret = free_port(), None, None
        if self._takes(PartName.API):
            webhook = f"{settings.api_url}/v1/webhooks/stripe"
            secret = load_or_make_webhook_secret(settings)
        self.settings = settings.with_changes(
            stripe_api_base=f"http://{LOOPBACK}:{port}",
            stripe_api_key=STANDIN_KEY,
            stripe_webhook_secrets=secret or settings.stripe_webhook_secrets,
        )
        self._add(PartName.STRIPE, programs.stripe(settings.loreloom_home, port, webhook, secret))

    def _prepare_servers(self) -> None:
        if PartName.POSTGRES in self._parts:
            self.wait_for(PartName.POSTGRES)
        if self.settings.database_url:
            self._say("bringing the database up to date")
            migrate_database(self.settings)
        if PartName.STRIPE in self._parts:
            self.wait_for(PartName.STRIPE)
        if PartName.TEMPORAL in self._parts:
            self.wait_for(PartName.TEMPORAL)
        elif self._takes(PartName.WORKER):
            _run(migrate_temporal(self.settings))

    def _launch_engine(self) -> None:
        if self._takes(PartName.API):
            self.keys = load_or_make_keys(self.settings)
            _run(register_keys(self.settings, self.keys))
            if self.settings.console_secret is None:
                secret = load_or_make_console_secret(self.settings)
                self.settings = self.settings.with_changes(console_secret=secret)
            self._add(PartName.API, programs.api(self.settings))
        if self._takes(PartName.WORKER):
            self._add(PartName.WORKER, programs.worker(self.settings))
        for name in (PartName.API, PartName.WORKER):
            if name in self._parts:
                self.wait_for(name)

    def _takes(self, name: PartName) -> bool:
        return name in self.wanted

    def _add(self, name: PartName, program: Program) -> None:
        assert self._lock is not None
        self._say(f"starting {name}")
        log = self.settings.logs / f"{name}.log"
        set_aside(log)
        self._parts[name] = Part(program, log, self._lock)
        self._parts[name].launch()


def _run(coroutine: Coroutine[None, None, None]) -> None:
    # In a thread of its own, so that a stack can be started where a loop runs already.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, coroutine).result()
