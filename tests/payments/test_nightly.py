"""The nightly reconciliation is a schedule: made once, kept as it is set, and run by Temporal."""

import asyncio
from datetime import timedelta
from typing import Any

from pydantic import SecretStr
from temporalio.client import Schedule

from loreloom.api.parts import AppParts
from loreloom.payments.gateway import Gateway
from loreloom.workers.embedded.ports import free_port
from loreloom.workers.reconciling import ensure_schedule, schedule_id
from loreloom.workers.settings import Settings
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import RECONCILIATION
from tests.payments.conftest import Till, a_worker
from tests.support.serving import Api, serving


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


async def test_ops_see_one_that_does_not_get_on_and_it_ends(
    parts: AppParts, pay_settings: Settings
) -> None:
    """A provider that never answers holds up this night, and not the next."""
    queue = queue_of(Role.STORY, pay_settings.task_queue_prefix)
    nobody = Gateway(SecretStr("sk_test"), f"http://127.0.0.1:{free_port()}")
    async with serving(parts) as api, a_worker(parts.temporal, parts.store, nobody, queue):
        handle = await parts.temporal.start_workflow(
            RECONCILIATION, id="reconciliation/nowhere", task_queue=queue
        )
        try:
            failing = await _failing(api, handle.id)
            assert (failing["step"], failing["error"]) == ("payments_reconcile", "ProviderAway")
            (asked,) = [
                event.activity_task_scheduled_event_attributes
                async for event in handle.fetch_history_events()
                if event.HasField("activity_task_scheduled_event_attributes")
            ]
            assert asked.schedule_to_close_timeout.ToTimedelta() < timedelta(hours=24)
            assert asked.heartbeat_timeout.ToTimedelta() < timedelta(minutes=1)
        finally:
            await handle.terminate()
            await nobody.close()


async def _failing(api: Api, workflow_id: str) -> dict[str, Any]:
    for _ in range(300):
        listed = await api.ops.get("/v1/ops/workflows", params={"state": "stuck"})
        for found in listed.json()["items"]:
            if found["workflow_id"] == workflow_id:
                return dict(found["failing"])
        await asyncio.sleep(0.1)
    raise AssertionError(listed.text)


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
