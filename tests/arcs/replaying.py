"""Replays of arcs on their stage."""

from loreloom.api.ops.replaying import Replays
from loreloom.api.ops.stories import Stories
from tests.arcs.stage import ArcStage


def replays_of(on: ArcStage) -> Replays:
    return Replays(on.client, on.store, Stories(on.client, on.store, on.prefix))
