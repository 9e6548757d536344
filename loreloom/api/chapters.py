"""The arc that a bought chapter opens: found when it is sold, so that nobody pays for none."""

from loreloom.api.context import Context
from loreloom.api.http.errors import ApiError, ErrorCode
from loreloom.api.starting import arc_start
from loreloom.content.arc_files import ArcFileError, find_arc_file
from loreloom.domain.arc import ArcScope
from loreloom.domain.ids import PaymentId, PlayerId, arc_of_payment
from loreloom.domain.price_book import StoreItem
from loreloom.state.starts import PlannedStart
from loreloom.state.worlds import WorldRecord


def opened_arc(
    context: Context,
    world: WorldRecord,
    payment_id: PaymentId,
    player_id: PlayerId,
    item: StoreItem,
) -> PlannedStart:
    """The start of a chapter's arc, by the definition of this moment.

    Raises ``ApiError`` if the content has no such arc, or none for a player of this world.
    """
    name = str(item.opens)
    try:
        definition = find_arc_file(context.parts.config.arcs_folder, name)
    except ArcFileError as error:
        raise _unsound(item, error.reason) from error
    if definition is None:
        raise _unsound(item, f"the content has no arc {name!r}")
    if definition.scope is not ArcScope.PLAYER or definition.canon != world.canon:
        raise _unsound(item, f"the arc {name!r} is none of a player in this world's canon")
    return arc_start(arc_of_payment(payment_id), world.world_id, player_id, definition)


def _unsound(item: StoreItem, why: str) -> ApiError:
    return ApiError(ErrorCode.CHAPTER_UNAVAILABLE, f"{item.item!r} cannot be sold here: {why}")
