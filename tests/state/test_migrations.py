"""The migrations make what the tables say."""

import pytest
from alembic import command
from sqlalchemy import create_engine, text

from loreloom.state.migrations import config_for, upgrade

GIVEN = (
    "INSERT INTO worlds (world_id, name, canon, seed, rating, world_daily_tokens,"
    " player_daily_tokens, calendar, clock_anchor, game_anchor, scale)"
    " VALUES ('w', 'W', 'default', 1, 'teen', 1, 1, '{}', now(), 0, 60)",
    "INSERT INTO arc_definitions (digest, arc, definition) VALUES ('d', 'ours', '{}')",
    "INSERT INTO arcs (arc_id, world_id, arc, digest, state)"
    " VALUES ('a', 'w', 'ours', 'd', 'running')",
    "INSERT INTO arc_goals (arc_id, goal, seq, target, total) VALUES ('a', 'candles', 3, 9, 2)",
    "INSERT INTO arc_contributions (arc_id, action_id, goal, player_id, amount, total)"
    " VALUES ('a', 'act-1', 'candles', 'mara', 2, 2)",
)
GIVEN_SINCE = (
    "INSERT INTO arc_goals (arc_id, goal, seq, target) VALUES ('a', 'candles', 5, 9)",
    "INSERT INTO arc_contributions (arc_id, player_id, action_id, goal, seq, amount, total)"
    " VALUES ('a', 'nils', 'act-1', 'candles', 3, 1, 3), ('a', 'nils', 'x', 'candles', 5, 1, 1)",
)
"""A goal as one release kept it, and what only the release after it can keep."""


def test_the_migrations_end_in_the_tables_as_the_code_has_them(database_url: str) -> None:
    command.check(config_for(database_url))


def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    upgrade(database_url)
    command.check(config_for(database_url))


def test_every_migration_can_be_taken_back(database_url: str) -> None:
    command.downgrade(config_for(database_url), "base")
    upgrade(database_url)
    command.check(config_for(database_url))


def test_what_was_given_to_a_goal_is_kept_under_the_visit_that_opened_it(
    database_url: str,
) -> None:
    config = config_for(database_url)
    command.downgrade(config, "0008")
    engine = create_engine(database_url)
    with engine.begin() as connection:
        for statement in GIVEN:
            connection.execute(text(statement))
    command.upgrade(config, "head")
    with engine.begin() as connection:
        rows = connection.execute(text("SELECT action_id, seq FROM arc_contributions")).all()
        assert [tuple(row) for row in rows] == [("act-1", 3)]
        for statement in GIVEN_SINCE:
            connection.execute(text(statement))
    command.downgrade(config, "0008")
    with engine.begin() as connection:
        kept = connection.execute(text("SELECT player_id, action_id FROM arc_contributions")).all()
        assert [tuple(row) for row in kept] == [("mara", "act-1")]
    engine.dispose()
    command.upgrade(config, "head")
    command.check(config)


@pytest.mark.parametrize(
    ("action_id", "state", "revision", "after"),
    [
        ("quest.offered@1", "offered", 1, "quest.offered 1"),
        ("quest.accepted@2", "active", 2, "quest.accepted 2"),
        ("quest.failed@5", "failed", 5, "quest.failed 5"),
        ("quest.failed@5", "active", 3, "quest.failed@5"),
        ("quest.accepted@2", "active", 3, "quest.accepted@2"),
        ("a@b", "active", 3, "a@b"),
    ],
)
def test_steps_of_quests_that_run_keep_their_ids_apart_from_callers(
    database_url: str, action_id: str, state: str, revision: int, after: str
) -> None:
    command.downgrade(config_for(database_url), "0008")
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text(
                "INSERT INTO quest_acts (quest_id, action_id, revision, progress)"
                " VALUES ('quest', :action_id, :revision,"
                " jsonb_build_object('state', CAST(:state AS text)))"
            ),
            {"action_id": action_id, "revision": revision, "state": state},
        )
    upgrade(database_url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT action_id FROM quest_acts")) == after
    engine.dispose()
