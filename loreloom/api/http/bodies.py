"""Reading a request's body: bounded, of the right type, and checked once, straight from its bytes.

The framework would parse JSON first and validate after; one pass by pydantic is faster, refuses
what Postgres cannot hold (lone surrogates) and bounds the depth.
"""

from typing import Any, Generic, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.api.http.problems import field_errors

MAX_BODY_BYTES = 64 * 1024
JSON_TYPES = ("application/json",)

M = TypeVar("M", bound=BaseModel)


class JsonBody(Generic[M]):
    """A dependency that reads the body as JSON of a model."""

    def __init__(self, model: type[M]) -> None:
        self.model = model

    async def __call__(self, request: Request) -> M:
        require_type(request, *JSON_TYPES)
        return parse(self.model, await read_bytes(request, MAX_BODY_BYTES))


def takes(model: type[BaseModel]) -> dict[str, Any]:
    """What the OpenAPI page says of a route that reads such a body."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def media_type(request: Request) -> str:
    """The body's type without parameters, in lower case; empty if none is given."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def require_type(request: Request, *allowed: str) -> str:
    """The body's type. Raises ``ApiError`` unless it is one of those."""
    given = media_type(request)
    if given not in allowed:
        raise ApiError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, f"the body must be {' or '.join(allowed)}")
    return given


async def read_bytes(request: Request, limit: int) -> bytes:
    """The body. Raises ``ApiError`` as soon as it is known to have more bytes than the limit."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and len(declared) < 20 and int(declared) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def parse(model: type[M], body: bytes) -> M:
    """The body as that model. Raises ``ApiError`` that names each wrong field."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        fields = field_errors(found)
        names = ", ".join(e.field for e in fields)
        raise ApiError(ErrorCode.INVALID, f"not valid: {names}", errors=fields) from None


def _too_large(limit: int) -> ApiError:
    return ApiError(ErrorCode.BODY_TOO_LARGE, f"the body may have {limit} bytes")
