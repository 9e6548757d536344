"""What designers wrote: entities, how far a text may be told, and for whom it is rated."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from loreloom.domain.ids import EntityId, FactId, PassageId


class EntityKind(StrEnum):
    """What sort of thing a name in the canon stands for."""

    PERSON = "person"
    PLACE = "place"
    FACTION = "faction"
    CREATURE = "creature"
    THING = "thing"


class Telling(StrEnum):
    """How far a text may be told: to all, as hearsay, or only once its fact is known."""

    PUBLIC = "public"
    RUMOUR = "rumour"
    SECRET = "secret"


class Rating(StrEnum):
    """For whom a text is fit, from the mildest to the strongest."""

    EVERYONE = "everyone"
    TEEN = "teen"
    MATURE = "mature"

    @property
    def rank(self) -> int:
        """0 for the mildest; a world of rank n tells texts of rank n and below."""
        return list(Rating).index(self)

    def allows(self, other: "Rating") -> bool:
        """Whether a world of this rating may tell a text of the other."""
        return other.rank <= self.rank


class CanonModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Entity(CanonModel):
    """A named person, place, faction, creature or thing of a canon."""

    entity_id: EntityId
    name: str
    kind: EntityKind
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The name and every alias, the name first."""
        return (self.name, *self.aliases)

    @property
    def comes_in_many(self) -> bool:
        """Whether there is more than one of it: the canon knows it in the plural."""
        name = self.name.lower()
        plurals = {f"{name}s", f"{name}es", f"{name[:-1]}ies", f"{name[:-1]}ves"}
        return any(alias.lower() in plurals for alias in self.aliases)


class Viewpoint(CanonModel):
    """What a reader may be told: a rating, and the facts that open secrets.

    ``sees_all`` is the designer's view: no telling and no rating is held back.
    """

    rating: Rating = Rating.MATURE
    facts: frozenset[FactId] = frozenset()
    sees_all: bool = False


class CitedPassage(CanonModel):
    """A passage as it is handed to a prompt, with where it comes from."""

    passage_id: PassageId
    document: str
    heading: str
    text: str
    tokens: int
    telling: Telling
