"""Postgres: tables, migrations, repositories and the chronicle. Only this room commits."""
