"""What has to be in place before the first worker or API starts; safe to run again at any time."""

from loreloom.state.databases import ensure_database
from loreloom.state.migrations import upgrade
from loreloom.workers.settings import Settings
from loreloom.workers.temporal_connection import connect, ensure_search_attributes


def migrate_database(settings: Settings) -> None:
    """Make the database if it is missing, and bring it to the newest schema."""
    ensure_database(settings.required_database_url())
    upgrade(settings.required_database_url())


async def migrate_temporal(settings: Settings) -> None:
    """Register what the workflows rely on in Temporal's namespace."""
    await ensure_search_attributes(await connect(settings))
