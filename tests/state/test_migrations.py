"""The migrations make what the tables say."""

from alembic import command

from loreloom.state.migrations import config_for, upgrade


def test_the_migrations_end_in_the_tables_as_the_code_has_them(database_url: str) -> None:
    command.check(config_for(database_url))


def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    upgrade(database_url)
    command.check(config_for(database_url))


def test_every_migration_can_be_taken_back(database_url: str) -> None:
    command.downgrade(config_for(database_url), "base")
    upgrade(database_url)
    command.check(config_for(database_url))
