"""Worker and API processes on servers that run already, as in a real deployment."""

from collections.abc import Callable

import httpx

from loreloom.workers.stack import PartName, Stack


def test_with_addresses_set_the_engine_uses_those_servers_and_starts_none(
    start_engine: Callable[..., Stack],
) -> None:
    engine = start_engine()

    assert engine.started == (PartName.WORKER, PartName.API)
    assert engine.keys is not None
    assert httpx.get(f"{engine.settings.api_url}/readyz").is_success
    canon = f"{engine.settings.api_url}/v1/lore/documents"
    assert httpx.get(canon).status_code == 401
    known = {"Authorization": f"Bearer {engine.keys.designer}"}
    assert httpx.get(canon, headers=known).is_success
