"""Casting: entities that belong together, for a quest to pick from, and their passages."""

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy import text

from loreloom.domain.canon import Entity, EntityKind
from loreloom.domain.ids import EntityId, PassageId
from loreloom.knowledge.embedding import Embedder
from loreloom.knowledge.entities import list_entities, views_of
from loreloom.knowledge.models import (
    MAX_QUERY_CHARACTERS,
    Cast,
    CastRequest,
    EntityQuery,
    EntityView,
    Hit,
    SearchRequest,
)
from loreloom.knowledge.search import search
from loreloom.knowledge.visibility import visible, visible_values
from loreloom.state.store import Store

PARTS: Mapping[EntityKind, int] = {
    EntityKind.PERSON: 4,
    EntityKind.PLACE: 3,
    EntityKind.THING: 3,
    EntityKind.CREATURE: 3,
    EntityKind.FACTION: 2,
}
"""At most how many of each kind a cast holds."""
STAND_INS: Mapping[EntityKind, int] = {
    EntityKind.PERSON: 2,
    EntityKind.PLACE: 2,
    EntityKind.THING: 2,
    EntityKind.CREATURE: 1,
    EntityKind.FACTION: 1,
}
"""Up to how many of each kind are filled in from elsewhere in the canon."""
_POOL = 2
"""Times as many passages are looked at as are wanted, so that seeds differ."""
_FREQUENT = 8

_MOST_NAMED = text(
    f"""
    SELECT e.entity_id, e.kind, count(*) AS passages
    FROM entities e
    JOIN passage_entities link USING (entity_id)
    JOIN passages p USING (passage_id)
    WHERE e.canon = :canon AND NOT e.hidden AND e.kind = ANY (:kinds)
      AND {visible("link")} AND {visible("p")}
    GROUP BY e.entity_id, e.kind
    ORDER BY passages DESC, e.entity_id
    """
)


async def cast_for(store: Store, embedder: Embedder, request: CastRequest) -> Cast:
    """A cast of entities and passages for a quest, all of them such as the viewer may know.

    What is asked for comes first, then what the passages on it name most; a kind that these
    passages lack is filled from what the canon names often. A canon without passages gives an
    empty cast; a giver or region that the viewer does not know is ``None`` in the answer.
    """
    chance = random.Random(request.seed)
    giver = await _named(store, request, request.giver)
    region = await _named(store, request, request.region)
    asked = [view for view in (giver, region) if view is not None]
    subject = await _subject(store, request, chance) if not asked and not request.theme else None
    hits = await _passages(store, embedder, request, [*asked, *([subject] if subject else [])])
    chosen = _chosen(hits, request.passages, chance)
    wanted = _by_weight(chosen, [*asked, *([subject] if subject else [])], chance)
    async with store.reading() as connection:
        stand_ins = await connection.execute(
            _MOST_NAMED,
            {
                "canon": request.canon,
                "kinds": list(PARTS),
                **visible_values(request.viewpoint),
            },
        )
        frequent: dict[EntityKind, list[EntityId]] = defaultdict(list)
        for row in stand_ins:
            if len(frequent[EntityKind(row.kind)]) < _FREQUENT:
                frequent[EntityKind(row.kind)].append(EntityId(row.entity_id))
        others = [i for kind in PARTS for i in chance.sample(frequent[kind], len(frequent[kind]))]
        views = await views_of(connection, [*wanted, *others], request.viewpoint)
    return Cast(
        entities=tuple(_parts(wanted, others, views)),
        passages=tuple(chosen),
        giver=giver.as_entity() if giver else None,
        region=region.as_entity() if region else None,
    )


async def _named(store: Store, request: CastRequest, name: str | None) -> EntityView | None:
    if name is None:
        return None
    page = await list_entities(
        store, EntityQuery(canon=request.canon, name=name, viewpoint=request.viewpoint, limit=1)
    )
    return page.items[0] if page.items else None


async def _subject(store: Store, request: CastRequest, chance: random.Random) -> EntityView | None:
    """Whom or what the quest is to turn on when nobody said: any entity, by the seed."""
    async with store.reading() as connection:
        rows = await connection.execute(
            _MOST_NAMED,
            {
                "canon": request.canon,
                "kinds": [EntityKind.PERSON, EntityKind.PLACE],
                **visible_values(request.viewpoint),
            },
        )
        ids = [EntityId(row.entity_id) for row in rows]
        if not ids:
            return None
        pick = chance.choice(ids)
        return (await views_of(connection, [pick], request.viewpoint)).get(pick)


async def _passages(
    store: Store, embedder: Embedder, request: CastRequest, asked: list[EntityView]
) -> list[Hit]:
    """Passages that name each one asked for and passages on all of it, taken in turn."""
    query = request.theme or " ".join(view.name for view in asked) or request.region
    if not query:
        return []
    limit = request.passages * _POOL
    found = [
        await search(
            store,
            embedder,
            SearchRequest(
                canon=request.canon,
                query=query[:MAX_QUERY_CHARACTERS],
                limit=limit,
                entity=entity,
                viewpoint=request.viewpoint,
            ),
        )
        for entity in [*(view.entity_id for view in asked), None]
    ]
    merged: dict[PassageId, Hit] = {}
    for rank in range(limit):
        for hits in found:
            if rank < len(hits):
                merged.setdefault(hits[rank].passage_id, hits[rank])
    return list(merged.values())


def _chosen(hits: list[Hit], number: int, chance: random.Random) -> list[Hit]:
    """The first third as they come, the rest by the seed, in the order of the search."""
    pool = hits[: number * _POOL]
    kept = pool[: max(1, number // 3)]
    rest = pool[len(kept) :]
    picked = chance.sample(rest, min(len(rest), number - len(kept)))
    return [hit for hit in pool if hit in kept or hit in picked]


def _by_weight(
    hits: Iterable[Hit], first: Iterable[EntityView], chance: random.Random
) -> list[EntityId]:
    """Entities of the passages, those named in several and in the best ones first."""
    weights: dict[EntityId, float] = {}
    for rank, hit in enumerate(hits, 1):
        for entity in hit.entities:
            weights[entity.entity_id] = weights.get(entity.entity_id, 0.0) + 1 / (1 + rank)
    jittered = {i: weight * chance.uniform(0.6, 1.0) for i, weight in sorted(weights.items())}
    ranked = sorted(jittered, key=lambda i: (-jittered[i], i))
    asked = [view.entity_id for view in first]
    return [*asked, *(i for i in ranked if i not in asked)]


def _parts(
    wanted: list[EntityId], others: list[EntityId], views: dict[EntityId, EntityView]
) -> Iterable[Entity]:
    """Fill the parts of each kind; stand-ins only where the passages name too few of a kind."""
    count: dict[EntityKind, int] = defaultdict(int)
    for entity_id in wanted:
        view = views.get(entity_id)
        if view is not None and count[view.kind] < PARTS[view.kind]:
            count[view.kind] += 1
            yield view.as_entity()
    for entity_id in others:
        view = views.get(entity_id)
        if view is None or entity_id in wanted:
            continue
        if count[view.kind] < STAND_INS[view.kind]:
            count[view.kind] += 1
            yield view.as_entity()
