"""How an error becomes an answer: one shape, ``application/problem+json`` (RFC 9457)."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import ErrorDetails
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from loreloom.api.http.errors import KINDS, TYPE_PREFIX, ApiError, ErrorCode, FieldError
from loreloom.knowledge.problems import LoreProblem

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
DATABASE_RETRY_SECONDS = 2
MAX_ERRORS = 20
MAX_MESSAGE = 500


class ProblemField(BaseModel):
    """One field and what is wrong with it."""

    model_config = ConfigDict(frozen=True)

    field: str = Field(examples=["amount"])
    message: str = Field(examples=["Input should be greater than or equal to 1"])


class Problem(BaseModel):
    """An error. ``code`` is stable; ``detail`` is for people. docs/errors.md lists all codes."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(examples=["urn:loreloom:error:wrong_state"])
    title: str
    status: int
    code: str = Field(examples=["wrong_state"])
    detail: str
    errors: tuple[ProblemField, ...] = ()


def problem_response(error: ApiError) -> Response:
    """The answer that an error makes."""
    kind = KINDS[error.code]
    problem = Problem(
        type=f"{TYPE_PREFIX}{error.code}",
        title=kind.title,
        status=kind.status,
        code=error.code,
        detail=error.detail,
        errors=tuple(ProblemField(field=e.field, message=e.message) for e in error.errors),
    )
    return Response(
        problem.model_dump_json(), kind.status, headers=error.headers, media_type=MEDIA_TYPE
    )


def field_errors(found: Iterable[ErrorDetails | Mapping[str, Any]]) -> tuple[FieldError, ...]:
    """What pydantic found, with the fields as the caller knows them."""
    errors = []
    for error in list(found)[:MAX_ERRORS]:
        path = error["loc"]
        if path and path[0] in ("query", "header", "path", "body"):
            path = path[1:]
        name = ".".join(str(part) for part in path) or "body"
        errors.append(FieldError(printable(name), printable(error["msg"])))
    return tuple(errors)


def printable(text: str) -> str:
    """The text cut to a readable length, with lone surrogates replaced: they have no UTF-8."""
    return text[:MAX_MESSAGE].encode("utf-8", "replace").decode("utf-8")


def install(app: FastAPI) -> None:
    """Answer every error of the application with a problem."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(LoreProblem, _lore_problem)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _http_error)
    for outage in (OperationalError, InterfaceError, PoolTimeoutError):
        app.add_exception_handler(outage, _database_away)
    app.add_exception_handler(DBAPIError, _database_error)
    app.add_exception_handler(Exception, _fault)


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return problem_response(error)


async def _lore_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, LoreProblem)
    return problem_response(ApiError(error.code, printable(error.message)))


async def _not_valid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(e["loc"][:1] == ("path",) for e in found):
        return problem_response(ApiError(ErrorCode.NOT_FOUND, "no resource has this address"))
    fields = field_errors(found)
    names = ", ".join(e.field for e in fields)
    return problem_response(ApiError(ErrorCode.INVALID, f"not valid: {names}", errors=fields))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {404: ErrorCode.NOT_FOUND, 405: ErrorCode.METHOD_NOT_ALLOWED}
    code = codes.get(error.status_code, ErrorCode.BAD_REQUEST)
    return problem_response(ApiError(code, KINDS[code].meaning, headers=error.headers))


async def _database_away(request: Request, error: Exception) -> Response:
    log.warning("the database is away: %s", type(error).__name__)
    return problem_response(
        ApiError(
            ErrorCode.DATABASE_UNAVAILABLE,
            "the database does not answer",
            retry_after=DATABASE_RETRY_SECONDS,
        )
    )


async def _database_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DBAPIError)
    if error.connection_invalidated:
        return await _database_away(request, error)
    return await _fault(request, error)


async def _fault(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem_response(ApiError(ErrorCode.INTERNAL, "the engine failed on this request"))
