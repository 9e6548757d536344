"""Players, as callers send and get them."""

from datetime import datetime

from pydantic import Field

from loreloom.api.schemas.fields import Body, Name, PlayerIdField, View
from loreloom.domain.ids import PaymentId, PlayerId, WorldId

MAX_LEVEL = 1000


class CreatePlayer(Body):
    """A player to add to a world, under the game's own id."""

    player_id: PlayerIdField
    name: Name = Field(examples=["Mara"])
    level: int = Field(default=1, ge=1, le=MAX_LEVEL)


class EntitlementView(View):
    """What a player has by a purchase; open if ``until`` is null."""

    entitlement: str
    payment_id: PaymentId
    since: datetime
    until: datetime | None


class PlayerView(View):
    """A player. ``coin`` is in the world's smallest coin; standing is by faction."""

    world_id: WorldId
    player_id: PlayerId
    name: str
    level: int
    experience: int
    coin: int
    inventory: dict[str, int]
    standing: dict[str, int]
    entitlements: tuple[EntitlementView, ...]
    created_at: datetime
