"""Databases as wholes: made, copied and dropped through the server's own `postgres` database."""

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.pool import NullPool


def ensure_database(url: str, *, template: str | None = None) -> None:
    """Make the database that `url` names unless it exists, as a copy of `template` if given.

    A template must have no open connection. Raises sqlalchemy.exc.OperationalError when the server
    does not answer.
    """
    wanted = make_url(url)
    with _server(wanted).connect() as connection:
        exists = text("SELECT 1 FROM pg_database WHERE datname = :name")
        if connection.execute(exists, {"name": wanted.database}).first() is None:
            copied = f' TEMPLATE "{template}"' if template else ""
            connection.execute(text(f'CREATE DATABASE "{wanted.database}"{copied}'))


def drop_database(url: str) -> None:
    """Drop the database that `url` names, closing whatever connection it has."""
    wanted = make_url(url)
    with _server(wanted).connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{wanted.database}" WITH (FORCE)'))


def _server(url: URL) -> Engine:
    server = url.set(database="postgres")
    return create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
