"""Story arcs: started, read, chosen in, pushed on together, and moved to new definitions."""

import asyncio
import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime

from loreloom.api.context import context_of
from loreloom.api.history import history_of_arc
from loreloom.api.http.answers import answer, problems
from loreloom.api.http.auth import AnyCaller, DesignerCaller, GameCaller
from loreloom.api.http.bodies import JsonBody, takes
from loreloom.api.http.cursors import from_cursor, to_cursor
from loreloom.api.http.errors import ApiError, invalid
from loreloom.api.http.idempotency import Answer, Attempt, IdempotencyKey, once, said_by
from loreloom.api.lookups import the_arc, the_player, the_world
from loreloom.api.metrics import outcome_of
from loreloom.api.schemas.arcs import (
    ArcAnswer,
    ArcCreated,
    ArcHistory,
    ArcList,
    ArcView,
    CancelBody,
    ChooseInArc,
    Contribute,
    ContributionView,
    CreateArc,
    MigrateArcs,
    MigratedArc,
    Migration,
    MigrationOutcome,
)
from loreloom.api.schemas.fields import ID, NAME, After, ArcIdPath, Limit, WorldIdPath
from loreloom.api.shaping_arcs import arc_summary, arc_view
from loreloom.api.starting import arc_start
from loreloom.content.arc_files import ArcFileError, find_arc_file
from loreloom.domain.arc import ArcDefinition, ArcScope
from loreloom.domain.arc_walk import ArcState, require_migratable
from loreloom.domain.ids import ArcId, PlayerId, arc_workflow_id
from loreloom.domain.refusals import Refusal, RefusalCode
from loreloom.state import arcs, contributions
from loreloom.state.arc_search import ArcFilter
from loreloom.state.arc_search import list_arcs as list_found
from loreloom.state.arcs import ArcRecord
from loreloom.state.contributions import Contribution
from loreloom.workflows.signatures import (
    ArcStanding,
    CancelArc,
    ChooseAct,
    MigrateArc,
)

AT_ONCE = 8
"""Arcs that are moved at the same time."""

OfName = Annotated[
    str | None,
    Query(max_length=100, pattern=NAME, description="A name that a beat of the arc speaks of."),
]
Began = Annotated[AwareDatetime | None, Query(description="When it began, in real time.")]

router = APIRouter(tags=["arcs"])


@router.post(
    "/v1/worlds/{world_id}/arcs",
    operation_id="create_arc",
    status_code=202,
    response_model=ArcCreated,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=takes(CreateArc),
)
async def create_arc(
    request: Request,
    caller: AnyCaller,
    world_id: WorldIdPath,
    body: Annotated[CreateArc, Depends(JsonBody(CreateArc))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Start an arc, for a player or for the whole world. It keeps the definition of this moment."""
    context = context_of(request)
    store = context.parts.store

    async def create(attempt: Attempt) -> Answer:
        world = await the_world(request, world_id)
        definition = _definition(request, body.arc)
        _require_scope(definition, body.player_id)
        if definition.canon != world.canon:
            raise invalid("arc", f"{body.arc!r} belongs to the canon {definition.canon!r}")
        if body.player_id is not None:
            await the_player(request, world_id, body.player_id)
        arc_id = ArcId(attempt.new_id("arc"))
        start = arc_start(arc_id, world_id, body.player_id, definition)
        found = None if attempt.seed is None else await arcs.find_arc(store, arc_id)
        if found is None:
            async with store.transaction() as tx:
                await arcs.create_arc(tx, arc_id, world_id, body.player_id, definition, start)
        await context.launcher.launch(start)
        return Answer(202, _created(arc_id))

    return await once(store, caller, idempotency_key, request, said_by(body), create)


@router.get(
    "/v1/worlds/{world_id}/arcs",
    operation_id="list_arcs",
    response_model=ArcList,
    responses=problems(404, 422),
)
async def list_arcs(
    request: Request,
    caller: AnyCaller,
    world_id: WorldIdPath,
    player_id: Annotated[PlayerId | None, Query(pattern=ID)] = None,
    state: ArcState | None = None,
    arc: Annotated[str | None, Query(max_length=100, pattern=NAME)] = None,
    region: OfName = None,
    entity: OfName = None,
    since: Began = None,
    until: Began = None,
    moved_since: Annotated[AwareDatetime | None, Query(description="Real time.")] = None,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """A world's arcs that fit, oldest first."""
    await the_world(request, world_id)
    page = await list_found(
        context_of(request).parts.store,
        world_id,
        ArcFilter(
            player_id=player_id,
            state=state,
            arc=arc,
            region=region,
            entity=entity,
            since=since,
            until=until,
            moved_since=moved_since,
        ),
        after=from_cursor("arcs", after),
        limit=limit,
    )
    return answer(
        ArcList(
            items=tuple(arc_summary(arc) for arc in page.items), next=to_cursor("arcs", page.next)
        )
    )


@router.get(
    "/v1/arcs/{arc_id}",
    operation_id="get_arc",
    response_model=ArcView,
    responses=problems(404),
)
async def get_arc(request: Request, caller: AnyCaller, arc_id: ArcIdPath) -> Response:
    """An arc: its graph, where it stands, and each beat that it took with the reason why."""
    store = context_of(request).parts.store
    arc = await the_arc(request, arc_id)
    world = await the_world(request, arc.world_id)
    way, goals = await arcs.way_of(store, arc_id), await arcs.goals_of(store, arc_id)
    return answer(arc_view(arc, world.calendar, way, goals))


@router.get(
    "/v1/arcs/{arc_id}/history",
    operation_id="get_arc_history",
    response_model=ArcHistory,
    responses=problems(404),
)
async def get_arc_history(request: Request, caller: DesignerCaller, arc_id: ArcIdPath) -> Response:
    """An arc step by step, with every generation: prompt, passages, tier, tokens, verdicts."""
    arc = await the_arc(request, arc_id)
    world = await the_world(request, arc.world_id)
    return answer(await history_of_arc(context_of(request).parts.store, world, arc))


@router.post(
    "/v1/arcs/{arc_id}/choose",
    operation_id="choose_in_arc",
    response_model=ArcAnswer,
    responses=problems(404, 409, 413, 415, 422, 429),
    openapi_extra=takes(ChooseInArc),
)
async def choose(
    request: Request,
    caller: GameCaller,
    arc_id: ArcIdPath,
    body: Annotated[ChooseInArc, Depends(JsonBody(ChooseInArc))],
) -> Response:
    """Choose among the ways that the arc waits for. A repeat of ``action_id`` gets the first
    answer."""
    arc = await the_arc(request, arc_id)
    act = ChooseAct(action_id=body.action_id, choice_id=body.choice_id)
    update_id = f"choose/{body.action_id}/{secrets.token_hex(4)}"
    return answer(_answer(arc_id, await context_of(request).arcs.take(arc, act, update_id)))


@router.post(
    "/v1/arcs/{arc_id}/cancel",
    operation_id="cancel_arc",
    response_model=ArcAnswer,
    responses=problems(404, 409, 413, 415, 422, 429),
    openapi_extra=takes(CancelBody),
)
async def cancel(
    request: Request,
    caller: AnyCaller,
    arc_id: ArcIdPath,
    body: Annotated[CancelBody, Depends(JsonBody(CancelBody))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Stop an arc where it stands. What it has done stays done, and its quests go on."""
    context = context_of(request)
    arc = await the_arc(request, arc_id)

    async def take(attempt: Attempt) -> Answer:
        update_id = f"cancel/{attempt.seed or secrets.token_hex(12)}"
        standing = await context.arcs.take(arc, CancelArc(reason=body.reason), update_id)
        return Answer(200, _answer(arc_id, standing))

    return await once(context.parts.store, caller, idempotency_key, request, said_by(body), take)


@router.post(
    "/v1/arcs/{arc_id}/contribute",
    operation_id="contribute_to_arc",
    response_model=ContributionView,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=takes(Contribute),
)
async def contribute(
    request: Request,
    caller: GameCaller,
    arc_id: ArcIdPath,
    body: Annotated[Contribute, Depends(JsonBody(Contribute))],
) -> Response:
    """Add to the open goal. A repeat of the player's ``action_id`` gets the first answer."""
    context = context_of(request)
    contribution = Contribution(arc_id=arc_id, **body.model_dump())
    counted = await contributions.count(context.parts.store, contribution)
    outcome = "refused" if counted is None else "repeated" if counted.again else "taken"
    context.metrics.arc_acts.labels("contribute", outcome).inc()
    if counted is None:
        arc = await the_arc(request, arc_id)
        await the_player(request, arc.world_id, body.player_id)
        raise ApiError(RefusalCode.NO_OPEN_GOAL, "the arc has no goal open that this counts for")
    context.teller.counted(arc_id)
    return answer(
        ContributionView.model_construct(
            arc_id=arc_id,
            action_id=body.action_id,
            goal=counted.goal,
            target=counted.target,
            total=counted.total,
        )
    )


@router.post(
    "/v1/arcs/migrate",
    operation_id="migrate_arcs",
    response_model=Migration,
    responses=problems(409, 413, 415, 422),
    openapi_extra=takes(MigrateArcs),
)
async def migrate(
    request: Request,
    caller: DesignerCaller,
    body: Annotated[MigrateArcs, Depends(JsonBody(MigrateArcs))],
) -> Response:
    """Move running arcs to the definition as the content has it now, or say what would happen."""
    context = context_of(request)
    definition = _definition(request, body.arc)
    page = await arcs.running_arcs(
        context.parts.store,
        body.arc,
        after=from_cursor("running_arcs", body.after),
        limit=body.limit,
    )
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(arc: ArcRecord) -> MigratedArc:
        async with gate:
            return await _migrated(request, arc, definition, dry_run=body.dry_run)

    return answer(
        Migration(
            arc=body.arc,
            digest=definition.digest,
            dry_run=body.dry_run,
            items=tuple(await asyncio.gather(*map(one, page.items))),
            next=to_cursor("running_arcs", page.next),
        )
    )


async def _migrated(
    request: Request, arc: ArcRecord, definition: ArcDefinition, *, dry_run: bool
) -> MigratedArc:
    context = context_of(request)

    def told(
        outcome: MigrationOutcome, reason: str | None = None, beat: str | None = arc.beat
    ) -> MigratedArc:
        return MigratedArc(
            arc_id=arc.arc_id, world_id=arc.world_id, beat=beat, outcome=outcome, reason=reason
        )

    if arc.digest == definition.digest:
        return told(MigrationOutcome.CURRENT)
    if dry_run:
        past = await arcs.past_of(context.parts.store, arc.arc_id)
        try:
            require_migratable(arc.definition, definition, arc.beat, past)
        except Refusal as refusal:
            return told(MigrationOutcome.REFUSED, refusal.message)
        return told(MigrationOutcome.WOULD_MOVE)
    update_id = f"migrate/{definition.digest}/{secrets.token_hex(4)}"
    try:
        moved = await context.arcs.take(arc, MigrateArc(definition=definition), update_id)
    except ApiError as error:
        refused = outcome_of(error) == "refused"
        return told(
            MigrationOutcome.REFUSED if refused else MigrationOutcome.UNANSWERED, error.detail
        )
    return told(MigrationOutcome.MOVED, beat=moved.beat)


def _definition(request: Request, name: str) -> ArcDefinition:
    """The arc of that name in the content. Raises ``ApiError`` if there is none."""
    folder = context_of(request).parts.config.arcs_folder
    try:
        definition = find_arc_file(folder, name)
    except ArcFileError as error:
        raise invalid("arc", f"the content's {name!r} is unsound: {error.reason}") from error
    if definition is None:
        raise invalid("arc", f"the content has no arc {name!r}")
    return definition


def _require_scope(definition: ArcDefinition, player_id: PlayerId | None) -> None:
    if definition.scope is ArcScope.PLAYER and player_id is None:
        raise invalid("player_id", f"{definition.arc!r} is the arc of one player; name the player")
    if definition.scope is ArcScope.WORLD and player_id is not None:
        raise invalid("player_id", f"{definition.arc!r} is the arc of a whole world")


def _created(arc_id: ArcId) -> ArcCreated:
    return ArcCreated(arc_id=arc_id, workflow_id=arc_workflow_id(arc_id), state=ArcState.RUNNING)


def _answer(arc_id: ArcId, standing: ArcStanding) -> ArcAnswer:
    return ArcAnswer(
        arc_id=arc_id,
        state=standing.state,
        beat=standing.beat,
        seq=standing.seq,
        choice_id=standing.choice_id,
    )
