"""Recorded histories of every way that a workflow can go replay against the code as it stands."""

from pathlib import Path

import pytest
from temporalio.workflow import NondeterminismError

from loreloom.workers.worker import WORKFLOWS
from tests.histories import (
    arcs,
    clocks,
    erasures,
    ingestions,
    payments,
    quests,
    settlements,
    weathers,
    whatifs,
)
from tests.histories.replaying import name_of, read, recorded, replay, type_of

WAYS = {
    "quest": set(quests.WAYS),
    "arc": set(arcs.WAYS),
    "ingestion": set(ingestions.WAYS),
    "weather": set(weathers.WAYS),
    "clock": set(clocks.WAYS),
    "settlement": set(settlements.WAYS),
    "erasure": erasures.WAYS,
    "whatif": set(whatifs.WAYS),
    **{workflow: payments.names(workflow) for workflow in payments.WAYS},
}
RED = [
    ("quest/0.1.0/completed", "quest_reward", "quest_fine"),
    ("arc/0.1.0/ended", '"name": "Quest"', '"name": "Errand"'),
    ("arc/0.1.0/unwritten", "arc_tell_own", "arc_tell_off"),
    ("ingestion/0.1.0/ready", "knowledge_embed", "knowledge_forget"),
    ("weather/0.1.0/made_and_cleared", "weather_impose", "weather_dream"),
    ("clock/0.1.0/changed", "life_live", "life_dream"),
    ("payment/0.1.0/fulfilled", "payment_fulfil", "payment_forget"),
    ("refund/0.1.0/done", "refund_book", "refund_burn"),
    ("dispute/0.1.0/lost", "dispute_close", "dispute_drop"),
    ("payment/0.1.0/failed", "payment_end_unpaid", "payment_end_paid"),
    ("subscription/0.1.0/renewed_and_ended", "subscription_look", "subscription_lose"),
    ("subscription/0.1.0/mended_by_retry", "subscription_retry", "subscription_relent"),
    ("subscription/0.1.0/lapsed", "subscription_lapse", "subscription_last"),
    ("settlement/0.1.0/settled", "quest_settle", "quest_unsettle"),
    ("erasure/0.1.0/erased", "erasure_histories", "erasure_legends"),
    ("whatif/0.1.0/asked", "whatif_ask", "whatif_hush"),
    ("whatif/0.1.0/set", "whatif_compare", "whatif_forget"),
    ("reconciliation/0.1.0/compared", "payments_reconcile", "payments_regret"),
]
FILES = [file for workflow in WAYS for file in recorded(workflow)]


@pytest.mark.parametrize("workflow", WAYS)
def test_every_way_is_recorded_in_every_release(workflow: str) -> None:
    releases = {file.parent for file in recorded(workflow)}
    assert releases
    for release in releases:
        assert {file.stem for file in release.glob("*.json")} >= WAYS[workflow]


@pytest.mark.parametrize("file", FILES, ids=lambda file: "/".join(file.with_suffix("").parts[-3:]))
async def test_a_recorded_history_replays(file: Path) -> None:
    await replay(read(file))


@pytest.mark.parametrize(("name", "before", "after"), RED)
async def test_a_history_that_another_story_made_does_not_replay(
    name: str, before: str, after: str
) -> None:
    """The red ones: were the check unable to fail, these would pass."""
    with pytest.raises(NondeterminismError):
        await replay(read(_file(name), (before, after)))


def test_every_workflow_that_is_served_is_recorded_and_has_a_red_one() -> None:
    served = {name_of(workflow) for workflow in WORKFLOWS}
    assert {type_of(file) for file in FILES} == served
    assert {type_of(_file(name)) for name, _, _ in RED} == served


def _file(name: str) -> Path:
    (file,) = (file for file in FILES if file.with_suffix("").as_posix().endswith(f"/{name}"))
    return file
