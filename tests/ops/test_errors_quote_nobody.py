"""What fails on the way to the database quotes no player: not in a history, not in a log."""

import json
import logging

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError
from temporalio.client import WorkflowFailureError

from loreloom.state.store import Store
from loreloom.state.tables.worlds import Player
from tests.support.serving import Api

WORDS = "sister's lamp"


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Everything that is logged."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return caplog


async def refuse(api: Api, state: str) -> None:
    """Let the database refuse quests of a state, quoting the row as it does."""
    async with api.parts.store.transaction() as tx:
        await tx.run(text(f"ALTER TABLE quests ADD CHECK (state <> '{state}')"))


@pytest.mark.usefixtures("worker")
async def test_a_failing_step_keeps_none_of_the_players_words(
    api: Api, logged: pytest.LogCaptureFixture
) -> None:
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    await refuse(api, "offered")
    quest = await api.quest(world_id, theme=WORDS)
    await api.until_state(quest["quest_id"], "broken")
    handle = api.parts.temporal.get_workflow_handle(quest["workflow_id"])
    # What a step failed by is in the history once the task is done that it was a part of.
    with pytest.raises(WorkflowFailureError):
        await handle.result()
    kept = json.dumps((await handle.fetch_history()).to_json_dict())
    assert "violates check constraint" in kept
    assert WORDS not in kept
    assert "violates check constraint" in logged.text
    assert WORDS not in logged.text


async def test_a_failing_request_logs_none_of_the_players_words(
    api: Api, logged: pytest.LogCaptureFixture
) -> None:
    world_id = (await api.world())["world_id"]
    await api.player(world_id)
    await refuse(api, "designing")
    body = {"player_id": "mara", "theme": WORDS}
    answer = await api.game.post(f"/v1/worlds/{world_id}/quests", json=body)
    assert answer.status_code == 500
    assert "violates check constraint" in logged.text
    assert WORDS not in logged.text
    assert WORDS not in answer.text


async def test_an_error_names_the_statement_and_no_value(store: Store) -> None:
    row = {"world_id": "nowhere", "player_id": "mara", "name": WORDS}
    with pytest.raises(IntegrityError) as refused:
        async with store.transaction() as tx:
            await tx.run(insert(Player), row)
    assert "INSERT INTO players" in str(refused.value)
    assert WORDS not in str(refused.value)
    assert "nowhere" not in str(refused.value)
