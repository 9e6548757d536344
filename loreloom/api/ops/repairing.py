"""Putting a player's rows right, before what failed by them is replayed."""

from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.api.schemas.ops_players import RepairBody, RepairList, RepairView
from loreloom.state import repairs
from loreloom.state.personal import Whose
from loreloom.state.players import NoPlayer
from loreloom.state.repairs import AskedRepair, PlayerRows
from loreloom.state.store import Store

NEWEST = 100


async def repair_player(
    store: Store, whose: Whose, body: RepairBody, by: str, repair_id: str
) -> None:
    """Put the player's rows right, once by the repair's id.

    Raises ``ApiError`` if the world has no such player.
    """
    asked = AskedRepair(
        repair_id=repair_id,
        world_id=whose.world_id,
        player_id=whose.player_id,
        after=PlayerRows(**body.model_dump(exclude={"reason"})),
        reason=body.reason,
        by=by,
    )
    try:
        await repairs.repair(store, asked)
    except NoPlayer as error:
        raise ApiError(ErrorCode.UNKNOWN_PLAYER, str(error)) from error


async def repairs_view(store: Store, whose: Whose) -> RepairList:
    """The newest repairs of the player."""
    kept = await repairs.repairs_of(store, whose.world_id, whose.player_id, NEWEST)
    return RepairList(
        items=tuple(
            RepairView(
                repair_id=each.repair_id,
                before=each.before.model_dump(exclude_defaults=True),
                after=each.after.model_dump(exclude_defaults=True),
                reason=each.reason,
                by=each.by,
                at=each.at,
            )
            for each in kept
        )
    )
