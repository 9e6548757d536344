"""What the routes of one application share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import Request

if TYPE_CHECKING:
    from loreloom.api.acts import Acts
    from loreloom.api.arc_acts import ArcActs
    from loreloom.api.arc_figures import ArcFigures
    from loreloom.api.arc_teller import ArcTeller
    from loreloom.api.events import Events
    from loreloom.api.http.auth import Authenticator
    from loreloom.api.launch import Launcher
    from loreloom.api.metrics import Metrics
    from loreloom.api.ops.replaying import Replays
    from loreloom.api.ops.stories import Stories
    from loreloom.api.orders import Orders
    from loreloom.api.parts import AppParts
    from loreloom.api.stream import Feed
    from loreloom.api.subscription_acts import SubscriptionActs
    from loreloom.api.sweeper import Sweeps


@dataclass(frozen=True, slots=True)
class Context:
    """The parts, and what this process keeps in memory over them."""

    parts: AppParts
    authenticator: Authenticator
    launcher: Launcher
    acts: Acts
    arcs: ArcActs
    teller: ArcTeller
    events: Events
    subscriptions: SubscriptionActs
    orders: Orders
    feed: Feed
    stories: Stories
    replays: Replays
    metrics: Metrics
    figures: ArcFigures
    sweeps: Sweeps


def context_of(request: Request) -> Context:
    """The context of the application that serves the request."""
    context: Context = request.app.state.context
    return context
