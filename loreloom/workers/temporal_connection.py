"""The connection to Temporal that every process of Loreloom uses."""

from collections.abc import Sequence

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from loreloom.workers.settings import Settings
from loreloom.workflows import attributes


async def connect(settings: Settings, *, lazy: bool = False) -> Client:
    """A client of the settings' server and namespace. Raises RuntimeError when none answers.

    A lazy one connects with its first call, and so does not need the server yet.
    """
    key = settings.temporal_api_key
    return await Client.connect(
        settings.required_temporal_address(),
        namespace=settings.temporal_namespace,
        data_converter=pydantic_data_converter,
        api_key=key.get_secret_value() if key else None,
        tls=key is not None,
        lazy=lazy,
    )


async def ensure_search_attributes(client: Client) -> None:
    """Register the engine's search attributes in the client's namespace, if they are missing."""
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = [key.name for key in attributes.ALL if key.name not in known.custom_attributes]
    if missing:
        await add_search_attributes(client, missing)


async def add_search_attributes(client: Client, names: Sequence[str]) -> None:
    """Register search attributes that the client's namespace does not have yet."""
    keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=client.namespace, search_attributes=dict.fromkeys(names, keyword)
        )
    )
