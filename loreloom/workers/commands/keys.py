"""`loreloom keys`: who may call the API of a deployment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from loreloom.state.keys import Scope, ensure_key, new_secret, revoke_key
from loreloom.state.store import Store
from loreloom.workers.commands.output import given_settings, saying_what_is_missing

keys = typer.Typer(help="API keys of a deployment.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(keys, name="keys")


@keys.command()
def add(
    name: str,
    scope: Annotated[list[Scope], typer.Option(help="What the key may do; may be repeated.")],
) -> None:
    """Make a key and print its secret, which is shown only now. A name that exists gets a new one.

    Needs DATABASE_URL.
    """
    secret = new_secret()

    async def run(store: Store) -> None:
        await ensure_key(store, name, secret, frozenset(scope))

    with saying_what_is_missing():
        asyncio.run(_with_store(run))
    typer.echo(secret)


@keys.command()
def revoke(name: str) -> None:
    """Revoke a key at once. Needs DATABASE_URL."""
    found: list[bool] = []

    async def run(store: Store) -> None:
        found.append(await revoke_key(store, name))

    with saying_what_is_missing():
        asyncio.run(_with_store(run))
    if not found[0]:
        typer.echo(f"there is no key named {name} in force", err=True)
        raise typer.Exit(1)


async def _with_store(work: Callable[[Store], Awaitable[None]]) -> None:
    store = Store(given_settings().required_database_url(), pool_size=1)
    try:
        await work(store)
    finally:
        await store.close()
