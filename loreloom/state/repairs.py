"""A player's rows put right by ops: what is so afterwards, who did it, when and why."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.domain.ids import PlayerId, WorldId
from loreloom.state.players import NoPlayer, hold_coin
from loreloom.state.store import Event, Store, Transaction
from loreloom.state.tables.ops import PlayerRepair
from loreloom.state.tables.worlds import InventoryItem, Player, Standing


class PlayerRows(BaseModel):
    """What is so of a player, or is to be; what is ``None`` or not named stays as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = None
    experience: int | None = None
    coin: int | None = None
    items: dict[str, int] = {}
    standing: dict[str, int] = {}


class AskedRepair(BaseModel):
    """A repair that is to be made, once by its id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repair_id: str
    world_id: WorldId
    player_id: PlayerId
    after: PlayerRows
    reason: str
    by: str


class KeptRepair(AskedRepair):
    """A repair as it was made, with what stood there before."""

    before: PlayerRows
    at: datetime


async def repair(store: Store, asked: AskedRepair) -> None:
    """Put a player's rows right, once by the repair's id. Raises ``NoPlayer``.

    The chronicle, which games read, tells what was changed; why and by whom only ops read.
    """
    subject = f"player/{asked.player_id}"
    key = f"{subject}/repaired/{asked.repair_id}"
    async with store.transaction() as tx:
        before = await _before(tx, asked)
        # By the repair's own id: what was done once stays, and a player may be erased.
        step = f"repair/{asked.repair_id}"
        if not await tx.first_time(step):
            return
        await _put_right(tx, step, asked)
        kept = asked.model_dump() | {"before": before.model_dump(exclude_defaults=True)}
        kept["after"] = changed = asked.after.model_dump(exclude_defaults=True)
        await tx.run(insert(PlayerRepair).values(**kept))
        tx.tell(
            Event(
                world_id=asked.world_id,
                key=key,
                kind="player.repaired",
                subject=subject,
                player_id=asked.player_id,
                data={"changed": sorted(changed)},
            )
        )


async def repairs_of(
    store: Store, world_id: WorldId, player_id: PlayerId, limit: int
) -> list[KeptRepair]:
    """A player's repairs, the newest first."""
    query = (
        select(PlayerRepair.__table__)
        .where(PlayerRepair.world_id == world_id, PlayerRepair.player_id == player_id)
        .order_by(PlayerRepair.at.desc(), PlayerRepair.repair_id)
        .limit(limit)
    )
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [KeptRepair.model_validate(dict(row._mapping)) for row in rows]


async def _before(tx: Transaction, asked: AskedRepair) -> PlayerRows:
    """What now stands where the repair is made; nobody changes it meanwhile."""
    world_id, player_id, after = asked.world_id, asked.player_id, asked.after
    found = await tx.run(
        select(Player.name, Player.experience, Player.coin)
        .where(Player.world_id == world_id, Player.player_id == player_id)
        .with_for_update()
    )
    player = found.first()
    if player is None:
        raise NoPlayer(f"the world {world_id} has no player {player_id}")
    items = await tx.run(
        select(InventoryItem.item, InventoryItem.count.label("held")).where(
            InventoryItem.world_id == world_id,
            InventoryItem.player_id == player_id,
            InventoryItem.item.in_(after.items),
        )
    )
    standing = await tx.run(
        select(Standing.faction, Standing.standing).where(
            Standing.world_id == world_id,
            Standing.player_id == player_id,
            Standing.faction.in_(after.standing),
        )
    )
    return PlayerRows(
        name=None if after.name is None else player.name,
        experience=None if after.experience is None else player.experience,
        coin=None if after.coin is None else player.coin,
        items=dict.fromkeys(after.items, 0) | {row.item: row.held for row in items},
        standing=dict.fromkeys(after.standing, 0) | {row.faction: row.standing for row in standing},
    )


async def _put_right(tx: Transaction, step: str, asked: AskedRepair) -> None:
    world_id, player_id, after = asked.world_id, asked.player_id, asked.after
    row = after.model_dump(include={"name", "experience"}, exclude_none=True)
    if row:
        await tx.run(
            update(Player)
            .where(Player.world_id == world_id, Player.player_id == player_id)
            .values(**row)
        )
    if after.coin is not None:
        await hold_coin(tx, step, world_id, player_id, after.coin)
    await _hold(tx, InventoryItem, asked, "item", "count", after.items)
    await _hold(tx, Standing, asked, "faction", "standing", after.standing)


async def _hold(
    tx: Transaction,
    table: type[InventoryItem] | type[Standing],
    asked: AskedRepair,
    name: str,
    value: str,
    wanted: Mapping[str, int],
) -> None:
    whose = {"world_id": asked.world_id, "player_id": asked.player_id}
    for named, amount in sorted(wanted.items()):
        await tx.run(
            pg_insert(table)
            .values(**whose, **{name: named, value: amount})
            .on_conflict_do_update(index_elements=[*whose, name], set_={value: amount})
        )
