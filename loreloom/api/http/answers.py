"""Small helpers of the routes: an answer from a view, and what the OpenAPI page says of errors."""

from typing import Any

from fastapi import Response
from pydantic import BaseModel

from loreloom.api.http.problems import MEDIA_TYPE, Problem

REASONS = {
    400: "The request cannot be read, or is not signed as it must be.",
    401: "No key, or none that is known.",
    403: "The key's scopes do not allow this.",
    404: "There is no such thing.",
    409: "It conflicts with what is there; nothing has changed.",
    413: "The body is too large.",
    415: "The body is of another media type.",
    422: "A field is not valid; `errors` names it.",
    429: "Too many at once; repeat after `Retry-After`.",
    503: "A part of the engine is away; repeat after `Retry-After`.",
}


def answer(view: BaseModel, status: int = 200) -> Response:
    """The view as JSON, written once and not checked again."""
    return Response(view.model_dump_json(), status, media_type="application/json")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for the OpenAPI page; 401, 403 and 503 are in every list."""
    return {
        status: {
            "description": REASONS[status],
            "content": {
                MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}
            },
        }
        for status in sorted({401, 403, 503, *statuses})
    }
