"""Texts asked for again, where no player sees them: begun, and looked at as far as they are."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any, TypeVar

from pydantic import BaseModel
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from loreloom.activities.signatures.whatif import WhatIfRef
from loreloom.api.http.errors import ApiError, ErrorCode, invalid
from loreloom.api.lines import lines_of
from loreloom.api.parts import AppParts
from loreloom.api.schemas.whatif import (
    AskWhatIfSet,
    FiguresThenAndNow,
    SaidView,
    Totals,
    WhatIfSetView,
    WhatIfState,
    WhatIfView,
)
from loreloom.api.temporal import outages
from loreloom.domain.ids import WhatIfId, WorldId, whatif_workflow_id
from loreloom.domain.variation import Figures, Otherwise, Variation, WhatIfSet
from loreloom.state import whatifs
from loreloom.state.generations import KeptGeneration, find_generation
from loreloom.state.whatifs import KeptWhatIf, NoGeneration
from loreloom.workflows import attributes
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.signatures import WHATIF, WHATIF_SET, SetProgress

A_WEEK = timedelta(days=7)
ONE_TIME = timedelta(minutes=15)
SET_TIME = timedelta(hours=12)
"""After so long without an answer nobody waits for it any more."""
QUERY_TIME = timedelta(seconds=2)
WHOLE_QUEST = "quest"
"""The purpose of a text that is all of a quest but its epilogue."""

STATES = {
    WorkflowExecutionStatus.RUNNING: WhatIfState.RUNNING,
    WorkflowExecutionStatus.COMPLETED: WhatIfState.DONE,
}

M = TypeVar("M", bound=BaseModel)


async def the_generation(parts: AppParts, generation_id: str) -> KeptGeneration:
    """The generation of that id. Raises ``ApiError`` if there is none."""
    made = await find_generation(parts.store, generation_id)
    if made is None:
        raise ApiError(ErrorCode.UNKNOWN_GENERATION, f"there is no generation {generation_id}")
    return made


def require_asked(made: KeptGeneration) -> None:
    """Raises ``ApiError`` unless it is known with what the text was asked for."""
    if made.record.get("asked") is None:
        raise ApiError(
            ErrorCode.NOT_ASKED,
            f"nobody was asked for {made.generation_id}, or before it was kept with what",
        )


async def begin(
    parts: AppParts, whatif_id: WhatIfId, made: KeptGeneration, variation: Variation
) -> None:
    """Ask for a text again. Raises ``ApiError`` if it is gone or cannot be, or Temporal away."""
    require_asked(made)
    if variation.template is not None and made.purpose != WHOLE_QUEST:
        raise invalid("template", "a template tells a whole quest: ask where the quest was made")
    try:
        await whatifs.keep(parts.store, whatif_id, made.generation_id, variation)
    except NoGeneration as error:
        raise ApiError(ErrorCode.UNKNOWN_GENERATION, str(error)) from error
    about = [SearchAttributePair(attributes.WORLD, made.world_id)]
    if made.player_id is not None:
        # Whoever erases the player finds by it what was asked again.
        about.append(SearchAttributePair(attributes.PLAYER, made.player_id))
    await _start(parts, WHATIF, whatif_id, about, ONE_TIME)


async def begin_set(parts: AppParts, whatif_id: WhatIfId, asked: WhatIfSet) -> None:
    """Ask for the texts of a set again. Raises ``ApiError`` if Temporal is away."""
    await whatifs.keep_set(parts.store, whatif_id, asked)
    about = [SearchAttributePair(attributes.WORLD, asked.world_id)]
    await _start(parts, WHATIF_SET, whatif_id, about, SET_TIME)


def set_of(world_id: WorldId, asked: AskWhatIfSet) -> WhatIfSet:
    """The set that is asked for now. Raises ``ApiError`` if it can hold no text."""
    until = asked.until or datetime.now(UTC)
    since = asked.since or until - A_WEEK
    if since >= until:
        raise invalid("since", "it must be before until")
    return WhatIfSet(
        world_id=world_id,
        purpose=asked.purpose,
        since=since,
        until=until,
        most=asked.most,
        otherwise=Otherwise(**asked.otherwise.model_dump()),
    )


async def look(parts: AppParts, whatif_id: WhatIfId) -> WhatIfView:
    """One text then and now. Raises ``ApiError`` if there is no such "what if"."""
    told = await _told(parts.temporal, whatif_id)
    # In this order: what has ended has kept its answer.
    kept = await whatifs.find(parts.store, whatif_id)
    if kept is None or (kept.said is None and told is None):
        raise _unknown(whatif_id)
    made = await the_generation(parts, kept.generation_id)
    said, state, problem = kept.said, WhatIfState.DONE, None
    if said is None and told is not None:
        state, _, problem = await _ended(parts.temporal, told, None)
    return WhatIfView(
        whatif_id=whatif_id,
        workflow_id=whatif_workflow_id(whatif_id),
        generation_id=made.generation_id,
        world_id=made.world_id,
        subject=made.subject,
        purpose=made.purpose,
        state=state,
        problem=problem,
        variation=kept.variation,
        then=SaidView(lines=await lines_of(parts.store, made), record=made.record),
        now=SaidView(lines=said.lines, record=said.record) if said else None,
        figures=_figures(kept),
        gone=said.gone if said else (),
    )


def _figures(kept: KeptWhatIf) -> FiguresThenAndNow | None:
    """None while it runs, and none of what a template told: nothing of that was tried."""
    if kept.said is None or kept.variation.template is not None:
        return None
    return FiguresThenAndNow(then=kept.said.then, now=kept.said.now)


async def look_at_set(parts: AppParts, whatif_id: WhatIfId) -> WhatIfSetView:
    """A set as far as it is. Raises ``ApiError`` if there is none of that id."""
    client = parts.temporal
    asked = await whatifs.find_set(parts.store, whatif_id)
    told = await _told(client, whatif_id)
    if asked is None or told is None:
        raise _unknown(whatif_id)
    state, ended, problem = await _ended(client, told, SetProgress)
    progress = ended or await _progress(client.get_workflow_handle(told.id))
    return WhatIfSetView(
        whatif_id=whatif_id,
        workflow_id=told.id,
        **asked.model_dump(exclude={"otherwise"}),
        otherwise=asked.otherwise,
        state=state,
        problem=problem,
        picked=progress.picked,
        then=_totals([compared.then for compared in progress.compared]),
        now=_totals([compared.now for compared in progress.compared]),
        compared=progress.compared,
        lost=progress.lost,
    )


async def _start(
    parts: AppParts,
    workflow: str,
    whatif_id: WhatIfId,
    about: Sequence[SearchAttributePair[str]],
    time: timedelta,
) -> None:
    try:
        with outages():
            await parts.temporal.start_workflow(
                workflow,
                WhatIfRef(whatif_id=whatif_id),
                id=whatif_workflow_id(whatif_id),
                task_queue=queue_of(Role.STORY, parts.config.queue_prefix),
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                execution_timeout=time,
                search_attributes=TypedSearchAttributes(about),
                static_summary="What if a text is asked for again",
            )
    except WorkflowAlreadyStartedError:
        return  # The same request, come twice: its answer is there already.


async def _told(client: Client, whatif_id: WhatIfId) -> WorkflowExecutionDescription | None:
    """How its workflow stands; ``None`` if Temporal has none of that id, or no more."""
    try:
        with outages():
            return await client.get_workflow_handle(whatif_workflow_id(whatif_id)).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return None


def _unknown(whatif_id: WhatIfId) -> ApiError:
    return ApiError(ErrorCode.UNKNOWN_WHATIF, f"there is no what-if {whatif_id}")


async def _ended(
    client: Client, told: WorkflowExecutionDescription, answer: type[M] | None
) -> tuple[WhatIfState, M | None, str | None]:
    """Where it stands, its result if it is done, and why it failed if it did."""
    state = STATES.get(told.status, WhatIfState.FAILED) if told.status else WhatIfState.FAILED
    if state is WhatIfState.RUNNING:
        return state, None, None
    try:
        with outages():
            handle = client.get_workflow_handle(told.id, run_id=told.run_id, result_type=answer)
            return state, await handle.result(), None
    except WorkflowFailureError as error:
        return WhatIfState.FAILED, None, _why(error)


def _why(error: BaseException) -> str:
    """The innermost cause in its own words."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error)


async def _progress(handle: WorkflowHandle[Any, Any]) -> SetProgress:
    """What the workflow says of itself; nothing while no worker serves it."""
    try:
        found: SetProgress = await handle.query(
            "progress", result_type=SetProgress, rpc_timeout=QUERY_TIME
        )
    except RPCError:
        return SetProgress(picked=None, compared=(), lost=())
    return found


def _totals(figures: Sequence[Figures]) -> Totals:
    taken = [each.characters for each in figures if each.accepted]
    return Totals(
        texts=len(figures),
        accepted=sum(each.accepted for each in figures),
        at_first_try=sum(each.at_first_try for each in figures),
        attempts=sum(each.attempts for each in figures),
        unknown_names=sum(each.unknown_names for each in figures),
        over_rating=sum(each.over_rating for each in figures),
        characters=median(taken) if taken else None,
        tokens_in=sum(each.tokens_in for each in figures),
        tokens_out=sum(each.tokens_out for each in figures),
        milliseconds=median(each.milliseconds for each in figures) if figures else None,
    )
