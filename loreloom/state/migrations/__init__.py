"""The database's schema, step by step, with Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config


def config_for(database_url: str) -> Config:
    """Alembic's configuration for a database; no ini file is needed."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["database_url"] = database_url
    return config


def upgrade(database_url: str) -> None:
    """Bring a database to the newest schema; does nothing if it is there."""
    command.upgrade(config_for(database_url), "head")
