"""The word lists beside this module: what prose is made of, and what it is held against."""

import random
from functools import cache
from importlib import resources

import yaml
from pydantic import BaseModel, ConfigDict

from loreloom.domain.canon import EntityKind, Rating
from loreloom.domain.prose import ProseRules

BEGINNINGS = 3
"""How many beginnings of a sort a model picks among."""


class Frame(BaseModel):
    """How an objective's line begins and goes on: ``{verb} target [{link} to] {rest} …``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verbs: tuple[str, ...]
    rest: tuple[str, ...]
    link: str | None = None


class Frames(BaseModel):
    """The fixed beginnings that a small model goes on from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: tuple[str, ...]
    title_links: tuple[str, ...]
    summary: dict[EntityKind, tuple[str, ...]]
    offer: tuple[tuple[str, ...], ...]
    epilogue: tuple[str, ...]
    labels: tuple[dict[EntityKind, tuple[str, ...]], ...]
    label_links: tuple[str, ...]
    objectives: dict[str, Frame]

    def first_words(self) -> frozenset[str]:
        """The lower-case first word of every beginning that opens a field."""
        begun = [*self.title, *self.epilogue, *(text for texts in self.offer for text in texts)]
        begun += [verb for frame in self.objectives.values() for verb in frame.verbs]
        begun += [verb for way in self.labels for verbs in way.values() for verb in verbs]
        return frozenset(text.split()[0].lower() for text in begun)

    def dealt(self, seed: int) -> "Frames":
        """A few beginnings of each sort, by the seed: a small model always takes the same first."""
        rng = random.Random(seed)

        def some(texts: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(rng.sample(texts, k=min(BEGINNINGS, len(texts))))

        return self.model_copy(
            update={
                "title": some(self.title),
                "summary": {kind: some(texts) for kind, texts in self.summary.items()},
                "offer": tuple(some(texts) for texts in self.offer),
                "epilogue": some(self.epilogue),
                "label_links": some(self.label_links),
            }
        )


class Lexicon(BaseModel):
    """The word lists of the package, read once.

    ``vocabulary`` holds the lower-case words that generated prose is made of, beside those of the
    passages it rests on; ``dangling`` those that no sentence ends on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    vocabulary: frozenset[str]
    dangling: frozenset[str]
    before_names: frozenset[str]
    frames: Frames
    rules: ProseRules

    def words(self, rating: Rating) -> frozenset[str]:
        """The vocabulary of a world of this rating."""
        return self.vocabulary - self.rules.above(rating)


@cache
def load_lexicon() -> Lexicon:
    """The lexicon that ships with the package."""
    rated = yaml.safe_load(_read("ratings.yaml"))
    frames = Frames.model_validate(yaml.safe_load(_read("data/frames.yaml")))
    rules = ProseRules(
        openers=_words("openers") | frames.first_words(),
        unfinished=_words("unfinished"),
        rated=tuple(
            (Rating(rating), frozenset(words.split())) for rating, words in rated["words"].items()
        ),
        echoes=tuple(rated["echoes"]),
    )
    return Lexicon(
        vocabulary=_words("vocabulary"),
        dangling=_words("dangling"),
        before_names=_words("before_names"),
        frames=frames,
        rules=rules,
    )


def _words(name: str) -> frozenset[str]:
    return frozenset(_read(f"data/{name}.txt").split())


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")
