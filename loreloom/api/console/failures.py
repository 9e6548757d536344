"""How an error becomes a page."""

import logging

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from loreloom.api.console.pages import page
from loreloom.api.console.session import NotSignedIn
from loreloom.api.http.errors import KINDS, ApiError, ErrorCode
from loreloom.api.http.problems import field_errors, printable
from loreloom.knowledge.problems import LoreProblem

log = logging.getLogger(__name__)


def install(console: FastAPI) -> None:
    """Answer every error of the console with a page."""
    console.add_exception_handler(NotSignedIn, _not_signed_in)
    console.add_exception_handler(ApiError, _api_error)
    console.add_exception_handler(LoreProblem, _lore_problem)
    console.add_exception_handler(RequestValidationError, _not_valid)
    console.add_exception_handler(HTTPException, _http_error)
    for outage in (OperationalError, InterfaceError, PoolTimeoutError):
        console.add_exception_handler(outage, _database_away)
    console.add_exception_handler(Exception, _fault)


def failure_page(request: Request, error: ApiError) -> Response:
    """The page that says what went wrong."""
    kind = KINDS[error.code]
    return page(
        request,
        "failure.html",
        status=kind.status,
        headers=error.headers,
        kind=kind,
        code=error.code,
        detail=error.detail,
    )


async def _not_signed_in(request: Request, error: Exception) -> Response:
    assert isinstance(error, NotSignedIn)
    return RedirectResponse(error.address, 303)


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return failure_page(request, error)


async def _lore_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, LoreProblem)
    return failure_page(request, ApiError(error.code, printable(error.message)))


async def _not_valid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(e["loc"][:1] == ("path",) for e in found):
        return failure_page(request, ApiError(ErrorCode.NOT_FOUND, "no page has this address"))
    told = "; ".join(f"{e.field}: {e.message}" for e in field_errors(found))
    return failure_page(request, ApiError(ErrorCode.INVALID, told))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {404: ErrorCode.NOT_FOUND, 405: ErrorCode.METHOD_NOT_ALLOWED}
    code = codes.get(error.status_code, ErrorCode.BAD_REQUEST)
    return failure_page(request, ApiError(code, KINDS[code].meaning))


async def _database_away(request: Request, error: Exception) -> Response:
    log.warning("the database is away: %s", type(error).__name__)
    return failure_page(
        request, ApiError(ErrorCode.DATABASE_UNAVAILABLE, "the database does not answer")
    )


async def _fault(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return failure_page(request, ApiError(ErrorCode.INTERNAL, "the engine failed on this page"))
