"""The nightly reconciliation is a schedule: made once, kept as it is set, and run by Temporal."""

import asyncio
from typing import Any

from temporalio.client import Schedule

from loreloom.workers.reconciling import ensure_schedule, schedule_id
from loreloom.workers.settings import Settings
from tests.payments.conftest import Till


async def test_the_schedule_is_made_once_and_follows_the_settings(
    till: Till, pay_settings: Settings
) -> None:
    client = till.api.parts.temporal
    handle = client.get_schedule_handle(schedule_id(pay_settings))

    async def made() -> Schedule:
        return (await handle.describe()).schedule

    try:
        for hour in (3, 3, 4):
            await ensure_schedule(client, pay_settings.with_changes(reconciliation_hour=hour))
            assert [each.start for each in (await made()).spec.calendars[0].hour] == [hour]
        await handle.pause(note="ops look first")
        await ensure_schedule(client, pay_settings)
        assert (await made()).state.paused

        await handle.trigger()
        report = await _result(till, pay_settings)
        assert report["ours"] == 0
    finally:
        await handle.delete()


async def _result(till: Till, settings: Settings) -> dict[str, Any]:
    client = till.api.parts.temporal
    for _ in range(100):
        found = (await client.get_schedule_handle(schedule_id(settings)).describe()).info
        if found.recent_actions:
            action: Any = found.recent_actions[0].action
            handle = client.get_workflow_handle(action.workflow_id)
            return dict(await handle.result())
        await asyncio.sleep(0.1)
    raise AssertionError("the schedule started nothing")
