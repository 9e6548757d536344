"""Signing in by key, and out."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from loreloom.api.console import session
from loreloom.api.console.pages import page
from loreloom.api.console.session import HOME, SentForm, home_of, reader_of
from loreloom.api.http.auth import is_designer

router = APIRouter()


@router.get("/")
async def begin() -> Response:
    """The console's first page."""
    return RedirectResponse(HOME, 303)


@router.get("/sign-in")
async def ask_key(request: Request, next: str | None = None) -> Response:
    """The form that asks for a key; whoever is signed in goes on."""
    if await reader_of(request) is not None:
        return RedirectResponse(home_of(next), 303)
    return page(request, "sign_in.html", next=home_of(next), problem=None)


@router.post("/sign-in")
async def sign_in(request: Request, form: SentForm) -> Response:
    """Sign in with a key that may read the console, and go on."""
    back = home_of(str(form.get("next", "")))
    identity = await session.sign_in(request, str(form.get("key", "")))
    if identity is None:
        problem, status = "This key is not known, or it was revoked.", 401
    elif not is_designer(identity):
        problem, status = "This key plays. The console needs a designer's or an operator's.", 403
    else:
        return RedirectResponse(back, 303)
    return page(request, "sign_in.html", status=status, next=back, problem=problem)


@router.post("/sign-out")
async def sign_out(request: Request, form: SentForm) -> Response:
    """Sign out."""
    session.sign_out(request)
    return RedirectResponse("/console/sign-in", 303)
