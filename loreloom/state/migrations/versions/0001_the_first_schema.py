"""The first schema."""

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("name", name=op.f("uq_api_keys_name")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_api_keys_secret_sha256")),
    )
    op.create_table(
        "canon_sizes",
        sa.Column("canon", sa.Text(), nullable=False),
        sa.Column("passages", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("windows", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total_length", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("canon", name=op.f("pk_canon_sizes")),
    )
    op.create_table(
        "canon_terms",
        sa.Column("canon", sa.Text(), nullable=False),
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("passages", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("canon", "term", name=op.f("pk_canon_terms")),
    )
    op.create_table(
        "documents",
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("canon", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("published_revision", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("passages", sa.BigInteger(), nullable=True),
        sa.Column("passages_done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_documents")),
        sa.UniqueConstraint("canon", "name", name=op.f("uq_documents_canon_name")),
    )
    op.create_table(
        "effects",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_effects")),
    )
    op.create_table(
        "entities",
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("canon", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("corrected", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("entity_id", name=op.f("pk_entities")),
    )
    op.create_index("ix_entities_listing", "entities", ["canon", "name", "entity_id"], unique=False)
    op.create_table(
        "entity_changes",
        sa.Column("canon", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("change", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("canon", "entity_id", name=op.f("pk_entity_changes")),
    )
    op.create_table(
        "workflow_starts",
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("input", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workflow_id", name=op.f("pk_workflow_starts")),
    )
    op.create_index(
        "ix_workflow_starts_open",
        "workflow_starts",
        ["created_at"],
        unique=False,
        postgresql_where="started_at IS NULL",
    )
    op.create_table(
        "worlds",
        sa.Column("world_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("canon", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("rating", sa.Text(), nullable=False),
        sa.Column("templates_only", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("world_daily_tokens", sa.BigInteger(), nullable=False),
        sa.Column("player_daily_tokens", sa.BigInteger(), nullable=False),
        sa.Column("calendar", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("clock_anchor", sa.DateTime(timezone=True), nullable=False),
        sa.Column("game_anchor", sa.BigInteger(), nullable=False),
        sa.Column("scale", sa.Double(), nullable=False),
        sa.Column("paused", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("chronicle_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("world_id", name=op.f("pk_worlds")),
    )
    op.create_table(
        "chronicle",
        sa.Column("world_id", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("game_seconds", sa.BigInteger(), nullable=False),
        sa.Column("player_id", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["world_id"], ["worlds.world_id"], name=op.f("fk_chronicle_world_id_worlds")
        ),
        sa.PrimaryKeyConstraint("world_id", "id", name=op.f("pk_chronicle")),
    )
    op.create_index("ix_chronicle_kind", "chronicle", ["world_id", "kind", "id"], unique=False)
    op.create_index(
        "ix_chronicle_player", "chronicle", ["world_id", "player_id", "id"], unique=False
    )
    op.create_index("ix_chronicle_subject", "chronicle", ["subject", "id"], unique=False)
    op.create_index("uq_chronicle_world_id_key", "chronicle", ["world_id", "key"], unique=True)
    op.create_table(
        "document_revisions",
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("markdown", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.document_id"],
            name=op.f("fk_document_revisions_document_id_documents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_id", "revision", name=op.f("pk_document_revisions")),
    )
    op.create_table(
        "entity_declarations",
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("canon", sa.Text(), nullable=False),
        sa.Column("declaration", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.document_id"],
            name=op.f("fk_entity_declarations_document_id_documents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_id", "position", name=op.f("pk_entity_declarations")),
    )
    op.create_index(
        op.f("ix_entity_declarations_canon"), "entity_declarations", ["canon"], unique=False
    )
    op.create_table(
        "entity_names",
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("canon", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("words", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("telling", sa.Text(), nullable=False),
        sa.Column("fact", sa.Text(), nullable=True),
        sa.Column("rating_rank", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entity_id"],
            ["entities.entity_id"],
            name=op.f("fk_entity_names_entity_id_entities"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("entity_id", "position", name=op.f("pk_entity_names")),
    )
    op.create_index("ix_entity_names_folded", "entity_names", ["canon", "folded"], unique=False)
    op.create_index(
        "ix_entity_names_words", "entity_names", ["words"], unique=False, postgresql_using="gin"
    )
    op.create_table(
        "entity_ties",
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("to_id", sa.Text(), nullable=True),
        sa.Column("to_name", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("telling", sa.Text(), nullable=False),
        sa.Column("fact", sa.Text(), nullable=True),
        sa.Column("rating_rank", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entity_id"],
            ["entities.entity_id"],
            name=op.f("fk_entity_ties_entity_id_entities"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["to_id"],
            ["entities.entity_id"],
            name=op.f("fk_entity_ties_to_id_entities"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("entity_id", "position", name=op.f("pk_entity_ties")),
    )
    op.create_index(op.f("ix_entity_ties_to_id"), "entity_ties", ["to_id"], unique=False)
    op.create_table(
        "facts",
        sa.Column("world_id", sa.Text(), nullable=False),
        sa.Column("player_id", sa.Text(), server_default="", nullable=False),
        sa.Column("fact", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column(
            "since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["world_id"], ["worlds.world_id"], name=op.f("fk_facts_world_id_worlds")
        ),
        sa.PrimaryKeyConstraint("world_id", "player_id", "fact", name=op.f("pk_facts")),
    )
    op.create_table(
        "generations",
        sa.Column("generation_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("world_id", sa.Text(), nullable=False),
        sa.Column("player_id", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["world_id"], ["worlds.world_id"], name=op.f("fk_generations_world_id_worlds")
        ),
        sa.PrimaryKeyConstraint("generation_id", name=op.f("pk_generations")),
        sa.UniqueConstraint("key", name=op.f("uq_generations_key")),
    )
    op.create_index(
        "ix_generations_subject", "generations", ["subject", "created_at"], unique=False
    )
    op.create_table(
        "idempotent_requests",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("request_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_keys.key_id"], name=op.f("fk_idempotent_requests_key_id_api_keys")
        ),
        sa.PrimaryKeyConstraint("key_id", "idempotency_key", name=op.f("pk_idempotent_requests")),
    )
    op.create_index(
        op.f("ix_idempotent_requests_created_at"),
        "idempotent_requests",
        ["created_at"],
        unique=False,
    )
    op.create_table(
        "passages",
        sa.Column("passage_id", sa.Text(), nullable=False),
        sa.Column("canon", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("heading_path", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("telling", sa.Text(), nullable=False),
        sa.Column("fact", sa.Text(), nullable=True),
        sa.Column("rating_rank", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.document_id"],
            name=op.f("fk_passages_document_id_documents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("passage_id", name=op.f("pk_passages")),
    )
    op.create_index("ix_passages_canon", "passages", ["canon", "passage_id"], unique=False)
    op.create_index(
        "ix_passages_document_position", "passages", ["document_id", "position"], unique=False
    )
    op.create_table(
        "players",
        sa.Column("world_id", sa.Text(), nullable=False),
        sa.Column("player_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("experience", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("coin", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("coin >= 0", name=op.f("ck_players_coin_not_negative")),
        sa.CheckConstraint("experience >= 0", name=op.f("ck_players_experience_not_negative")),
        sa.ForeignKeyConstraint(
            ["world_id"], ["worlds.world_id"], name=op.f("fk_players_world_id_worlds")
        ),
        sa.PrimaryKeyConstraint("world_id", "player_id", name=op.f("pk_players")),
    )
    op.create_table(
        "regions",
        sa.Column("world_id", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("weather", sa.Text(), server_default="clear", nullable=False),
        sa.Column("weather_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["world_id"], ["worlds.world_id"], name=op.f("fk_regions_world_id_worlds")
        ),
        sa.PrimaryKeyConstraint("world_id", "region", name=op.f("pk_regions")),
    )
    op.create_table(
        "token_use",
        sa.Column("world_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("player_id", sa.Text(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["world_id"], ["worlds.world_id"], name=op.f("fk_token_use_world_id_worlds")
        ),
        sa.PrimaryKeyConstraint("world_id", "day", "player_id", name=op.f("pk_token_use")),
    )
    op.create_table(
        "inventory",
        sa.Column("world_id", sa.Text(), nullable=False),
        sa.Column("player_id", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("count >= 0", name=op.f("ck_inventory_count_not_negative")),
        sa.ForeignKeyConstraint(
            ["world_id", "player_id"],
            ["players.world_id", "players.player_id"],
            name=op.f("fk_inventory_world_id_player_id_players"),
        ),
        sa.PrimaryKeyConstraint("world_id", "player_id", "item", name=op.f("pk_inventory")),
    )
    op.create_table(
        "passage_entities",
        sa.Column("passage_id", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("mentions", sa.SmallInteger(), nullable=False),
        sa.Column("in_heading", sa.Boolean(), nullable=False),
        sa.Column("telling", sa.Text(), nullable=False),
        sa.Column("fact", sa.Text(), nullable=True),
        sa.Column("rating_rank", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entity_id"],
            ["entities.entity_id"],
            name=op.f("fk_passage_entities_entity_id_entities"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["passage_id"],
            ["passages.passage_id"],
            name=op.f("fk_passage_entities_passage_id_passages"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("passage_id", "entity_id", name=op.f("pk_passage_entities")),
    )
    op.create_index(
        "ix_passage_entities_entity", "passage_entities", ["entity_id", "passage_id"], unique=False
    )
    op.create_table(
        "passage_terms",
        sa.Column("passage_id", sa.Text(), nullable=False),
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("canon", sa.Text(), nullable=False),
        sa.Column("frequency", sa.SmallInteger(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["passage_id"],
            ["passages.passage_id"],
            name=op.f("fk_passage_terms_passage_id_passages"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("passage_id", "term", name=op.f("pk_passage_terms")),
    )
    op.create_index(
        "ix_passage_terms_posting",
        "passage_terms",
        ["canon", "term"],
        unique=False,
        postgresql_include=["passage_id", "frequency", "length"],
    )
    op.create_table(
        "passage_vectors",
        sa.Column("passage_id", sa.Text(), nullable=False),
        sa.Column("window", sa.SmallInteger(), nullable=False),
        sa.Column("canon", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("telling", sa.Text(), nullable=False),
        sa.Column("fact", sa.Text(), nullable=True),
        sa.Column("rating_rank", sa.SmallInteger(), nullable=False),
        sa.Column("embedding", HALFVEC(dim=384), nullable=False),
        sa.ForeignKeyConstraint(
            ["passage_id"],
            ["passages.passage_id"],
            name=op.f("fk_passage_vectors_passage_id_passages"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("passage_id", "window", name=op.f("pk_passage_vectors")),
    )
    op.create_index(
        "ix_passage_vectors_canon_document",
        "passage_vectors",
        ["canon", "document_id"],
        unique=False,
    )
    op.create_index(
        "ix_passage_vectors_embedding",
        "passage_vectors",
        ["embedding"],
        unique=False,
        postgresql_using="hnsw",
        postgresql_ops={"embedding": "halfvec_ip_ops"},
        postgresql_with={"m": 16, "ef_construction": 64},
    )
    op.create_table(
        "quests",
        sa.Column("quest_id", sa.Text(), nullable=False),
        sa.Column("world_id", sa.Text(), nullable=False),
        sa.Column("player_id", sa.Text(), nullable=False),
        sa.Column("request", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("plan", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("progress", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("story", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("citations", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("endings", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("reward", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["world_id", "player_id"],
            ["players.world_id", "players.player_id"],
            name=op.f("fk_quests_world_id_player_id_players"),
        ),
        sa.ForeignKeyConstraint(
            ["world_id"], ["worlds.world_id"], name=op.f("fk_quests_world_id_worlds")
        ),
        sa.PrimaryKeyConstraint("quest_id", name=op.f("pk_quests")),
    )
    op.create_index(
        "ix_quests_listing", "quests", ["world_id", "created_at", "quest_id"], unique=False
    )
    op.create_index(
        "ix_quests_player",
        "quests",
        ["world_id", "player_id", "created_at", "quest_id"],
        unique=False,
    )
    op.create_table(
        "staged_passages",
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("passage_id", sa.Text(), nullable=False),
        sa.Column("heading_path", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("windows", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("telling", sa.Text(), nullable=False),
        sa.Column("fact", sa.Text(), nullable=True),
        sa.Column("rating_rank", sa.SmallInteger(), nullable=False),
        sa.Column("vectors", postgresql.ARRAY(HALFVEC(dim=384)), nullable=True),
        sa.ForeignKeyConstraint(
            ["document_id", "revision"],
            ["document_revisions.document_id", "document_revisions.revision"],
            name=op.f("fk_staged_passages_document_id_revision_document_revisions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "document_id", "revision", "position", name=op.f("pk_staged_passages")
        ),
    )
    op.create_index(
        "ix_staged_passages_open",
        "staged_passages",
        ["document_id", "revision", "position"],
        unique=False,
        postgresql_where=sa.text("vectors IS NULL"),
    )
    op.create_table(
        "standings",
        sa.Column("world_id", sa.Text(), nullable=False),
        sa.Column("player_id", sa.Text(), nullable=False),
        sa.Column("faction", sa.Text(), nullable=False),
        sa.Column("standing", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["world_id", "player_id"],
            ["players.world_id", "players.player_id"],
            name=op.f("fk_standings_world_id_player_id_players"),
        ),
        sa.PrimaryKeyConstraint("world_id", "player_id", "faction", name=op.f("pk_standings")),
    )
    op.create_table(
        "quest_acts",
        sa.Column("quest_id", sa.Text(), nullable=False),
        sa.Column("action_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("progress", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["quest_id"], ["quests.quest_id"], name=op.f("fk_quest_acts_quest_id_quests")
        ),
        sa.PrimaryKeyConstraint("quest_id", "action_id", name=op.f("pk_quest_acts")),
    )


def downgrade() -> None:
    op.drop_table("quest_acts")
    op.drop_table("standings")
    op.drop_index(
        "ix_staged_passages_open",
        table_name="staged_passages",
        postgresql_where=sa.text("vectors IS NULL"),
    )
    op.drop_table("staged_passages")
    op.drop_index("ix_quests_player", table_name="quests")
    op.drop_index("ix_quests_listing", table_name="quests")
    op.drop_table("quests")
    op.drop_index(
        "ix_passage_vectors_embedding",
        table_name="passage_vectors",
        postgresql_using="hnsw",
        postgresql_ops={"embedding": "halfvec_ip_ops"},
        postgresql_with={"m": 16, "ef_construction": 64},
    )
    op.drop_index("ix_passage_vectors_canon_document", table_name="passage_vectors")
    op.drop_table("passage_vectors")
    op.drop_index(
        "ix_passage_terms_posting",
        table_name="passage_terms",
        postgresql_include=["passage_id", "frequency", "length"],
    )
    op.drop_table("passage_terms")
    op.drop_index("ix_passage_entities_entity", table_name="passage_entities")
    op.drop_table("passage_entities")
    op.drop_table("inventory")
    op.drop_table("token_use")
    op.drop_table("regions")
    op.drop_table("players")
    op.drop_index("ix_passages_document_position", table_name="passages")
    op.drop_index("ix_passages_canon", table_name="passages")
    op.drop_table("passages")
    op.drop_index(op.f("ix_idempotent_requests_created_at"), table_name="idempotent_requests")
    op.drop_table("idempotent_requests")
    op.drop_index("ix_generations_subject", table_name="generations")
    op.drop_table("generations")
    op.drop_table("facts")
    op.drop_index(op.f("ix_entity_ties_to_id"), table_name="entity_ties")
    op.drop_table("entity_ties")
    op.drop_index("ix_entity_names_words", table_name="entity_names", postgresql_using="gin")
    op.drop_index("ix_entity_names_folded", table_name="entity_names")
    op.drop_table("entity_names")
    op.drop_index(op.f("ix_entity_declarations_canon"), table_name="entity_declarations")
    op.drop_table("entity_declarations")
    op.drop_table("document_revisions")
    op.drop_index("uq_chronicle_world_id_key", table_name="chronicle")
    op.drop_index("ix_chronicle_subject", table_name="chronicle")
    op.drop_index("ix_chronicle_player", table_name="chronicle")
    op.drop_index("ix_chronicle_kind", table_name="chronicle")
    op.drop_table("chronicle")
    op.drop_table("worlds")
    op.drop_index(
        "ix_workflow_starts_open",
        table_name="workflow_starts",
        postgresql_where="started_at IS NULL",
    )
    op.drop_table("workflow_starts")
    op.drop_table("entity_changes")
    op.drop_index("ix_entities_listing", table_name="entities")
    op.drop_table("entities")
    op.drop_table("effects")
    op.drop_table("documents")
    op.drop_table("canon_terms")
    op.drop_table("canon_sizes")
    op.drop_table("api_keys")
