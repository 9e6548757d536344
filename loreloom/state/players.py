"""Players: who they are, what they have, and what they are given."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import and_, or_, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from loreloom.domain.ids import PlayerId, WorldId
from loreloom.domain.money import coin_granted, coin_repaired
from loreloom.domain.rewards import Reward, experience_for, level_at
from loreloom.state.ledger import book
from loreloom.state.paging import Page, page_of
from loreloom.state.payments import EntitlementRecord, entitlements_of
from loreloom.state.store import Event, Store, Transaction
from loreloom.state.tables.worlds import InventoryItem, Player, Standing


class NoPlayer(Exception):
    """The world has no such player."""


class PlayerRecord(BaseModel):
    """A player as others read them. ``coin`` is in the world's smallest coin."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    world_id: WorldId
    player_id: PlayerId
    name: str
    level: int
    experience: int
    coin: int
    inventory: dict[str, int]
    standing: dict[str, int]
    entitlements: tuple[EntitlementRecord, ...] = ()
    created_at: datetime


class PlayerSummary(BaseModel):
    """A player in a list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    player_id: PlayerId
    name: str
    level: int
    coin: int
    created_at: datetime


async def create_player(
    store: Store, world_id: WorldId, player_id: PlayerId, name: str, level: int
) -> bool:
    """Add a player to a world that exists. ``False`` if the player is there already."""
    statement = (
        pg_insert(Player)
        .values(world_id=world_id, player_id=player_id, name=name, experience=experience_for(level))
        .on_conflict_do_nothing()
        .returning(Player.player_id)
    )
    async with store.transaction() as tx:
        if (await tx.run(statement)).first() is None:
            return False
        tx.tell(
            Event(
                world_id=world_id,
                key=f"player/{player_id}/created",
                kind="player.created",
                subject=f"player/{player_id}",
                player_id=player_id,
                data={"level": level},
            )
        )
        return True


async def find_player(store: Store, world_id: WorldId, player_id: PlayerId) -> PlayerRecord | None:
    """The player with inventory and standing, or ``None``."""
    async with store.reading() as connection:
        row = (
            await connection.execute(
                select(Player.__table__).where(
                    Player.world_id == world_id, Player.player_id == player_id
                )
            )
        ).first()
        if row is None:
            return None
        items = await connection.execute(
            select(InventoryItem.item, InventoryItem.count.label("count_"))
            .where(InventoryItem.world_id == world_id, InventoryItem.player_id == player_id)
            .order_by(InventoryItem.item)
        )
        standings = await connection.execute(
            select(Standing.faction, Standing.standing)
            .where(Standing.world_id == world_id, Standing.player_id == player_id)
            .order_by(Standing.faction)
        )
        return PlayerRecord(
            world_id=world_id,
            player_id=player_id,
            name=row.name,
            level=level_at(row.experience),
            experience=row.experience,
            coin=row.coin,
            inventory={row.item: row.count_ for row in items if row.count_},
            standing={row.faction: row.standing for row in standings},
            entitlements=tuple(await entitlements_of(connection, world_id, player_id)),
            created_at=row.created_at,
        )


async def list_players(
    store: Store, world_id: WorldId, named: str | None, *, after: str | None, limit: int
) -> Page[PlayerSummary]:
    """A world's players by their ids; ``after`` is the player that the last page ended with.

    ``named`` is how an id begins, or a part of a name in any case.
    """
    query = (
        select(Player.player_id, Player.name, Player.experience, Player.coin, Player.created_at)
        .where(Player.world_id == world_id)
        .order_by(Player.player_id)
        .limit(limit + 1)
    )
    if named is not None:
        begins = Player.player_id.startswith(named, autoescape=True)
        query = query.where(or_(begins, Player.name.icontains(named, autoescape=True)))
    if after is not None:
        query = query.where(Player.player_id > after)
    async with store.reading() as connection:
        rows = (await connection.execute(query)).all()
    found = [
        PlayerSummary(
            player_id=row.player_id,
            name=row.name,
            level=level_at(row.experience),
            coin=row.coin,
            created_at=row.created_at,
        )
        for row in rows
    ]
    return page_of(found, limit, lambda player: player.player_id)


async def worlds_of_player(store: Store, player_id: PlayerId, limit: int) -> list[WorldId]:
    """Worlds that have a player of that id, at most ``limit``."""
    query = (
        select(Player.world_id)
        .where(Player.player_id == player_id)
        .order_by(Player.world_id)
        .limit(limit)
    )
    async with store.reading() as connection:
        return [WorldId(row.world_id) for row in await connection.execute(query)]


async def hold_coin(
    tx: Transaction, key: str, world_id: WorldId, player_id: PlayerId, coin: int
) -> None:
    """Have a player hold so much coin, whatever it was before, and book what that changes.

    ``key`` is the step's. The caller's transaction makes sure that it is once.
    """
    whose = and_(Player.world_id == world_id, Player.player_id == player_id)
    before: int = (await tx.run(select(Player.coin).where(whose).with_for_update())).scalar_one()
    await tx.run(update(Player).where(whose).values(coin=coin))
    await book(tx, key, None, "repaired", coin_repaired(world_id, coin - before))


async def grant(
    tx: Transaction, key: str, world_id: WorldId, player_id: PlayerId, reward: Reward
) -> None:
    """Add a reward to what a player has, and book its coin under the key of the step.

    The caller's transaction makes sure that it is once.
    """
    granted = await tx.run(
        update(Player)
        .where(Player.world_id == world_id, Player.player_id == player_id)
        .values(experience=Player.experience + reward.experience, coin=Player.coin + reward.coin)
        .returning(Player.player_id)
    )
    granted.one()
    await book(tx, key, None, "granted", coin_granted(world_id, reward.coin))
    for item, count in sorted(reward.items.items()):
        await tx.run(
            pg_insert(InventoryItem)
            .values(world_id=world_id, player_id=player_id, item=item, count=count)
            .on_conflict_do_update(
                index_elements=["world_id", "player_id", "item"],
                set_={"count": InventoryItem.count + count},
            )
        )
    for faction, change in sorted(reward.standing.items()):
        await tx.run(
            pg_insert(Standing)
            .values(world_id=world_id, player_id=player_id, faction=faction, standing=change)
            .on_conflict_do_update(
                index_elements=["world_id", "player_id", "faction"],
                set_={"standing": Standing.standing + change},
            )
        )
