"""Entities come from documents, are kept in step with them, and obey the designers' corrections."""

import re

import pytest

from loreloom.domain.canon import EntityKind, Rating, Viewpoint
from loreloom.domain.ids import EntityId, FactId
from loreloom.knowledge.casting import cast_for
from loreloom.knowledge.discovery import Discovered, discover, evident_kind
from loreloom.knowledge.embedding import Embedder
from loreloom.knowledge.entities import (
    add_entity,
    correct_entity,
    get_entity,
    list_entities,
    merge_entities,
)
from loreloom.knowledge.models import (
    CastRequest,
    EntityCorrection,
    EntityQuery,
    EntityView,
    NewEntity,
    SearchRequest,
)
from loreloom.knowledge.naming import NameFinder, fold
from loreloom.knowledge.problems import LoreCode, LoreProblem
from loreloom.knowledge.search import search
from loreloom.state.store import Store
from tests.knowledge.conftest import Ingest

TOWER = """---
title: The tower
entities:
  - name: Widow Bell
    kind: thing
    ties: [{to: Eudora Pym, as: rung by}]
  - name: Eudora Pym
    kind: person
    aliases: [the clock-keeper]
  - name: Undersump
    kind: creature
sections:
  "Under the tower": {telling: secret, fact: saw_it, rating: mature}
---
# The tower

The Widow Bell hangs here. Eudora Pym's lamp burns above the Widow Bell.

## Under the tower

The Undersump sleeps below the Widow Bell. Captain Orrin Vale feeds it,
and Captain Orrin Vale alone.
"""
PLAYER = Viewpoint()
KNOWS = Viewpoint(facts=frozenset({FactId("saw_it")}))


async def entity(store: Store, name: str) -> EntityView:
    page = await list_entities(store, EntityQuery(name=name))
    assert len(page.items) == 1, name
    return page.items[0]


async def names(store: Store, viewpoint: Viewpoint) -> set[str]:
    page = await list_entities(store, EntityQuery(viewpoint=viewpoint))
    return {view.name for view in page.items}


async def hits_on(store: Store, embedder: Embedder, name: str, viewpoint: Viewpoint) -> int:
    request = SearchRequest(query="bell", entity=name, viewpoint=viewpoint)
    return len(await search(store, embedder, request))


async def test_front_matter_and_text_give_entities(ingest: Ingest, store: Store) -> None:
    await ingest("tower.md", TOWER)
    bell = await entity(store, "the widow bell")
    assert (bell.kind, bell.passages) == (EntityKind.THING, 2)
    assert [(tie.to, tie.label) for tie in bell.ties] == [("Eudora Pym", "rung by")]
    assert bell.ties[0].to_id == (await entity(store, "clock-keeper")).entity_id
    assert (await entity(store, "Captain Orrin Vale")).kind is EntityKind.PERSON


async def test_what_stands_only_in_secret_passages_is_secret(
    ingest: Ingest, store: Store, embedder: Embedder
) -> None:
    await ingest("tower.md", TOWER)
    assert await names(store, PLAYER) == {"Widow Bell", "Eudora Pym"}
    assert {"Undersump", "Captain Orrin Vale"} <= await names(store, KNOWS)
    teen = KNOWS.model_copy(update={"rating": Rating.TEEN})
    assert "Undersump" not in await names(store, teen)
    with pytest.raises(LoreProblem):
        await get_entity(store, (await entity(store, "Undersump")).entity_id, PLAYER)
    assert await hits_on(store, embedder, "Widow Bell", PLAYER) == 1
    assert await hits_on(store, embedder, "Widow Bell", KNOWS) == 2
    # Its front matter is open, but no passage that a player may see names it.
    with pytest.raises(LoreProblem) as unknown:
        await hits_on(store, embedder, "Undersump", PLAYER)
    assert unknown.value.code is LoreCode.UNKNOWN_ENTITY
    assert await hits_on(store, embedder, "Undersump", KNOWS) == 1


async def test_an_alias_that_only_a_secret_document_tells_betrays_nobody(
    ingest: Ingest, store: Store, embedder: Embedder
) -> None:
    await ingest("tower.md", TOWER)
    await ingest("street.md", "# Street\n\nThe Ragman walks at night.")
    await ingest(
        "secret.md",
        "---\ntelling: secret\nfact: unmasked\nentities:\n"
        "  - {name: Eudora Pym, kind: person, aliases: [the Ragman]}\n---\nIt is she.",
    )
    with pytest.raises(LoreProblem):
        await hits_on(store, embedder, "the Ragman", PLAYER)
    assert await hits_on(store, embedder, "Eudora Pym", PLAYER) == 1
    unmasked = Viewpoint(facts=frozenset({FactId("unmasked")}))
    assert await hits_on(store, embedder, "the Ragman", unmasked) == 2


LADY = (
    "---\nentities:\n  - {name: the Grey Lady, kind: person}\n---\n# Street\n\n"
    "The Grey Lady walks at night."
)
UNMASKING = (
    "---\ntelling: secret\nfact: unmasked\nentities:\n"
    "  - {name: Orsolya Pell, kind: person, aliases: [the Grey Lady]}\n---\n"
    "Orsolya Pell goes out veiled."
)


async def test_a_document_that_is_secret_throughout_is_none_for_those_who_lack_its_fact(
    ingest: Ingest, store: Store, embedder: Embedder
) -> None:
    await ingest("the-lady-is-orsolya.md", UNMASKING)

    async def told_of(viewpoint: Viewpoint) -> int:
        request = SearchRequest(
            query="veil", document="the-lady-is-orsolya.md", viewpoint=viewpoint
        )
        return len(await search(store, embedder, request))

    with pytest.raises(LoreProblem) as unknown:
        await told_of(PLAYER)
    assert unknown.value.code is LoreCode.UNKNOWN_DOCUMENT
    assert await told_of(Viewpoint(facts=frozenset({FactId("unmasked")}))) == 1
    await ingest("empty.md", "")
    request = SearchRequest(query="x", document="empty.md", viewpoint=Viewpoint(sees_all=True))
    assert await search(store, embedder, request) == []


@pytest.mark.parametrize("merged", [False, True], ids=["by an alias", "by a designer"])
async def test_a_secret_identity_is_not_told_with_the_public_name(
    ingest: Ingest, store: Store, embedder: Embedder, merged: bool
) -> None:
    await ingest("street.md", LADY)
    secret = UNMASKING.replace(", aliases: [the Grey Lady]", "") if merged else UNMASKING
    await ingest("secret.md", secret)
    if merged:
        lady, pell = await entity(store, "the Grey Lady"), await entity(store, "Orsolya Pell")
        await merge_entities(store, lady.entity_id, into=pell.entity_id)

    async def told_of_lady(viewpoint: Viewpoint) -> str:
        request = SearchRequest(query="who is the grey lady", viewpoint=viewpoint)
        return " ".join(hit.model_dump_json() for hit in await search(store, embedder, request))

    told = await told_of_lady(PLAYER)
    assert "the Grey Lady" in told
    assert "Pell" not in told
    assert await hits_on(store, embedder, "the Grey Lady", PLAYER) == 1
    assert await names(store, PLAYER) == {"the Grey Lady"}
    unmasked = Viewpoint(facts=frozenset({FactId("unmasked")}))
    assert "Pell" in await told_of_lady(unmasked)
    assert await hits_on(store, embedder, "Orsolya Pell", unmasked) == 2


async def test_two_who_are_openly_known_stay_two_for_those_who_lack_the_secret(
    ingest: Ingest, store: Store, embedder: Embedder
) -> None:
    await ingest("street.md", LADY)
    await ingest("shop.md", re.sub("the Grey Lady", "Orsolya Pell", LADY, flags=re.IGNORECASE))
    await ingest("secret.md", UNMASKING)
    seen = await list_entities(store, EntityQuery(viewpoint=PLAYER))
    assert [view.aliases for view in seen.items] == [(), ()]
    assert await hits_on(store, embedder, "Orsolya Pell", PLAYER) == 1
    unmasked = Viewpoint(facts=frozenset({FactId("unmasked")}))
    assert await hits_on(store, embedder, "Orsolya Pell", unmasked) == 3


async def test_a_tie_is_told_to_those_who_know_whom_it_names(ingest: Ingest, store: Store) -> None:
    await ingest("street.md", LADY)
    await ingest("secret.md", UNMASKING.replace(", aliases: [the Grey Lady]", ""))
    await ingest(
        "shop.md",
        "---\nentities:\n  - name: Ansel Pell\n    kind: person\n    ties:\n"
        "      - {to: orsolya pell, as: brother}\n      - {to: The Grey Lady, as: rival}\n"
        "---\nAnsel Pell sells veils.",
    )
    lady, pell = await entity(store, "the Grey Lady"), await entity(store, "Orsolya Pell")
    await merge_entities(store, lady.entity_id, into=pell.entity_id)

    async def ties(viewpoint: Viewpoint) -> list[tuple[str, str]]:
        query = EntityQuery(name="Ansel Pell", viewpoint=viewpoint)
        (ansel,) = (await list_entities(store, query)).items
        return [(tie.to, tie.label) for tie in ansel.ties]

    assert await ties(PLAYER) == [("the Grey Lady", "rival")]
    unmasked = Viewpoint(facts=frozenset({FactId("unmasked")}))
    assert await ties(unmasked) == [("Orsolya Pell", "brother"), ("the Grey Lady", "rival")]
    await correct_entity(store, pell.entity_id, EntityCorrection(hidden=True))
    assert await ties(unmasked) == []
    assert len(await ties(Viewpoint(sees_all=True))) == 2


async def test_what_somebody_is_in_secret_is_not_told_as_the_kind(
    ingest: Ingest, store: Store
) -> None:
    await ingest("street.md", LADY)
    await ingest(
        "secret.md",
        "---\ntelling: secret\nfact: unmasked\nentities:\n"
        "  - {name: the Grey Lady, kind: creature}\n---\nNo woman casts that shadow.",
    )
    seen = await list_entities(store, EntityQuery(viewpoint=PLAYER))
    assert [view.kind for view in seen.items] == [EntityKind.PERSON]


async def test_a_name_of_common_words_comes_and_goes_in_documents_that_were_there(
    ingest: Ingest, store: Store, embedder: Embedder
) -> None:
    # No word of it is one that passages are indexed by.
    declared = (
        "---\nentities:\n  - {name: Tall Jack, kind: creature, aliases: [%s]}\n---\nTall Jack."
    )
    await ingest("wood.md", "# Wood\n\nThe Other waits there.")
    await ingest("jack.md", declared % "The Other")
    assert await hits_on(store, embedder, "Tall Jack", PLAYER) == 2
    await ingest("jack.md", declared % "")
    assert await hits_on(store, embedder, "Tall Jack", PLAYER) == 1


async def test_a_correction_survives_a_new_ingestion(
    ingest: Ingest, store: Store, embedder: Embedder
) -> None:
    await ingest("tower.md", TOWER)
    pym = await entity(store, "Eudora Pym")
    corrected = await correct_entity(
        store,
        pym.entity_id,
        EntityCorrection(
            name="Eudora Pymm",
            kind=EntityKind.FACTION,
            add_aliases=("Old Pym",),
            drop_aliases=("the clock-keeper",),
        ),
    )
    assert corrected.name == "Eudora Pymm"
    await ingest("tower.md", TOWER + "\n\nOld Pym coughs.\n")
    again = await get_entity(store, pym.entity_id)
    assert (again.name, again.kind) == ("Eudora Pymm", EntityKind.FACTION)
    assert again.aliases == ("Eudora Pym", "Old Pym")
    assert again.passages == 2


async def test_hidden_entities_are_gone_for_readers_until_shown_again(
    ingest: Ingest, store: Store, embedder: Embedder
) -> None:
    await ingest("tower.md", TOWER)
    pym = await entity(store, "Eudora Pym")
    await correct_entity(store, pym.entity_id, EntityCorrection(hidden=True))
    await ingest("tower.md", TOWER + "\n\nMore.\n")
    assert "Eudora Pym" not in await names(store, PLAYER)
    with pytest.raises(LoreProblem):
        await hits_on(store, embedder, "Eudora Pym", PLAYER)
    await correct_entity(store, pym.entity_id, EntityCorrection(hidden=False))
    assert await hits_on(store, embedder, "Eudora Pym", PLAYER) == 1


async def test_merging_gives_one_entity_with_both_names(
    ingest: Ingest, store: Store, embedder: Embedder
) -> None:
    await ingest("tower.md", TOWER)
    captain = await entity(store, "Captain Orrin Vale")
    pym = await entity(store, "Eudora Pym")
    merged = await merge_entities(store, captain.entity_id, into=pym.entity_id)
    assert "Captain Orrin Vale" in merged.aliases
    assert merged.passages == 2
    with pytest.raises(LoreProblem) as refused:
        await merge_entities(store, pym.entity_id, into=pym.entity_id)
    assert refused.value.code is LoreCode.BAD_CORRECTION


async def test_an_entity_added_by_hand_is_found_in_passages_that_were_there(
    ingest: Ingest, store: Store, embedder: Embedder
) -> None:
    await ingest("tower.md", TOWER)
    added = await add_entity(
        store, NewEntity(name="the lamp", kind=EntityKind.THING, aliases=("Pym's lamp",))
    )
    assert added.passages == 1
    with pytest.raises(LoreProblem) as refused:
        await add_entity(store, NewEntity(name="Widow Bell", kind=EntityKind.THING))
    assert refused.value.code is LoreCode.NAME_TAKEN
    with pytest.raises(LoreProblem) as unknown:
        await correct_entity(store, EntityId("ent_none"), EntityCorrection(name="x"))
    assert unknown.value.code is LoreCode.UNKNOWN_ENTITY


async def test_a_cast_is_seeded_and_holds_only_what_the_viewer_may_know(
    ingest: Ingest, store: Store, embedder: Embedder
) -> None:
    await ingest("tower.md", TOWER)

    async def cast(viewpoint: Viewpoint, seed: int = 1) -> set[str]:
        request = CastRequest(viewpoint=viewpoint, seed=seed, giver="the clock-keeper")
        answer = await cast_for(store, embedder, request)
        assert answer.giver is not None
        assert answer.giver.name == "Eudora Pym"
        assert answer.passages
        return {e.name for e in answer.entities}

    assert await cast(PLAYER) == {"Eudora Pym", "Widow Bell"}
    assert await cast(PLAYER) == await cast(PLAYER)
    assert "Undersump" in await cast(KNOWS)


async def test_an_empty_canon_gives_an_empty_cast(store: Store, embedder: Embedder) -> None:
    request = CastRequest(viewpoint=PLAYER, seed=1, giver="Nobody", theme="a bell")
    answer = await cast_for(store, embedder, request)
    assert (answer.entities, answer.passages, answer.giver) == ((), (), None)


def test_names_are_whole_words_longest_first_with_possessives() -> None:
    known = ["Widow", "Widow Bell", "the League", "Pym"]
    text = "The Widow Bell's note; a widow; the Widow. Leagues away, a league. Pym’s League."
    found = [text[m.start : m.end] for m in NameFinder(known).find(text)]
    assert found == ["Widow Bell", "Widow", "Pym", "League"]
    assert fold("The Widow  Bell") == "widow bell"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Captain Orrin Vale", EntityKind.PERSON),
        ("Cloth Street", EntityKind.PLACE),
        ("Guild of Wickwrights", EntityKind.FACTION),
        ("House Ollamby", EntityKind.FACTION),
        ("Silver Key", EntityKind.THING),
        ("Moss Troll", EntityKind.CREATURE),
        ("Long Night", None),
    ],
)
def test_a_kind_is_given_only_where_it_is_evident(name: str, kind: EntityKind | None) -> None:
    assert evident_kind(name) is kind


def test_a_name_is_discovered_when_it_recurs() -> None:
    text = "We met at Cloth Street. Later Cloth Street burned. Once we saw Moss Lane."
    assert list(discover([text], frozenset())) == [
        Discovered("Cloth Street", EntityKind.PLACE, (0,))
    ]
    assert list(discover([text], frozenset({"cloth street"}))) == []
