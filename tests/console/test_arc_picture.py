"""An arc's graph: where it has been, and where it stands as long as it stands somewhere."""

from loreloom.api.console.routes.arcs import picture_of
from loreloom.domain.arc_walk import ArcState
from loreloom.domain.ids import ArcId
from loreloom.state.arcs import find_arc, way_of
from tests.console.conftest import Console


async def test_an_arc_that_has_ended_stands_nowhere_now(console: Console) -> None:
    store, arc_id = console.api.parts.store, ArcId(console.told.arc_id)
    running, way = await find_arc(store, arc_id), await way_of(store, arc_id)
    assert running is not None
    ended = running.model_copy(update={"state": ArcState.ENDED})
    for arc, here in ((running, ["summons"]), (ended, [])):
        beats = picture_of(arc, way).beats
        assert [beat.box.name for beat in beats if beat.now] == here
        assert [beat.box.name for beat in beats if beat.visits] == ["summons"]
