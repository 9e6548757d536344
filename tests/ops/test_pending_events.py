"""What the provider told and nobody has handled: listed, oldest first, and handled on demand."""

from datetime import UTC, datetime, timedelta

from loreloom.state.store import Store
from tests.support.events import pending_event
from tests.support.serving import Api

EVENTS = "/v1/webhooks/stripe/events"


async def three(store: Store) -> None:
    """Three events that no sweep takes yet."""
    now = datetime.now(UTC) + timedelta(hours=1)
    for number in (2, 1, 3):
        await pending_event(store, f"evt_{number}", now + timedelta(minutes=number))


async def test_what_waits_is_listed_page_by_page_and_resent(api: Api) -> None:
    await three(api.parts.store)
    first = (await api.ops.get(EVENTS, params={"limit": 2})).json()
    assert [event["event_id"] for event in first["items"]] == ["evt_1", "evt_2"]
    assert first["items"][0]["handled_at"] is None
    rest = (await api.ops.get(EVENTS, params={"limit": 2, "after": first["next"]})).json()
    assert ([event["event_id"] for event in rest["items"]], rest["next"]) == (["evt_3"], None)

    sent = (await api.ops.post(f"{EVENTS}/evt_2/resend")).json()
    assert sent["outcome"] == "unknown_kind"
    left = (await api.ops.get(EVENTS)).json()["items"]
    assert [event["event_id"] for event in left] == ["evt_1", "evt_3"]


async def test_only_ops_see_what_the_provider_told(api: Api) -> None:
    await three(api.parts.store)
    for who in (api.game, api.designer):
        assert (await who.get(EVENTS)).status_code == 403
        assert (await who.post(f"{EVENTS}/evt_1/resend")).status_code == 403
