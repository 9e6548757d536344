"""For operators: what is wrong, a workflow's steps, and replays with a dry run before them."""

import re
import secrets
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import FormData

from loreloom.api.console.forms import body_of
from loreloom.api.console.pages import fragment, page
from loreloom.api.console.session import Operator, SentForm
from loreloom.api.context import context_of
from loreloom.api.http.answers import answer
from loreloom.api.http.cursors import from_cursor, to_cursor
from loreloom.api.http.errors import invalid
from loreloom.api.lookups import the_payment, the_quest
from loreloom.api.ops.causes import causes_of
from loreloom.api.ops.exporting import export_of
from loreloom.api.ops.health import health_of
from loreloom.api.ops.replaying import Wish, answers, replay_view
from loreloom.api.ops.settling import given_words, settle
from loreloom.api.ops.skipping import may_skip, skip
from loreloom.api.ops.steps import history_of, steps_in
from loreloom.api.schemas.fields import After, EventIdPath, PaymentIdPath
from loreloom.api.schemas.ops import (
    Outcome,
    ReplayAnswers,
    ReplayBody,
    ReplaysBody,
    SettleBody,
    SkipBody,
    StoryKind,
    StoryQuery,
    StoryState,
    WorkflowIdPath,
)
from loreloom.api.told_events import pending, resend
from loreloom.domain.ids import QuestId
from loreloom.state import replays
from loreloom.state.keys import KeyIdentity
from loreloom.state.ledger import movements_of
from loreloom.state.receipts import find_receipt
from loreloom.state.settlements import find_settlement

PAGE = 100
QUERY_FIELDS = ("kind", "state", "world_id", "player_id", "cause")

NOT_OF_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
BATCH = re.compile(r"replays_[0-9a-f]{24}")

router = APIRouter(prefix="/ops")


@router.get("")
async def show_causes(request: Request, reader: Operator) -> Response:
    """What is wrong, grouped by cause, and what of the provider's waits."""
    found = await causes_of(context_of(request).stories, StoryQuery())
    return page(request, "ops.html", causes=found, events=await pending(request, None, PAGE))


@router.post("/events/{event_id}/resend")
async def resend_event(
    request: Request, reader: Operator, form: SentForm, event_id: EventIdPath
) -> Response:
    """Handle what the provider told again."""
    await resend(request, event_id)
    return RedirectResponse("/console/ops#events", 303)


@router.get("/health")
async def show_health(request: Request, reader: Operator) -> Response:
    """Queues, model servers, budgets and what waits, at a glance."""
    context = context_of(request)
    return page(request, "health.html", health=await health_of(context.parts, context.sweeps))


@router.get("/health/now")
async def show_health_now(request: Request, reader: Operator) -> Response:
    """The same anew, for a page that is open already."""
    context = context_of(request)
    return HTMLResponse(
        fragment("_health.html", health=await health_of(context.parts, context.sweeps))
    )


@router.get("/workflows")
async def list_workflows(request: Request, reader: Operator, after: After = None) -> Response:
    """Workflows that fit, each with what is wrong in it, to be replayed together."""
    asked = {k: v for k, v in request.query_params.items() if v and k in QUERY_FIELDS}
    found = await context_of(request).stories.page(_query(asked), PAGE, after)
    return page(
        request,
        "workflows.html",
        stories=found.items,
        next=found.next,
        asked=asked,
        kinds=list(StoryKind),
        states=list(StoryState),
    )


@router.get("/workflows/{workflow_id:path}")
async def show_workflow(
    request: Request, reader: Operator, workflow_id: WorkflowIdPath
) -> Response:
    """One workflow: what is wrong, its steps, and the replays that it had."""
    context = context_of(request)
    story = await context.stories.find(workflow_id)
    history = await history_of(context.parts.temporal, story)
    store = context.parts.store
    had = await replays.listed(store, workflow_id=workflow_id, after=None, limit=PAGE)
    sort, _, name = workflow_id.partition("/")
    quest_id = QuestId(name) if sort == "quest" else None
    ended = await find_settlement(store, quest_id) if quest_id is not None else None
    return page(
        request,
        "workflow.html",
        story=story,
        quest_id=quest_id,
        ended=ended,
        given=given_words(ended.compensation) if ended is not None else None,
        steps=[step.view() for step in steps_in(history.events, story.run_id)],
        replays=[replay_view(kept) for kept in had.items],
        may_skip=may_skip(story, history.events),
        batch=_new_batch(),
    )


@router.get("/payments/{payment_id}")
async def show_purchase(request: Request, reader: Operator, payment_id: PaymentIdPath) -> Response:
    """A purchase: where it stands, its receipt, and every movement that was booked."""
    store = context_of(request).parts.store
    return page(
        request,
        "payment.html",
        payment=await the_payment(request, payment_id),
        receipt=await find_receipt(store, payment_id),
        movements=await movements_of(store, payment_id),
    )


@router.get("/export/{workflow_id:path}")
async def export_workflow(
    request: Request, reader: Operator, workflow_id: WorkflowIdPath
) -> Response:
    """One workflow as a file, to be kept."""
    context = context_of(request)
    parts = context.parts
    found = await export_of(parts.store, parts.temporal, context.stories, workflow_id)
    made = answer(found)
    name = NOT_OF_A_NAME.sub("-", workflow_id)
    made.headers["Content-Disposition"] = f'attachment; filename="{name}.json"'
    return made


@router.get("/replays")
async def list_replays(request: Request, reader: Operator, after: After = None) -> Response:
    """Who replayed what, when, from where and why."""
    found = await replays.listed(
        context_of(request).parts.store,
        workflow_id=None,
        after=from_cursor("replays", after),
        limit=PAGE,
    )
    return page(
        request,
        "replays.html",
        replays=[replay_view(kept) for kept in found.items],
        next=to_cursor("replays", found.next),
    )


@router.post("/replay")
async def replay_one(request: Request, reader: Operator, form: SentForm) -> Response:
    """Replay one workflow from a step, or say first what that would do."""
    workflow_id = str(form.get("workflow_id", ""))
    body = body_of(
        ReplayBody,
        {
            "from": str(form.get("from", "failure")),
            "reason": str(form.get("reason", "")),
            "dry_run": "sure" not in form,
        },
    )
    wish = Wish(body.from_, body.reason, reader.name, body.dry_run)
    made = await context_of(request).replays.replay_many([workflow_id], wish, _batch(form))
    return _answered(request, answers(made, more=False), body)


@router.post("/skip")
async def skip_step(request: Request, reader: Operator, form: SentForm) -> Response:
    """Skip the step that a story does not get past."""
    workflow_id = str(form.get("workflow_id", ""))
    body = body_of(SkipBody, {"reason": str(form.get("reason", ""))})
    context = context_of(request)
    await skip(
        context.parts,
        context.replays,
        workflow_id,
        reason=body.reason,
        by=reader.name,
        replay_id=_batch(form),
    )
    return RedirectResponse(f"/console/ops/workflows/{quote(workflow_id)}", 303)


@router.post("/settle")
async def settle_quest(request: Request, reader: Operator, form: SentForm) -> Response:
    """End a quest with an outcome and a compensation."""
    compensation = {k: str(form[k]) for k in ("experience", "coin") if form.get(k)}
    body = body_of(
        SettleBody,
        {
            "outcome": str(form.get("outcome", "")),
            "compensation": compensation,
            "reason": str(form.get("reason", "")),
        },
    )
    quest = await the_quest(request, QuestId(str(form.get("quest_id", ""))))
    await settle(context_of(request).parts, quest, body, reader.name)
    return RedirectResponse(f"/console/quests/{quest.quest_id}", 303)


@router.post("/replays")
async def replay_many(request: Request, reader: Operator, form: SentForm) -> Response:
    """Replay those that were marked, or all that a query finds, a hundred at most."""
    ids = [str(value) for value in form.getlist("workflow_id")]
    query = {k: str(form[k]) for k in QUERY_FIELDS if form.get(k)}
    asked = {"query": query} if form.get("by") == "query" else {"workflow_ids": ids}
    body = body_of(
        ReplaysBody,
        {
            **asked,
            "from": str(form.get("from", "failure")),
            "reason": str(form.get("reason", "")),
            "dry_run": "sure" not in form,
        },
    )
    made = await _replayed(request, reader, body, _batch(form))
    return _answered(request, made, body)


async def _replayed(
    request: Request, reader: KeyIdentity, body: ReplaysBody, batch: str
) -> ReplayAnswers:
    desk = context_of(request).replays
    wish = Wish(body.from_, body.reason, reader.name, body.dry_run)
    if body.query is not None:
        return await desk.replay_found(body.query, wish, batch)
    if not body.workflow_ids:
        raise invalid("workflow_ids", "mark at least one story")
    return answers(await desk.replay_many(body.workflow_ids, wish, batch), more=False)


def _answered(request: Request, made: ReplayAnswers, body: ReplayBody | ReplaysBody) -> Response:
    """The answers, and after a dry run a form that does it to those for which it was shown."""
    shown = [each.workflow_id for each in made.items if each.outcome is Outcome.WOULD_REPLAY]
    return page(
        request,
        "replayed.html",
        made=made,
        shown=shown,
        from_point=body.from_,
        reason=body.reason,
        dry_run=body.dry_run,
        # Its own, since a page that is gone back to may ask for something else.
        batch=_new_batch(),
        action=request.url.path,
    )


def _query(asked: dict[str, str]) -> StoryQuery:
    return body_of(StoryQuery, asked)


def _new_batch() -> str:
    return f"replays_{secrets.token_hex(12)}"


def _batch(form: FormData) -> str:
    """What a request is known by: the form sent twice is the same replay, made once."""
    given = str(form.get("batch"))
    return given if BATCH.fullmatch(given) else _new_batch()
