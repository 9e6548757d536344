"""Arcs: the list, and one as its graph with the way that it took."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from loreloom.api.console.arc_standing import demands, late_in_words, standing_of
from loreloom.api.console.finding import Empty, Moment, OfName, OfPlayer, moment
from loreloom.api.console.layout import BOX_HEIGHT, BOX_WIDTH, Box, Line, lay_out
from loreloom.api.console.pages import page
from loreloom.api.console.session import Reader
from loreloom.api.console.stories import texts_of
from loreloom.api.context import context_of
from loreloom.api.http.cursors import from_cursor, to_cursor
from loreloom.api.lookups import the_arc, the_world
from loreloom.api.schemas.fields import After, ArcIdPath, WorldIdPath
from loreloom.api.shaping_arcs import arc_summary, arc_view
from loreloom.domain.arc import ArcDefinition, leads_to
from loreloom.domain.arc_walk import ArcState
from loreloom.state import arcs
from loreloom.state.arc_search import ArcFilter
from loreloom.state.arc_search import list_arcs as list_found
from loreloom.state.arcs import ArcRecord, BeatRecord
from loreloom.state.chronicle import heads

PAGE = 50

router = APIRouter()


@dataclass(frozen=True, slots=True)
class DrawnBeat:
    """A beat in the picture; ``visits`` are the numbers of its entries, ``now`` if it is there."""

    box: Box
    kind: str
    visits: tuple[int, ...]
    now: bool


@dataclass(frozen=True, slots=True)
class DrawnWay:
    """A way in the picture, and whether the arc went it."""

    line: Line
    taken: bool


@dataclass(frozen=True, slots=True)
class ArcPicture:
    """An arc's graph as it is drawn."""

    width: float
    height: float
    beats: tuple[DrawnBeat, ...]
    ways: tuple[DrawnWay, ...]
    box_width: int = BOX_WIDTH
    box_height: int = BOX_HEIGHT

    @property
    def in_order(self) -> list[str]:
        """The beats' names as they stand in the picture, from above and from the left."""
        return [b.box.name for b in sorted(self.beats, key=lambda b: (b.box.y, b.box.x))]


@router.get("/worlds/{world_id}/arcs")
async def list_arcs(
    request: Request,
    reader: Reader,
    world_id: WorldIdPath,
    player_id: OfPlayer = None,
    state: ArcState | Empty | None = None,
    arc: OfName = None,
    region: OfName = None,
    entity: OfName = None,
    since: Moment = None,
    until: Moment = None,
    moved_since: Moment = None,
    after: After = None,
) -> Response:
    """A world's arcs that fit, oldest first."""
    world = await the_world(request, world_id)
    wanted = ArcFilter(
        player_id=player_id or None,
        state=state or None,
        arc=arc or None,
        region=region or None,
        entity=entity or None,
        since=moment("since", since),
        until=moment("until", until),
        moved_since=moment("moved_since", moved_since),
    )
    found = await list_found(
        context_of(request).parts.store,
        world_id,
        wanted,
        after=from_cursor("arcs", after),
        limit=PAGE,
    )
    asked = {k: v for k, v in request.query_params.items() if v and k != "after"}
    return page(
        request,
        "arcs.html",
        world=world,
        arcs=[arc_summary(arc) for arc in found.items],
        next=to_cursor("arcs", found.next),
        asked=asked,
        query=urlencode(asked),
        states=list(ArcState),
    )


@router.get("/arcs/{arc_id}")
async def show_arc(request: Request, reader: Reader, arc_id: ArcIdPath) -> Response:
    """One arc: its graph, where it stands, its way with the reasons, and what else was open."""
    store = context_of(request).parts.store
    arc = await the_arc(request, arc_id)
    world = await the_world(request, arc.world_id)
    way, goals = list(await arcs.way_of(store, arc_id)), list(await arcs.goals_of(store, arc_id))
    running = arc.state is ArcState.RUNNING
    beats = arc.definition.beats
    return page(
        request,
        "arc.html",
        world=world,
        head=(await heads(store, [world.world_id])).get(world.world_id, 0),
        arc=arc_view(arc, world.calendar, way, goals),
        picture=picture_of(arc, way),
        texts=await texts_of(store, world, arc),
        standing=await standing_of(store, world, arc, way, goals) if running else None,
        demands={n: [(edge, demands(edge.when)) for edge in b.next] for n, b in beats.items()},
        late={name: late_in_words(beat) for name, beat in beats.items()},
    )


def picture_of(arc: ArcRecord, way: Sequence[BeatRecord]) -> ArcPicture:
    """The graph of the definition that an arc runs by, with where it has been."""
    definition: ArcDefinition = arc.definition
    layout = lay_out(
        definition.start, {name: leads_to(beat) for name, beat in definition.beats.items()}
    )
    here = arc.beat if arc.state is ArcState.RUNNING else None
    taken = {(one.beat, other.beat) for one, other in pairwise(way)}
    visits = {name: tuple(s.seq for s in way if s.beat == name) for name in definition.beats}
    return ArcPicture(
        width=layout.width,
        height=layout.height,
        beats=tuple(
            DrawnBeat(box, definition.beats[box.name].kind, visits[box.name], box.name == here)
            for box in layout.boxes
        ),
        ways=tuple(DrawnWay(line, (line.start, line.end) in taken) for line in layout.lines),
    )
