"""What runs, what failed and why, and replaying it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from loreloom.api.context import context_of
from loreloom.api.http.answers import answer, problems
from loreloom.api.http.auth import OpsCaller
from loreloom.api.http.bodies import JsonBody, takes
from loreloom.api.http.cursors import from_cursor, to_cursor
from loreloom.api.http.idempotency import Answer, Attempt, IdempotencyKey, once, said_by
from loreloom.api.lookups import the_quest
from loreloom.api.ops.causes import causes_of
from loreloom.api.ops.exporting import export_of
from loreloom.api.ops.health import health_of
from loreloom.api.ops.replaying import Wish, answers, replay_view
from loreloom.api.ops.settling import settle
from loreloom.api.ops.skipping import skip
from loreloom.api.ops.steps import history_of, steps_in
from loreloom.api.schemas.fields import ID, After, Limit, QuestIdPath
from loreloom.api.schemas.ops import (
    WORKFLOW_ID,
    CauseList,
    ReplayAnswer,
    ReplayAnswers,
    ReplayBody,
    ReplayList,
    ReplaysBody,
    SettleBody,
    SettledView,
    SkipBody,
    SkippedView,
    StepList,
    StoryKind,
    StoryList,
    StoryQuery,
    StorySample,
    StoryState,
    StoryView,
    WorkflowIdPath,
)
from loreloom.api.schemas.ops_export import WorkflowExport
from loreloom.api.schemas.ops_health import HealthView
from loreloom.domain.ids import PlayerId, WorldId
from loreloom.state import replays


def story_query(
    kind: StoryKind | None = None,
    state: StoryState | None = None,
    world_id: Annotated[WorldId | None, Query(pattern=ID)] = None,
    player_id: Annotated[PlayerId | None, Query(pattern=ID)] = None,
    cause: Annotated[
        str | None,
        Query(
            max_length=500, pattern=r"^[^\x00]*$", description="A `cause` of the list of causes."
        ),
    ] = None,
) -> StoryQuery:
    """Which workflows are asked for."""
    return StoryQuery(
        kind=kind, state=state, world_id=world_id, player_id=player_id, cause=cause or None
    )


Asked = Annotated[StoryQuery, Depends(story_query)]

router = APIRouter(tags=["ops"])


@router.get(
    "/v1/ops/workflows",
    operation_id="list_workflows",
    response_model=StoryList,
    responses=problems(422),
)
async def list_workflows(
    request: Request, caller: OpsCaller, query: Asked, limit: Limit = 50, after: After = None
) -> Response:
    """What runs, what failed, at which step and why.

    What runs comes first, the last begun first, then what has ended, the last ended first; with a
    `cause` and no `state`, what has ended comes before what runs. Without a `state`, what ended
    well is left out. A page may be shorter than `limit`, or empty, though others follow: go on
    until `next` is null.
    """
    return answer(await context_of(request).stories.page(query, limit, after))


@router.get(
    "/v1/ops/sample",
    operation_id="sample_workflows",
    response_model=StorySample,
    responses=problems(422),
)
async def sample_workflows(
    request: Request, caller: OpsCaller, kind: StoryKind, limit: Limit = 100
) -> Response:
    """What runs of a kind, stuck or not; where it is more than `limit`, the newest and the oldest.

    A deploy is held against these before it is made: `loreloom ops verify`.
    """
    found, complete = await context_of(request).stories.ends(StoryQuery(kind=kind), limit)
    return answer(StorySample(items=tuple(found), complete=complete))


@router.get(
    "/v1/ops/health", operation_id="get_health", response_model=HealthView, responses=problems()
)
async def get_health(request: Request, caller: OpsCaller) -> Response:
    """Backlogs, model servers, budgets and what waits, at a glance.

    A part that does not answer within two seconds is said not to; the others are told all the same.
    """
    context = context_of(request)
    return answer(await health_of(context.parts, context.sweeps))


@router.get(
    "/v1/ops/causes",
    operation_id="list_causes",
    response_model=CauseList,
    responses=problems(422),
)
async def list_causes(request: Request, caller: OpsCaller, query: Asked) -> Response:
    """What is wrong, grouped: how many failed alike, how many players it touches, since when."""
    return answer(await causes_of(context_of(request).stories, query))


@router.get(
    "/v1/ops/workflows/{workflow_id:path}/steps",
    operation_id="list_steps",
    response_model=StepList,
    responses=problems(404),
)
async def list_steps(request: Request, caller: OpsCaller, workflow_id: WorkflowIdPath) -> Response:
    """The points that a workflow can be replayed from, in the story's words."""
    context = context_of(request)
    story = await context.stories.find(workflow_id)
    history = await history_of(context.parts.temporal, story)
    return answer(
        StepList(
            workflow_id=workflow_id,
            run_id=story.run_id,
            state=story.state,
            items=tuple(step.view() for step in steps_in(history.events, story.run_id)),
        )
    )


@router.get(
    "/v1/ops/workflows/{workflow_id:path}/history",
    operation_id="get_raw_history",
    responses=problems(404),
)
async def get_raw_history(
    request: Request, caller: OpsCaller, workflow_id: WorkflowIdPath
) -> Response:
    """The raw events of a workflow's present run, as Temporal's own tools read them."""
    context = context_of(request)
    story = await context.stories.find(workflow_id)
    history = await history_of(context.parts.temporal, story)
    return Response(history.to_json(), media_type="application/json")


@router.get(
    "/v1/ops/workflows/{workflow_id:path}/export",
    operation_id="export_workflow",
    response_model=WorkflowExport,
    responses=problems(404),
)
async def export_workflow(
    request: Request, caller: OpsCaller, workflow_id: WorkflowIdPath
) -> Response:
    """A workflow as one file: its runs' raw events, its chronicle, its texts and its replays.

    Whoever has the file and the code can open and replay it offline: `loreloom ops verify`.
    """
    context = context_of(request)
    parts = context.parts
    return answer(await export_of(parts.store, parts.temporal, context.stories, workflow_id))


@router.post(
    "/v1/ops/workflows/{workflow_id:path}/replay",
    operation_id="replay_workflow",
    response_model=ReplayAnswer,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=takes(ReplayBody),
)
async def replay_workflow(
    request: Request,
    caller: OpsCaller,
    workflow_id: WorkflowIdPath,
    body: Annotated[ReplayBody, Depends(JsonBody(ReplayBody))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Replay a workflow from where it failed, from its start or from a step.

    Nothing is granted, charged or told twice. With `dry_run` nothing happens: the answer says what
    would be done again.
    """
    context = context_of(request)
    wish = Wish(body.from_, body.reason, caller.name, body.dry_run)

    async def replay(attempt: Attempt) -> Answer:
        made = await context.replays.replay(workflow_id, wish, attempt.new_id("replay"))
        return Answer(200, made)

    return await once(context.parts.store, caller, idempotency_key, request, said_by(body), replay)


@router.post(
    "/v1/ops/workflows/{workflow_id:path}/skip",
    operation_id="skip_step",
    response_model=SkippedView,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=takes(SkipBody),
)
async def skip_step(
    request: Request,
    caller: OpsCaller,
    workflow_id: WorkflowIdPath,
    body: Annotated[SkipBody, Depends(JsonBody(SkipBody))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Skip the step that a story does not get past, and let it go on.

    Only an epilogue, in whose place a plain line stands, and what a beat of an arc tells. A step
    that grants, charges or decides something is refused.
    """
    context = context_of(request)

    async def make(attempt: Attempt) -> Answer:
        skipped = await skip(
            context.parts,
            context.replays,
            workflow_id,
            reason=body.reason,
            by=caller.name,
            replay_id=attempt.new_id("replay"),
        )
        return Answer(200, skipped)

    return await once(context.parts.store, caller, idempotency_key, request, said_by(body), make)


@router.post(
    "/v1/ops/quests/{quest_id}/settle",
    operation_id="settle_quest",
    response_model=SettledView,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=takes(SettleBody),
)
async def settle_quest(
    request: Request,
    caller: OpsCaller,
    quest_id: QuestIdPath,
    body: Annotated[SettleBody, Depends(JsonBody(SettleBody))],
) -> Response:
    """End a quest that cannot be played on, with an outcome and a compensation, once.

    Its process is ended, the player is given the compensation, the arc that waited for it goes on,
    and it can be replayed no more. Asked again it answers the same; asked for another outcome or
    compensation than it was ended with, it is refused (`settled`), and nothing is given.
    """
    quest = await the_quest(request, quest_id)
    return answer(await settle(context_of(request).parts, quest, body, caller.name))


@router.post(
    "/v1/ops/replays",
    operation_id="replay_many",
    response_model=ReplayAnswers,
    responses=problems(409, 413, 415, 422),
    openapi_extra=takes(ReplaysBody),
)
async def replay_many(
    request: Request,
    caller: OpsCaller,
    body: Annotated[ReplaysBody, Depends(JsonBody(ReplaysBody))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Replay many, a hundred at most, with an answer for each.

    A query is of what failed or is stuck, unless it names a state; where it finds more than a
    hundred, `more` says so, and the same query again takes the next.
    """
    context = context_of(request)
    wish = Wish(body.from_, body.reason, caller.name, body.dry_run)

    async def replay(attempt: Attempt) -> Answer:
        batch_id = attempt.new_id("replays")
        if body.query is not None:
            return Answer(200, await context.replays.replay_found(body.query, wish, batch_id))
        made = await context.replays.replay_many(body.workflow_ids or (), wish, batch_id)
        return Answer(200, answers(made, more=False))

    return await once(context.parts.store, caller, idempotency_key, request, said_by(body), replay)


@router.get(
    "/v1/ops/replays",
    operation_id="list_replays",
    response_model=ReplayList,
    responses=problems(422),
)
async def list_replays(
    request: Request,
    caller: OpsCaller,
    workflow_id: Annotated[str | None, Query(pattern=WORKFLOW_ID)] = None,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """Who replayed what, when, from where and why, newest first."""
    page = await replays.listed(
        context_of(request).parts.store,
        workflow_id=workflow_id,
        after=from_cursor("replays", after),
        limit=limit,
    )
    return answer(
        ReplayList(
            items=tuple(replay_view(kept) for kept in page.items),
            next=to_cursor("replays", page.next),
        )
    )


# Last: an id may hold slashes, so this address would take those above.
@router.get(
    "/v1/ops/workflows/{workflow_id:path}",
    operation_id="get_workflow",
    response_model=StoryView,
    responses=problems(404),
)
async def get_workflow(
    request: Request, caller: OpsCaller, workflow_id: WorkflowIdPath
) -> Response:
    """One workflow: where it stands, and what is wrong with it."""
    return answer(await context_of(request).stories.find(workflow_id))
