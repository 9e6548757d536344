"""Worker and API processes on servers that run already, as in a real deployment."""

import httpx

from loreloom.workers.embedded.stack import PartName, Stack
from tests.support.waiting import wait_until


def test_with_addresses_set_the_engine_uses_those_servers_and_starts_none(engine: Stack) -> None:
    assert engine.started == (PartName.WORKER, PartName.API)
    assert engine.keys is not None
    ready = f"{engine.settings.api_url}/readyz"
    wait_until(lambda: httpx.get(ready).is_success, "the engine is ready")
    canon = f"{engine.settings.api_url}/v1/lore/documents"
    assert httpx.get(canon).status_code == 401
    known = {"Authorization": f"Bearer {engine.keys.designer}"}
    assert httpx.get(canon, headers=known).is_success
