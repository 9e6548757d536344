"""What is so at this moment, in words, for a design: short, because small models read little."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from loreloom.domain.canon import Entity
from loreloom.domain.ids import FactId, PlayerId
from loreloom.domain.living.aftermath import facts_of
from loreloom.domain.living.content import LifeContent
from loreloom.domain.living.memories import recall, tokens_of
from loreloom.domain.quest import Surroundings
from loreloom.state import life, memories, worlds
from loreloom.state.store import Store
from loreloom.state.worlds import WorldRecord

TOKENS = 60
"""About so many tokens of a prompt say what is so now."""

MEMORY_TOKENS = 22
"""About so many of them say what the giver remembers of the player."""

RUMOURS = 3


@dataclass(frozen=True, slots=True)
class NowInWords:
    """What is so now, most important first, and the names in it that prose may speak of."""

    lines: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    names: tuple[str, ...] = ()


async def now_for(
    store: Store,
    content: LifeContent,
    world: WorldRecord,
    player_id: PlayerId,
    *,
    giver: str | None,
    region: str | None,
    theme: str | None,
    cast: Sequence[Entity],
) -> NowInWords:
    """What is so now where a quest is to play, as far as its cast is concerned and tokens allow."""
    now = world.calendar.read(world.clock.game_seconds(datetime.now(UTC)))
    day = now.seconds // world.calendar.seconds_per_day
    around = await worlds.surroundings(store, world, player_id, region)
    lines = [_hour(around, now.season, region)]
    if giver is not None:
        known = await memories.memories_of(store, world.world_id, giver, player_id)
        asked = " ".join(part for part in (theme, region, *(e.name for e in cast)) if part)
        remembered = recall(known, now.seconds, asked, MEMORY_TOKENS)
        lines += [_Line(f"{giver} remembers: {m.text}.", (m.about,)) for m in remembered]
    said = await life.list_rumours(store, world.world_id, day, region=region, limit=RUMOURS)
    lines += [_Line(f"People say: {rumour.text}", rumour.about) for rumour in said.items]
    here = life.content_of(content, world)
    living = await life.find_living(store, world, content)
    sentences = {**facts_of(living, here), **content.facts}
    lines += _facts(sentences, around, [e.name for e in cast])
    return _within(TOKENS, lines)


def _hour(around: Surroundings, season: str, region: str | None) -> _Line:
    if region is None or around.weather is None:
        return _Line(f"It is {around.part}, {season}.")
    weather = around.weather.replace("_", " ")
    return _Line(f"It is {around.part}, {season}, {weather} in {region}.", (region,))


def _facts(
    sentences: Mapping[FactId, str], around: Surroundings, names: Sequence[str]
) -> Iterable[_Line]:
    """The known facts that speak of somebody or something of the cast."""
    for fact in sorted(around.facts):
        sentence = sentences.get(fact)
        if sentence is not None and any(name in sentence for name in names):
            yield _Line(sentence, (sentence,))


def _within(budget: int, lines: Iterable[_Line]) -> NowInWords:
    kept: list[_Line] = []
    for line in lines:
        if tokens_of(line.text) <= budget:
            kept.append(line)
            budget -= tokens_of(line.text)
    return NowInWords(
        lines=tuple(line.text for line in kept),
        names=tuple(dict.fromkeys(name for line in kept for name in line.names)),
    )
