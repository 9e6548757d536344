"""The keys of the embedded stack: made once, kept in a file of their owner's, known to the API."""

import json
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from loreloom.state.keys import Scope, ensure_key, new_secret
from loreloom.state.store import Store
from loreloom.workers.settings import Settings


class StackKeys(BaseModel):
    """One secret for each scope."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    game: str
    designer: str
    ops: str


def load_or_make_keys(settings: Settings) -> StackKeys:
    """The keys in the home's file; made at random when there are none yet."""
    file = settings.keys_file
    if not file.exists():
        keys = StackKeys(game=new_secret(), designer=new_secret(), ops=new_secret())
        _write(file, json.dumps(keys.model_dump(), indent=2))
    return StackKeys.model_validate_json(file.read_text())


def load_or_make_webhook_secret(settings: Settings) -> str:
    """What the provider's stand-in signs with; made at random when there is none yet."""
    return _load_or_make(settings.loreloom_home / "webhook-secret", f"whsec_{new_secret()}")


def load_or_make_console_secret(settings: Settings) -> str:
    """What the console signs its cookies with; made at random when there is none yet."""
    return _load_or_make(settings.loreloom_home / "console-secret", new_secret())


async def register_keys(settings: Settings, keys: StackKeys) -> None:
    """Let the API know the keys; only their hashes reach the database."""
    store = Store(settings.required_database_url(), pool_size=1)
    try:
        for scope in Scope:
            secret = getattr(keys, scope.value)
            await ensure_key(store, f"stack-{scope}", secret, frozenset({scope}))
    finally:
        await store.close()


def _load_or_make(file: Path, fresh: str) -> str:
    if not file.exists():
        _write(file, fresh)
    return file.read_text()


def _write(file: Path, text: str) -> None:
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    partial.rename(file)
