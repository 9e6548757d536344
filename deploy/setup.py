"""Makes a fresh checkout ready to run, and does nothing where that was done before.

    python3 deploy/setup.py

Needs Python 3.11 with venv and nothing else. Makes two environments, because vLLM pins other
versions than Loreloom: `.venv` for Loreloom and `.venv-vllm` for the embedded model server, then
the model folder under LORELOOM_HOME. Both are made at the same time. What each step prints goes
to LORELOOM_HOME/logs/setup-*.log.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
HOME = Path(os.environ.get("LORELOOM_HOME", ROOT / ".loreloom")).resolve()
LOGS = HOME / "logs"
MODEL = HOME / "models" / "smollm2-135m-instruct"
STAMP = "loreloom-stamp"


class SetupError(Exception):
    """A step that failed, in words for whoever started the set-up."""


def say(text: str) -> None:
    print(f"set-up: {text}", flush=True)


def run(step: str, log: Path, command: list[str]) -> None:
    """Run one step quietly. Raises SetupError with the last lines of its log."""
    with log.open("a") as output:
        output.write(f"$ {' '.join(command)}\n")
        output.flush()
        done = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    if done.returncode:
        tail = "\n".join(f"    {line}" for line in log.read_text().splitlines()[-12:])
        raise SetupError(f"{step} failed. Its log, {log}, ends with:\n{tail}")


def fingerprint(files: Iterable[Path]) -> str:
    """Changes when any of the files does, or the Python that the environment is made from."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


class Environment:
    """A virtual environment that is made once for given pins, and stamped when it is whole."""

    def __init__(self, folder: str, pins: Iterable[Path]) -> None:
        self.path = ROOT / folder
        self.python = self.path / "bin" / "python"
        self.log = LOGS / f"setup{folder.replace('.', '-')}.log"
        self._stamp = self.path / STAMP
        self._wanted = fingerprint(pins)

    def ready(self) -> bool:
        return (
            self.python.exists()
            and self._stamp.exists()
            and self._stamp.read_text() == self._wanted
        )

    def create(self) -> None:
        self._stamp.unlink(missing_ok=True)
        self.log.write_text("")
        if self._has_pip():
            return
        try:
            venv.create(self.path, with_pip=True, clear=True)
        except (subprocess.CalledProcessError, ImportError) as error:
            # Its Python is there before pip is, and would pass for an environment next time.
            shutil.rmtree(self.path, ignore_errors=True)
            raise SetupError(
                "this Python cannot make virtual environments "
                "(on Debian: apt-get install python3-venv)"
            ) from error

    def _has_pip(self) -> bool:
        """Whether pip runs here: not so where making the environment was cut off half-way."""
        if not self.python.exists():
            return False
        asked = subprocess.run([str(self.python), "-m", "pip", "--version"], capture_output=True)
        return asked.returncode == 0

    def pip(self, step: str, *arguments: str) -> None:
        pip = [str(self.python), "-m", "pip", "--disable-pip-version-check", "install"]
        run(step, self.log, [*pip, *arguments])

    def stamp(self) -> None:
        self._stamp.write_text(self._wanted)


def make_engine() -> None:
    """`.venv`: Loreloom, what it needs, and what its tests need."""
    constraints = DEPLOY / "constraints.txt"
    environment = Environment(".venv", [constraints, ROOT / "pyproject.toml"])
    if environment.ready():
        return
    say(f"making .venv (a minute or two; {environment.log})")
    started = time.monotonic()
    environment.create()
    environment.pip("installing Loreloom", "-c", str(constraints), "-e", ".[embedded,dev]")
    environment.stamp()
    say(f".venv is ready after {time.monotonic() - started:.0f} s")


def make_model_server() -> None:
    """`.venv-vllm` and the model folder. Without them stories come from templates."""
    if os.environ.get("GOLD_URLS") and os.environ.get("SILVER_URLS"):
        return
    packages, requirements, constraints = (
        DEPLOY / f"vllm-{name}.txt" for name in ("packages", "requirements", "constraints")
    )
    environment = Environment(".venv-vllm", [packages, requirements, constraints])
    if not environment.ready():
        say(f"making .venv-vllm for the model server (a minute or two; {environment.log})")
        started = time.monotonic()
        environment.create()
        try:
            environment.pip("installing vLLM", "--no-deps", "-r", str(packages))
        except SetupError as error:
            say(
                f"{error}\n"
                "set-up: vLLM for the CPU could not be had for this machine. Going on without it:"
                " texts come from the templates in content/quests, or from any OpenAI-compatible"
                " server that GOLD_URLS and SILVER_URLS name."
            )
            return
        environment.pip(
            "installing what vLLM needs", "-c", str(constraints), "-r", str(requirements)
        )
        environment.stamp()
        say(f".venv-vllm is ready after {time.monotonic() - started:.0f} s")
    if not (MODEL / "config.json").exists():
        make_model_folder(environment)


def make_model_folder(environment: Environment) -> None:
    say("unpacking the model (about 20 s)")
    script = ROOT / "loreloom" / "workers" / "embedded" / "model_folder.py"
    os.environ["HF_HUB_OFFLINE"] = "1"
    run("unpacking the model", environment.log, [str(environment.python), str(script), str(MODEL)])
    say("the model folder is ready")


def in_parallel(*steps: Callable[[], None]) -> list[str]:
    """Run the steps at once; the messages of those that failed."""
    failures: list[str] = []

    def guarded(step: Callable[[], None]) -> None:
        try:
            step()
        except SetupError as error:
            failures.append(str(error))

    threads = [threading.Thread(target=guarded, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036  the one file that an older Python may run
        say(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}")
        return 1
    LOGS.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(ROOT).free < 6 * 1024**3:
        say("warning: less than 6 GB of disk are free; the environments take about 4 GB")
    with (HOME / "setup.lock").open("w") as lock:
        # Two targets started at once would install into one folder at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        failures = in_parallel(make_engine, make_model_server)
    for failure in failures:
        say(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
