"""Clocks and weather."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _clock()
    _weather()


def downgrade() -> None:
    _no_weather()
    _no_clock()


def _clock() -> None:
    for column in ("game_micros", "clock_told"):
        op.add_column(
            "worlds", sa.Column(column, sa.BigInteger(), server_default="0", nullable=False)
        )
    op.execute("UPDATE worlds SET clock_told = game_anchor")
    op.execute(
        """
        INSERT INTO workflow_starts (workflow_id, workflow, input)
        SELECT 'clock/' || world_id, 'WorldClock', jsonb_build_object('world_id', world_id)
        FROM worlds
        """
    )


def _no_clock() -> None:
    op.execute("DELETE FROM workflow_starts WHERE workflow = 'WorldClock'")
    for column in ("clock_told", "game_micros"):
        op.drop_column("worlds", column)


def _weather() -> None:
    op.create_table(
        "climates",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_climates")),
    )
    op.create_table(
        "imposed_weathers",
        sa.Column("world_id", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("from_seconds", sa.BigInteger(), nullable=False),
        sa.Column("until_seconds", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("cleared", sa.Boolean(), server_default="false", nullable=False),
        sa.ForeignKeyConstraint(
            ["world_id", "region"],
            ["regions.world_id", "regions.region"],
            name=op.f("fk_imposed_weathers_world_id_region_regions"),
        ),
        sa.PrimaryKeyConstraint("world_id", "region", "number", name=op.f("pk_imposed_weathers")),
    )
    op.create_index(
        "uq_imposed_weathers_key", "imposed_weathers", ["world_id", "region", "key"], unique=True
    )
    op.execute(
        """
        INSERT INTO imposed_weathers
            (world_id, region, number, key, state, from_seconds, until_seconds, "by")
        SELECT world_id, region, 1, 'before', weather, 0, weather_until, 'before'
        FROM regions WHERE weather <> 'clear'
        """
    )
    op.drop_column("regions", "weather_until")
    op.drop_column("regions", "weather")
    op.add_column("regions", sa.Column("climate", sa.Text(), nullable=True))
    op.add_column("regions", sa.Column("sky", sa.Text(), nullable=True))
    op.add_column("regions", sa.Column("weather", sa.Text(), nullable=True))
    op.add_column("regions", sa.Column("weather_imposition", sa.BigInteger(), nullable=True))
    op.add_column("regions", sa.Column("weather_through", sa.BigInteger(), nullable=True))
    op.add_column(
        "regions",
        sa.Column("weather_told", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.create_foreign_key(
        op.f("fk_regions_climate_climates"), "regions", "climates", ["climate"], ["digest"]
    )
    op.execute(
        """
        INSERT INTO workflow_starts (workflow_id, workflow, input)
        SELECT 'weather/' || world_id || '/' || region, 'RegionWeather', jsonb_build_object(
            'region', jsonb_build_object('world_id', world_id, 'region', region))
        FROM regions
        """
    )


def _no_weather() -> None:
    op.execute("DELETE FROM workflow_starts WHERE workflow = 'RegionWeather'")
    op.drop_constraint(op.f("fk_regions_climate_climates"), "regions", type_="foreignkey")
    for column in (
        "weather_told", "weather_through", "weather_imposition", "weather", "sky", "climate"
    ):  # fmt: skip
        op.drop_column("regions", column)
    op.add_column(
        "regions", sa.Column("weather", sa.Text(), server_default="clear", nullable=False)
    )
    op.add_column("regions", sa.Column("weather_until", sa.BigInteger(), nullable=True))
    op.drop_table("imposed_weathers")
    op.drop_table("climates")
