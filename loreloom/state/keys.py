"""API keys: random secrets of 256 bits, of which only the SHA-256 is kept.

A fast hash is enough because the secrets are random, not chosen: there is nothing to guess from.
"""

import hashlib
import secrets
from enum import StrEnum

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func as sql
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.state.store import Store
from loreloom.state.tables.access import ApiKey


class Scope(StrEnum):
    """What a key may do; ``ops`` includes ``designer`` and ``game``, ``designer`` reads all."""

    GAME = "game"
    DESIGNER = "designer"
    OPS = "ops"


class KeyIdentity(BaseModel):
    """Who calls: the key's id and scopes, never its secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key_id: str
    name: str
    scopes: frozenset[Scope]


def new_secret() -> str:
    """A fresh secret for a key."""
    return f"ll_{secrets.token_urlsafe(32)}"


def digest(secret: str) -> bytes:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode()).digest()


async def ensure_key(store: Store, name: str, secret: str, scopes: frozenset[Scope]) -> None:
    """Register a secret under a name; a key of that name gets the new secret and scopes."""
    values = {"secret_sha256": digest(secret), "scopes": sorted(scopes), "revoked_at": None}
    statement = (
        pg_insert(ApiKey)
        .values(key_id=f"key_{secrets.token_hex(8)}", name=name, **values)
        .on_conflict_do_update(index_elements=[ApiKey.name], set_=values)
    )
    async with store.transaction() as tx:
        await tx.run(statement)


async def revoke_key(store: Store, name: str) -> bool:
    """Revoke the key of that name. ``False`` if there is none in force."""
    statement = (
        update(ApiKey)
        .where(ApiKey.name == name, ApiKey.revoked_at.is_(None))
        .values(revoked_at=sql.now())
        .returning(ApiKey.key_id)
    )
    async with store.transaction() as tx:
        return (await tx.run(statement)).first() is not None


async def identify(store: Store, kept: bytes) -> KeyIdentity | None:
    """Whose secret has this ``digest``; ``None`` if it is unknown or revoked."""
    statement = select(ApiKey.key_id, ApiKey.name, ApiKey.scopes).where(
        ApiKey.secret_sha256 == kept, ApiKey.revoked_at.is_(None)
    )
    async with store.reading() as connection:
        row = (await connection.execute(statement)).first()
    if row is None:
        return None
    return KeyIdentity(
        key_id=row.key_id, name=row.name, scopes=frozenset(Scope(s) for s in row.scopes)
    )
