"""Quests: found among many, and one as its story."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from loreloom.api.console.finding import Empty, Moment, OfName, OfPlayer, moment
from loreloom.api.console.pages import page
from loreloom.api.console.session import Reader
from loreloom.api.console.stories import story_of
from loreloom.api.context import context_of
from loreloom.api.http.cursors import from_cursor, to_cursor
from loreloom.api.lookups import the_quest, the_world
from loreloom.api.schemas.fields import After, QuestIdPath, WorldIdPath
from loreloom.api.shaping import quest_view
from loreloom.domain.quest import QuestKind, QuestState
from loreloom.state.chronicle import heads
from loreloom.state.quest_search import QuestFilter, newest_quests

PAGE = 50

router = APIRouter()

OfState = QuestState | Empty | None
OfKind = QuestKind | Empty | None


@router.get("/worlds/{world_id}/quests")
async def list_quests(
    request: Request,
    reader: Reader,
    world_id: WorldIdPath,
    player_id: OfPlayer = None,
    state: OfState = None,
    kind: OfKind = None,
    region: OfName = None,
    entity: OfName = None,
    since: Moment = None,
    until: Moment = None,
    after: After = None,
) -> Response:
    """A world's quests that fit, newest first."""
    world = await the_world(request, world_id)
    wanted = QuestFilter(
        player_id=player_id or None,
        state=state or None,
        kind=kind or None,
        region=region or None,
        entity=entity or None,
        since=moment("since", since),
        until=moment("until", until),
    )
    found = await newest_quests(
        context_of(request).parts.store,
        world_id,
        wanted,
        after=from_cursor("newest", after),
        limit=PAGE,
    )
    asked = {k: v for k, v in request.query_params.items() if v and k != "after"}
    return page(
        request,
        "quests.html",
        world=world,
        quests=[quest_view(quest) for quest in found.items],
        next=to_cursor("newest", found.next),
        asked=asked,
        query=urlencode(asked),
        paged=after is not None,
        states=list(QuestState),
        kinds=list(QuestKind),
    )


@router.get("/quests/{quest_id}")
async def show_quest(request: Request, reader: Reader, quest_id: QuestIdPath) -> Response:
    """One quest, beat by beat, with where each of its texts comes from."""
    store = context_of(request).parts.store
    quest = await the_quest(request, quest_id)
    world = await the_world(request, quest.world_id)
    head = (await heads(store, [world.world_id])).get(world.world_id, 0)
    return page(
        request,
        "quest.html",
        world=world,
        head=head,
        quest=quest_view(quest),
        wish=quest.request,
        beats=await story_of(store, world, quest),
    )
