"""Alembic's entry point: one connection, one transaction, under a lock against a second upgrade."""

from alembic import context
from sqlalchemy import create_engine, text

from loreloom.state.tables import Base

UPGRADE_LOCK = 0x10E100


def run() -> None:
    """Run the migrations that the command asked for."""
    engine = create_engine(context.config.attributes["database_url"])
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": UPGRADE_LOCK})
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            compare_type=True,
            compare_server_default=False,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    engine.dispose()


run()
