"""Looking for a word in everything that workflows keep."""

import base64
import json
from typing import Any

from temporalio.client import Client


async def histories_with(client: Client, query: str, word: str) -> set[str]:
    """The workflows that a query lists whose history holds a word anywhere, payloads included."""
    found = set()
    async for run in client.list_workflows(query):
        handle = client.get_workflow_handle(run.id, run_id=run.run_id)
        if word in plain(json.loads((await handle.fetch_history()).to_json())):
            found.add(run.id)
    return found


def plain(node: Any) -> str:
    """All text of a history, its payloads decoded."""
    if isinstance(node, dict):
        return " ".join(
            base64.b64decode(value).decode()
            if key == "data" and isinstance(value, str)
            else plain(value)
            for key, value in node.items()
        )
    if isinstance(node, list):
        return " ".join(map(plain, node))
    return str(node)
