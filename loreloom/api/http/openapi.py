"""The OpenAPI page: what the framework cannot know of bodies, errors and keys."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from loreloom.api.http.bodies import JsonBody
from loreloom.api.http.problems import Problem
from loreloom.api.schemas.lore import PostDocument

READ_OTHERWISE: tuple[type[BaseModel], ...] = (Problem, PostDocument)
"""Models that the page tells of beside the bodies that routes declare."""

DESCRIPTION = """
A game server starts worlds, adds players, asks for quests and plays them; what happens is told by
the chronicle, as pages or as a stream.

Every call needs `Authorization: Bearer KEY`. A key has scopes: `game` plays, `designer` reads
everything and edits canon and settings, `ops` does all of it. An error is
`application/problem+json` with a stable `code`. A POST that creates takes an `Idempotency-Key`.
Lists go by cursor: give a page's `next` as `after`.
"""

TAGS = [
    {"name": "worlds", "description": "Running game shards."},
    {"name": "weather", "description": "The weather of a world's regions."},
    {"name": "players", "description": "Players of a world."},
    {"name": "quests", "description": "Quests: asked for, read, looked back on."},
    {"name": "acts", "description": "What players do in a quest."},
    {"name": "canon", "description": "Documents, search and entities."},
    {"name": "chronicle", "description": "What happened, in order."},
    {"name": "what if", "description": "Texts asked for again, where no player sees it."},
    {"name": "process", "description": "Health and metrics; no key is needed."},
]


def install(app: FastAPI) -> None:
    """Serve the completed page; it is made once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _made(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way that FastAPI documents


def _made(app: FastAPI) -> dict[str, Any]:
    page = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION,
        routes=app.routes,
        tags=TAGS,
    )
    _, definitions = models_json_schema(
        [(model, "validation") for model in _models(app)],
        ref_template="#/components/schemas/{model}",
    )
    components = page.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name, schema in definitions["$defs"].items():
        schemas.setdefault(name, schema)
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    page["security"] = [{"key": []}]
    return page


def _models(app: FastAPI) -> list[type[BaseModel]]:
    """What routes read, which the framework does not see."""
    declared = {
        dependency.call.model
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
        for dependency in context.original_route.dependant.dependencies
        if isinstance(dependency.call, JsonBody)
    }
    return [*READ_OTHERWISE, *sorted(declared, key=lambda model: model.__name__)]
