"""What if: a text asked for again with something otherwise, and many at once."""

import secrets
from typing import Annotated

import yaml
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import FormData

from loreloom.api import whatifs
from loreloom.api.console.forms import body_of
from loreloom.api.console.makings import ToldGeneration, Written, written_of
from loreloom.api.console.pages import fragment, page
from loreloom.api.console.session import Reader, SentForm
from loreloom.api.context import context_of
from loreloom.api.http.errors import invalid
from loreloom.api.lines import lines_of
from loreloom.api.lookups import the_world
from loreloom.api.schemas.fields import GenerationIdPath, WhatIfIdPath, WorldIdPath
from loreloom.api.schemas.whatif import AskWhatIfSet, WhatIfView
from loreloom.content.template_files import template_texts
from loreloom.domain.ids import WhatIfId
from loreloom.domain.variation import Variation
from loreloom.state.store import Store

PURPOSES = ("quest", "epilogue", "telling")
TIERS = ("gold", "silver")

TemplateName = Annotated[str | None, Query(max_length=100)]


router = APIRouter()


@router.get("/generations/{generation_id}/whatif")
async def show_form(
    request: Request,
    reader: Reader,
    generation_id: GenerationIdPath,
    template: TemplateName = None,
) -> Response:
    """The moment at which a text was made, to be changed; and a template that might tell it."""
    parts = context_of(request).parts
    made = await whatifs.the_generation(parts, generation_id)
    whatifs.require_asked(made)
    lines = await lines_of(parts.store, made)
    written = await written_of(parts.store, generation_id, made.record, lines)
    templates = template_texts(parts.config.templates_folder)
    chosen = template or written.told.template or ""
    return page(
        request,
        "whatif.html",
        world=await the_world(request, made.world_id),
        made=made,
        written=written,
        tiers=TIERS,
        whole=made.purpose == whatifs.WHOLE_QUEST,
        templates=list(templates),
        chosen=chosen,
        chosen_text=templates.get(chosen, ""),
    )


@router.post("/generations/{generation_id}/whatif")
async def ask(
    request: Request, reader: Reader, form: SentForm, generation_id: GenerationIdPath
) -> Response:
    """Ask for the text again."""
    parts = context_of(request).parts
    made = await whatifs.the_generation(parts, generation_id)
    told = ToldGeneration.model_validate(made.record)
    whatif_id = WhatIfId(f"whatif_{secrets.token_hex(12)}")
    await whatifs.begin(parts, whatif_id, made, _variation(form, told))
    return RedirectResponse(f"/console/whatifs/{whatif_id}", 303)


@router.get("/whatifs/{whatif_id}")
async def show(request: Request, reader: Reader, whatif_id: WhatIfIdPath) -> Response:
    """The text then and now, side by side."""
    parts = context_of(request).parts
    seen = await whatifs.look(parts, whatif_id)
    then = seen.then
    return page(
        request,
        "whatif_answer.html",
        world=await the_world(request, seen.world_id),
        seen=seen,
        then=await written_of(parts.store, f"{whatif_id}-then", then.record, then.lines),
        now=await _now(parts.store, seen),
    )


@router.get("/whatifs/{whatif_id}/now")
async def show_now(request: Request, reader: Reader, whatif_id: WhatIfIdPath) -> Response:
    """The second answer, for a page that waits for it."""
    parts = context_of(request).parts
    seen = await whatifs.look(parts, whatif_id)
    return HTMLResponse(fragment("_whatif_now.html", seen=seen, now=await _now(parts.store, seen)))


@router.get("/worlds/{world_id}/whatif")
async def show_set_form(request: Request, reader: Reader, world_id: WorldIdPath) -> Response:
    """Which texts to ask for again, and what is to be otherwise."""
    world = await the_world(request, world_id)
    return page(request, "whatif_many.html", world=world, purposes=PURPOSES, tiers=TIERS)


@router.post("/worlds/{world_id}/whatif")
async def ask_set(
    request: Request, reader: Reader, form: SentForm, world_id: WorldIdPath
) -> Response:
    """Ask for the texts of a set again."""
    await the_world(request, world_id)
    otherwise = _given(form, "tier", "model", "temperature", "instructions")
    asked = body_of(
        AskWhatIfSet,
        {
            **_given(form, "purpose", "most"),
            **{name: f"{moment}Z" for name, moment in _given(form, "since", "until").items()},
            "otherwise": {**otherwise, "of_today": "of_today" in form},
        },
    )
    whatif_id = WhatIfId(f"whatif_set_{secrets.token_hex(12)}")
    await whatifs.begin_set(context_of(request).parts, whatif_id, whatifs.set_of(world_id, asked))
    return RedirectResponse(f"/console/whatif-sets/{whatif_id}", 303)


@router.get("/whatif-sets/{whatif_id}")
async def show_set(request: Request, reader: Reader, whatif_id: WhatIfIdPath) -> Response:
    """What was counted over a set, then and now."""
    seen = await whatifs.look_at_set(context_of(request).parts, whatif_id)
    world = await the_world(request, seen.world_id)
    return page(request, "whatif_set.html", world=world, seen=seen)


@router.get("/whatif-sets/{whatif_id}/now")
async def show_set_now(request: Request, reader: Reader, whatif_id: WhatIfIdPath) -> Response:
    """The same anew, for a page that is open already."""
    seen = await whatifs.look_at_set(context_of(request).parts, whatif_id)
    return HTMLResponse(fragment("_whatif_set.html", seen=seen))


async def _now(store: Store, seen: WhatIfView) -> Written | None:
    if seen.now is None:
        return None
    return await written_of(store, f"{seen.whatif_id}-now", seen.now.record, seen.now.lines)


def _variation(form: FormData, told: ToldGeneration) -> Variation:
    """What the form has otherwise than the moment itself; the rest is left as it was."""
    if form.get("template"):
        template = _loaded_template(_text(form["template"]))
        return body_of(Variation, {**_given(form, "seed"), "template": template})
    given: dict[str, object] = {**_given(form, "tier", "model", "temperature", "seed")}
    contents = [_text(value) for value in form.getlist("content")]
    if contents != [message.content for message in told.messages]:
        roles = [message.role for message in told.messages]
        given["messages"] = [
            {"role": role, "content": text} for role, text in zip(roles, contents, strict=False)
        ]
    passages = [str(value) for value in form.getlist("passage")]
    passages += str(form.get("more", "")).split()
    if passages != list(told.passages):
        given["passages"] = list(dict.fromkeys(passages))
    if "of_today" in form:
        given["of_today"] = True
    return body_of(Variation, given)


def _given(form: FormData, *names: str) -> dict[str, str]:
    """The fields that were filled in."""
    return {name: _text(form[name]) for name in names if form.get(name)}


def _text(value: object) -> str:
    """A field's text with the line ends that it had before a browser sent it."""
    return str(value).replace("\r\n", "\n")


def _loaded_template(written: str) -> object:
    """What a template's text holds, not checked yet. Raises ``ApiError`` if it is no YAML."""
    try:
        return yaml.safe_load(written)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise invalid("template", f"this is no YAML: {error}".replace("\n", " ")) from None
