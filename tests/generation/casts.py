"""Briefs and passages of a small canon, for tests of generation."""

from loreloom.domain.canon import CitedPassage, Entity, EntityKind, Rating, Telling
from loreloom.domain.draft import EpilogueBrief, QuestBrief, TellingBrief
from loreloom.domain.ids import EntityId, PassageId
from loreloom.domain.quest import Difficulty, QuestKind


def an_entity(name: str, kind: EntityKind, *aliases: str) -> Entity:
    return Entity(entity_id=EntityId(name), name=name, kind=kind, aliases=aliases)


CAST = (
    an_entity("Eudora Pym", EntityKind.PERSON, "Mistress Pym", "the clock-keeper"),
    an_entity("Wenna Morrowick", EntityKind.PERSON),
    an_entity('Nine-Fingered "Tob" O\'Dray', EntityKind.PERSON),
    an_entity("Widow Tower", EntityKind.PLACE),
    an_entity("Sun Cellar (lower)", EntityKind.PLACE),
    an_entity("Widow Bell", EntityKind.THING),
    an_entity("Grey Ledger", EntityKind.THING, "the Ledger"),
    an_entity("Lamp Eel", EntityKind.CREATURE),
    an_entity("House Élan", EntityKind.FACTION, "the Élans"),
)
PASSAGES = (
    CitedPassage(
        passage_id=PassageId("p1"),
        document="bells.md",
        heading="The Widow Bell",
        text="Eudora Pym keeps the Widow Bell and has climbed the tower every night for thirty"
        " years. The bell marks the hour that the upper city lent to the lower.",
        tokens=40,
        telling=Telling.PUBLIC,
    ),
    CitedPassage(
        passage_id=PassageId("p2"),
        document="ledgers.md",
        heading="Debts",
        text="Every debt between the cities is written in the Grey Ledger. Wenna Morrowick was"
        " the last to read it, and she left a page out.",
        tokens=36,
        telling=Telling.PUBLIC,
    ),
)


def a_brief(**changes: object) -> QuestBrief:
    fields: dict[str, object] = {
        "kind": QuestKind.SIDE,
        "difficulty": Difficulty.NORMAL,
        "rating": Rating.TEEN,
        "cast": CAST,
        "giver": "Eudora Pym",
        "objectives": 3,
        "choices": 2,
    }
    return QuestBrief.model_validate({**fields, **changes})


def an_epilogue_brief(**changes: object) -> EpilogueBrief:
    fields: dict[str, object] = {
        "title": "The price of the Grey Ledger",
        "summary": "Eudora Pym wants the Grey Ledger back before the bell rings.",
        "giver": "Eudora Pym",
        "outcome": "completed",
        "rating": Rating.TEEN,
        "cast": CAST,
        "deeds": ("Find the Grey Ledger before the tide.",),
        "choice": "Return the Grey Ledger for nothing",
    }
    return EpilogueBrief.model_validate({**fields, **changes})


def a_telling_brief(**changes: object) -> TellingBrief:
    fields: dict[str, object] = {
        "title": "The Two Copies",
        "theme": "word of the debt gets about",
        "rating": Rating.TEEN,
        "cast": CAST,
        "who": "Eudora Pym",
        "before": ("The price of the Grey Ledger: completed",),
        "now": ("it is night and it rains",),
    }
    return TellingBrief.model_validate({**fields, **changes})
