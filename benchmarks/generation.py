"""How well and how fast quests are designed by the embedded model, beside bare calls to it.

Makes ``--n`` quests over the names and texts of content/lore. Names outside the canon are counted
by a check of this file's own against the whole canon's names, not by the engine's rules. The
floor: the very same prompts, schemas and seeds sent to the model server with nothing between, in
turn with the engine's, after each prompt was read once, so that neither finds a warmer cache.
"""

import argparse
import asyncio
import json
import random
import re
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from openai import AsyncOpenAI
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from loreloom.domain.canon import CitedPassage, Entity, EntityKind, Rating, Telling
from loreloom.domain.draft import QuestBrief, QuestDraft
from loreloom.domain.ids import EntityId, PassageId
from loreloom.domain.quest import Difficulty, QuestKind
from loreloom.generation.calls import Sampling, wire_messages
from loreloom.generation.composing import Budget
from loreloom.generation.designer import design_quest
from loreloom.generation.lexicon import Lexicon, load_lexicon
from loreloom.generation.outputs import deal_giver, quest_form
from loreloom.generation.prompting import quest_prompt, select_passages
from loreloom.generation.records import DesignedQuest
from loreloom.generation.router import Router
from loreloom.generation.tiers import Bounds, Tier, TierName
from loreloom.workers.embedded.stack import PartName, Stack
from loreloom.workers.settings import Settings
from loreloom.workers.tiers import tiers_of

LORE = Path(__file__).parents[1] / "content" / "lore"
CAST_SIZES = {
    EntityKind.PERSON: 4,
    EntityKind.PLACE: 3,
    EntityKind.THING: 3,
    EntityKind.CREATURE: 2,
    EntityKind.FACTION: 1,
}
THEMES = (None, "a debt and a bell", "something that was lost in the fog", "a quiet favour")


@dataclass(frozen=True, slots=True)
class Canon:
    """The names and the passages of content/lore."""

    entities: tuple[Entity, ...]
    passages: tuple[CitedPassage, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """A quest to design."""

    brief: QuestBrief
    passages: tuple[CitedPassage, ...]
    seed: int

    @property
    def seeds(self) -> tuple[int, int, int]:
        """One for the first try and one for each repair."""
        return (self.seed, self.seed + 1_000_000, self.seed + 2_000_000)


def read_canon() -> Canon:
    """The canon as it stands in the files."""
    entities: dict[str, Entity] = {}
    passages: list[CitedPassage] = []
    for path in sorted(LORE.glob("*.md")):
        _, front, body = path.read_text("utf-8").split("---\n", 2)
        fields = yaml.safe_load(front)
        for raw in fields["entities"]:
            entities.setdefault(raw["name"], _entity(raw))
        for number, text in enumerate(part for part in body.split("\n\n") if len(part) > 200):
            passages.append(
                CitedPassage(
                    passage_id=PassageId(f"{path.stem}/{number}"),
                    document=path.name,
                    heading="",
                    text=" ".join(text.split()),
                    # What the embedding model's tokenizer makes of English prose, about.
                    tokens=len(text.split()) * 4 // 3,
                    telling=Telling(fields["telling"]),
                )
            )
    return Canon(tuple(entities.values()), tuple(passages))


def task(canon: Canon, seed: int) -> Task:
    """A brief and passages by the seed: a passage, those who are in it, and others to fill up."""
    rng = random.Random(seed)
    passages = rng.sample(canon.passages, 4)
    cast: list[Entity] = []
    for kind, count in CAST_SIZES.items():
        pool = [entity for entity in canon.entities if entity.kind is kind]
        rng.shuffle(pool)
        pool.sort(key=lambda entity: entity.name not in passages[0].text)
        cast += pool[:count]
    brief = QuestBrief(
        kind=rng.choice(list(QuestKind)),
        difficulty=rng.choice(list(Difficulty)),
        rating=rng.choice(list(Rating)),
        cast=tuple(cast),
        theme=rng.choice(THEMES),
        objectives=rng.randint(1, 3),
        choices=rng.choice([0, 2, 3]),
    )
    return Task(brief, tuple(passages), seed)


async def design_all(
    tasks: Sequence[Task], router: Router, lexicon: Lexicon, budget: Budget, at_once: int
) -> tuple[list[DesignedQuest], list[float]]:
    """Design every quest, so many at once. Seconds are those that each caller waited."""
    places = asyncio.Semaphore(at_once)
    with Progress(transient=True) as progress:
        bar = progress.add_task("designing", total=len(tasks))

        async def one(asked: Task) -> tuple[DesignedQuest, float]:
            async with places:
                started = time.monotonic()
                made = await design_quest(
                    asked.brief, asked.passages, router, lexicon, seeds=asked.seeds, budget=budget
                )
                progress.advance(bar)
                return made, time.monotonic() - started

        done = await asyncio.gather(*map(one, tasks))
    return [made for made, _ in done], [seconds for _, seconds in done]


def foreign_names(draft: QuestDraft, canon: Canon, lexicon: Lexicon) -> list[str]:
    """Capitalised words that are of no name of the canon, but for plain words that begin a text."""
    texts = [draft.title, draft.summary, draft.offer]
    texts += [objective.text for objective in draft.objectives]
    texts += [choice.label for choice in draft.choices]
    names = {word for entity in canon.entities for name in entity.names for word in _parts(name)}
    found = []
    for text in texts:
        for match in re.finditer(r"[^\W\d_][\w'’-]*", text):
            word = re.sub(r"['’]s?$", "", match.group())
            begins = re.search(r"(?:^|[.!?]\s+)$", text[: match.start()]) is not None
            plain = begins and word.lower() in lexicon.rules.openers
            known = word in names or word == "I"
            if word[0].isupper() and not plain and not known:
                found.append(word)
    return found


async def overhead(
    url: str,
    tasks: Sequence[Task],
    router: Router,
    lexicon: Lexicon,
    budget: Budget,
    max_tokens: int,
) -> dict[str, float]:
    """The engine's seconds for a quest that was valid at first try, and the bare call's."""
    engine: list[float] = []
    bare: list[float] = []
    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0, timeout=120) as client:
        for number, asked in enumerate(tasks):
            await _bare(client, asked, lexicon, budget, max_tokens=1)
            order = ("bare", "engine") if number % 2 else ("engine", "bare")
            took: dict[str, float] = {}
            for who in order:
                started = time.monotonic()
                if who == "bare":
                    await _bare(client, asked, lexicon, budget, max_tokens)
                else:
                    made = await design_quest(
                        asked.brief,
                        asked.passages,
                        router,
                        lexicon,
                        seeds=asked.seeds,
                        budget=budget,
                    )
                took[who] = time.monotonic() - started
            if len(made.record.attempts) == 1 and made.draft is not None:
                engine.append(took["engine"])
                bare.append(took["bare"])
    if not engine:
        raise SystemExit("no quest was valid at first try: there is nothing to compare")
    differences = [mine - floor for mine, floor in zip(engine, bare, strict=True)]
    return {
        "pairs": len(engine),
        "engine_seconds_median": statistics.median(engine),
        "bare_seconds_median": statistics.median(bare),
        "overhead_seconds_median": statistics.median(differences),
        "ratio": statistics.median(engine) / statistics.median(bare),
    }


def summary(
    made: Sequence[DesignedQuest], seconds: Sequence[float], canon: Canon, lexicon: Lexicon
) -> dict[str, object]:
    """What came of the quests."""
    drafts = [quest.draft for quest in made if quest.draft is not None]
    first = [q for q in made if q.draft is not None and len(q.record.attempts) == 1]
    cuts = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else [seconds[0]] * 99
    attempts = [attempt for quest in made for attempt in quest.record.attempts]
    first_tokens = [a.first_token_ms for a in attempts if a.first_token_ms is not None]
    return {
        "quests": len(made),
        "valid_at_first_try": len(first),
        "repaired": len(drafts) - len(first),
        "templated": len(made) - len(drafts),
        "template_reasons": dict(Counter(q.record.reason for q in made if q.record.reason)),
        "names_outside_the_canon": sum(len(foreign_names(d, canon, lexicon)) for d in drafts),
        "seconds_p50": cuts[49],
        "seconds_p95": cuts[94],
        "seconds_p99": cuts[98],
        "first_token_ms_p50": statistics.median(first_tokens) if first_tokens else None,
        "refusals": dict(Counter(p.code for a in attempts for p in a.problems)),
        "outcomes": dict(Counter(attempt.outcome for attempt in attempts)),
        "tokens_out": sum(quest.record.tokens_out for quest in made),
    }


async def warm(tiers: Sequence[Tier], asked: Task, lexicon: Lexicon) -> None:
    """Design once with all patience: a server's first held answer is slow, and none of ours."""
    patient = {"answer_s": 120.0, "first_token_s": 120.0, "total_s": 120.0}
    budget = Budget(total_s=120)
    async with Router([t.model_copy(update=patient) for t in tiers], Bounds(queue_s=120)) as router:
        await design_all([asked], router, lexicon, budget, 1)


async def run(settings: Settings, options: argparse.Namespace) -> dict[str, object]:
    """Everything, against one server."""
    canon, lexicon = read_canon(), load_lexicon()
    tasks = [task(canon, options.seed + number) for number in range(options.n)]
    budget = Budget(total_s=options.seconds)
    tiers = tiers_of(settings)
    await warm(tiers, tasks[0], lexicon)
    async with Router(tiers, Bounds(queue_s=options.seconds)) as router:
        started = time.monotonic()
        made, seconds = await design_all(tasks, router, lexicon, budget, options.at_once)
        wall = time.monotonic() - started
        floor = await overhead(
            settings.silver_urls[0],
            tasks[: options.pairs],
            router,
            lexicon,
            budget,
            settings.silver_max_tokens,
        )
    result = summary(made, seconds, canon, lexicon)
    return {**result, "quests_a_second": options.n / wall, "floor": floor}


def show(measured: dict[str, object]) -> None:
    """The measures as a table."""
    table = Table("measure", "value", title="Quests by the embedded model")
    floor = measured["floor"]
    assert isinstance(floor, dict)
    for name, value in {**measured, **{f"floor: {k}": v for k, v in floor.items()}}.items():
        if name != "floor":
            told = f"{value:.3f}" if isinstance(value, float) else str(value)
            table.add_row(name.replace("_", " "), told)
    Console().print(table)


@contextmanager
def serving(url: str | None) -> Iterator[Settings]:
    """Settings with the given server, or with one of our own for the time."""
    if url is not None:
        yield Settings().with_changes(gold_urls=(url,), silver_urls=(url,))
        return
    with tempfile.TemporaryDirectory(prefix="loreloom-bench-") as home:
        folder = Settings().embedded_model
        settings = Settings().with_changes(loreloom_home=home, model_folder=folder)
        with Stack(settings, parts=[PartName.VLLM]) as stack:
            yield stack.settings


async def _bare(
    client: AsyncOpenAI, asked: Task, lexicon: Lexicon, budget: Budget, max_tokens: int
) -> None:
    used = select_passages(asked.passages, budget.passage_tokens).used
    giver = deal_giver(asked.brief, asked.seed)
    assert giver is not None
    form = quest_form(asked.brief, giver, used, lexicon, asked.seed)
    prompt = quest_prompt(asked.brief, giver, used)
    draw = Sampling(seed=asked.seed, temperature=budget.temperature)
    stream = await client.chat.completions.create(
        model=TierName.SILVER.value,
        messages=wire_messages(prompt),
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "quest", "strict": True, "schema": form.schema},
        },
        seed=draw.seed,
        temperature=draw.temperature,
        top_p=draw.top_p,
        frequency_penalty=draw.frequency_penalty,
        presence_penalty=draw.presence_penalty,
        max_tokens=max_tokens,
        stream=True,
    )
    async for _ in stream:
        pass


def _entity(raw: dict[str, object]) -> Entity:
    aliases = raw.get("aliases") or []
    assert isinstance(aliases, list)
    return Entity(
        entity_id=EntityId(str(raw["name"])),
        name=str(raw["name"]),
        kind=EntityKind(str(raw["kind"])),
        aliases=tuple(aliases),
    )


def _parts(text: str) -> list[str]:
    return [re.sub(r"['’]s?$", "", word) for word in re.findall(r"[^\W\d_][\w'’-]*", text)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print data instead of a table")
    parser.add_argument("--n", type=int, default=1000, help="how many quests")
    parser.add_argument("--at-once", type=int, default=4, help="how many callers at once")
    parser.add_argument("--pairs", type=int, default=20, help="quests made beside bare calls")
    parser.add_argument("--seed", type=int, default=1, help="of the first quest; the next add one")
    parser.add_argument("--seconds", type=float, default=20.0, help="bound of one design")
    parser.add_argument("--url", help="a model server that runs; unset, one is started")
    options = parser.parse_args()
    with serving(options.url) as settings:
        measured = asyncio.run(run(settings, options))
    if options.json:
        print(json.dumps(measured, indent=2))
        return
    show(measured)


if __name__ == "__main__":
    main()
