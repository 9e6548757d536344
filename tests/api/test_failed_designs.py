"""A design that fails within the engine: a template serves, and the designer reads why."""

from typing import Any

import pytest
from sqlalchemy import insert, text

from loreloom.state.tables.life import LivingRow
from tests.support.serving import Api

WORDS = "sister's lamp"


async def made(api: Api, world_id: str) -> dict[str, Any]:
    """How the design of a new quest came to be, as a designer reads it."""
    quest = await api.quest(world_id, theme=WORDS)
    await api.until_state(quest["quest_id"], "offered")
    history = (await api.designer.get(f"/v1/quests/{quest['quest_id']}/history")).json()
    (step,) = [step for step in history["steps"] if step["kind"] == "generation.quest"]
    record: dict[str, Any] = step["generation"]["record"]
    handle = api.parts.temporal.get_workflow_handle(quest["workflow_id"])
    assert WORDS not in (await handle.fetch_history()).to_json()
    return record


@pytest.mark.usefixtures("worker")
async def test_a_designer_reads_that_the_database_failed_and_where(api: Api) -> None:
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    async with api.parts.store.transaction() as tx:
        await tx.run(text("ALTER TABLE rumours RENAME TO hearsay"))
    record = await made(api, world_id)
    assert (record["source"], record["reason"]) == ("template", "database")
    assert record["failure"].startswith("UndefinedTable in list_rumours, state/life.py line ")


@pytest.mark.usefixtures("worker")
async def test_a_designer_reads_that_the_engine_failed_and_no_word_of_what_it_was_about(
    api: Api,
) -> None:
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    async with api.parts.store.transaction() as tx:
        row = {"world_id": world_id, "day": 0, "state": {"factions": WORDS}}
        await tx.run(insert(LivingRow), row)
    record = await made(api, world_id)
    assert (record["source"], record["reason"]) == ("template", "fault")
    assert record["failure"].startswith("ValidationError in ")
    assert WORDS not in str(record["failure"])
