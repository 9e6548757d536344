"""Quests: asked for, read, and read as a designer does."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime

from loreloom.activities.signatures.quest import QuestRef
from loreloom.api.context import context_of
from loreloom.api.history import history_of
from loreloom.api.http.answers import answer, problems
from loreloom.api.http.auth import AnyCaller, DesignerCaller, GameCaller
from loreloom.api.http.bodies import JsonBody, takes
from loreloom.api.http.cursors import from_cursor, to_cursor
from loreloom.api.http.errors import invalid
from loreloom.api.http.idempotency import Answer, Attempt, IdempotencyKey, once, said_by
from loreloom.api.lookups import require_person, the_player, the_quest, the_world
from loreloom.api.occasions import openings_for, with_occasion
from loreloom.api.schemas.fields import ID, NAME, After, Limit, QuestIdPath, WorldIdPath
from loreloom.api.schemas.quests import (
    CreateQuest,
    QuestCreated,
    QuestHistory,
    QuestList,
    QuestView,
)
from loreloom.api.shaping import quest_view
from loreloom.domain.ids import PlayerId, QuestId, WorldId, quest_workflow_id
from loreloom.domain.quest import QuestKind, QuestState
from loreloom.state import quests
from loreloom.state.quest_search import QuestFilter, oldest_quests
from loreloom.state.quests import QuestRequest
from loreloom.state.starts import PlannedStart
from loreloom.state.worlds import WorldRecord
from loreloom.workflows.signatures import QUEST, QuestInput

router = APIRouter(tags=["quests"])


@router.post(
    "/v1/worlds/{world_id}/quests",
    operation_id="create_quest",
    status_code=202,
    response_model=QuestCreated,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=takes(CreateQuest),
)
async def create_quest(
    request: Request,
    caller: GameCaller,
    world_id: WorldIdPath,
    body: Annotated[CreateQuest, Depends(JsonBody(CreateQuest))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Ask for a quest for a player. It is designed and then offered: ``quest.offered`` tells.

    A request that names neither giver, region nor theme is about what just happened in the world,
    if something did that the player may know of and nobody has taken up.
    """
    context = context_of(request)
    store = context.parts.store

    async def create(attempt: Attempt) -> Answer:
        world = await the_world(request, world_id)
        await the_player(request, world_id, body.player_id)
        if body.region is not None and all(r.region != body.region for r in world.regions):
            raise invalid("region", f"the world has no region {body.region!r}")
        if body.giver is not None:
            await require_person(request, world, body.player_id, body.giver)
        quest_id = QuestId(attempt.new_id("quest"))
        start = _planned(world, body.player_id, quest_id)
        if attempt.seed is None or await quests.find_quest(store, quest_id) is None:
            wish = _request(body)
            openings = await openings_for(request, world, body.player_id, wish)
            async with store.transaction() as tx:
                wish = await with_occasion(tx, world, quest_id, wish, openings)
                await quests.request_quest(tx, quest_id, world_id, body.player_id, wish, start)
        await context.launcher.launch(start)
        return Answer(202, _created(quest_id))

    return await once(store, caller, idempotency_key, request, said_by(body), create)


@router.get(
    "/v1/worlds/{world_id}/quests",
    operation_id="list_quests",
    response_model=QuestList,
    responses=problems(404, 422),
)
async def list_quests(
    request: Request,
    caller: AnyCaller,
    world_id: WorldIdPath,
    player_id: Annotated[PlayerId | None, Query(pattern=ID)] = None,
    state: QuestState | None = None,
    kind: QuestKind | None = None,
    region: Annotated[str | None, Query(max_length=100, pattern=NAME)] = None,
    entity: Annotated[
        str | None, Query(max_length=200, pattern=NAME, description="A name that it is about.")
    ] = None,
    since: Annotated[AwareDatetime | None, Query(description="Asked for then or later.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Asked for before.")] = None,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """A world's quests that fit, oldest first."""
    await the_world(request, world_id)
    page = await oldest_quests(
        context_of(request).parts.store,
        world_id,
        QuestFilter(
            player_id=player_id,
            state=state,
            kind=kind,
            region=region,
            entity=entity,
            since=since,
            until=until,
        ),
        after=from_cursor("quests", after),
        limit=limit,
    )
    return answer(
        QuestList(
            items=tuple(quest_view(quest) for quest in page.items),
            next=to_cursor("quests", page.next),
        )
    )


@router.get(
    "/v1/quests/{quest_id}",
    operation_id="get_quest",
    response_model=QuestView,
    responses=problems(404),
)
async def get_quest(request: Request, caller: AnyCaller, quest_id: QuestIdPath) -> Response:
    """A quest: where it stands, its words, and the passages that they rest on."""
    return answer(quest_view(await the_quest(request, quest_id)))


@router.get(
    "/v1/quests/{quest_id}/history",
    operation_id="get_quest_history",
    response_model=QuestHistory,
    responses=problems(404),
)
async def get_quest_history(
    request: Request, caller: DesignerCaller, quest_id: QuestIdPath
) -> Response:
    """A quest step by step, with every generation: prompt, passages, tier, tokens, verdicts."""
    quest = await the_quest(request, quest_id)
    world = await the_world(request, quest.world_id)
    return answer(await history_of(context_of(request).parts.store, world, quest))


def _planned(world: WorldRecord, player_id: PlayerId, quest_id: QuestId) -> PlannedStart:
    # What the caller wrote, the theme above all, stays out of the history: it lies in the row.
    ref = QuestRef(quest_id=quest_id, world_id=WorldId(world.world_id), player_id=player_id)
    return PlannedStart(
        workflow_id=quest_workflow_id(quest_id),
        workflow=QUEST,
        input=QuestInput(quest=ref).model_dump(mode="json"),
    )


def _request(body: CreateQuest) -> QuestRequest:
    return QuestRequest(**body.model_dump(exclude={"player_id"}))


def _created(quest_id: QuestId) -> QuestCreated:
    return QuestCreated(
        quest_id=quest_id,
        workflow_id=quest_workflow_id(quest_id),
        state=QuestState.DESIGNING,
    )
