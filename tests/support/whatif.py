"""Texts that can be asked for again, and workers that ask."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from temporalio.client import Client
from temporalio.worker import Worker

from loreloom.activities.desk import WritingParts
from loreloom.activities.whatif import WhatIfActivities
from loreloom.domain.ids import GenerationId, PlayerId, WorldId
from loreloom.domain.quest import Source
from loreloom.domain.variation import Figures
from loreloom.generation.composing import Budget
from loreloom.generation.lexicon import load_lexicon
from loreloom.generation.outcomes import Outcome
from loreloom.generation.records import Asked, AttemptRecord, GenerationRecord, Message
from loreloom.generation.router import Router
from loreloom.generation.shelf import TemplateShelf
from loreloom.generation.tiers import Purpose, TierName
from loreloom.knowledge.embedding import Embedder
from loreloom.state.generations import KeptGeneration, keep_generation
from loreloom.state.store import Store
from loreloom.state.whatifs import SaidOtherwise
from loreloom.workers.settings import PROJECT
from loreloom.workflows.roles import Role, queue_of
from loreloom.workflows.whatif import WhatIfSetWorkflow, WhatIfWorkflow
from tests.generation.casts import a_brief
from tests.sandbox import SANDBOX

ASKED = Asked(brief=a_brief(), names=(), seed=7)


@asynccontextmanager
async def asking(
    client: Client, store: Store, embedder: Embedder, prefix: str
) -> AsyncIterator[None]:
    """Workers that serve "what if" where no tier is set: no model answers, which is said."""
    async with AsyncExitStack() as stack:
        router = await stack.enter_async_context(Router([]))
        steps = WhatIfActivities(writing_with(router, store, embedder))
        story, silver = queue_of(Role.STORY, prefix), queue_of(Role.SILVER, prefix)
        told = Worker(
            client,
            task_queue=story,
            workflows=[WhatIfWorkflow, WhatIfSetWorkflow],
            activities=[steps.pick],
            workflow_runner=SANDBOX,
        )
        await stack.enter_async_context(told)
        asked = Worker(client, task_queue=silver, activities=[steps.ask, steps.compare])
        await stack.enter_async_context(asked)
        yield


def writing_with(router: Router, store: Store, embedder: Embedder) -> WritingParts:
    """What writing needs, with the content's templates."""
    return WritingParts(
        store=store,
        embedder=embedder,
        router=router,
        lexicon=load_lexicon(),
        templates=TemplateShelf(PROJECT / "content" / "quests"),
        budget=Budget(),
    )


async def generated(
    store: Store,
    world_id: WorldId,
    name: str,
    *,
    asked: Asked | None = ASKED,
    purpose: Purpose = Purpose.QUEST,
) -> GenerationId:
    """A text that a model gave at its second attempt, and with what it was asked for."""
    record = GenerationRecord(
        purpose=purpose,
        source=Source.GENERATED,
        asked=asked,
        messages=(
            Message(role="system", content="Write a quest."),
            Message(role="user", content="Somebody owes somebody."),
        ),
        tier=TierName.SILVER,
        model="silver",
        seed=8,
        tokens_in=1200,
        tokens_out=300,
        milliseconds=4100,
        attempts=(an_attempt("{}", refused=True), an_attempt("{'title': 'The Lantern'}")),
    )
    generation_id = GenerationId(f"gen_{name}")
    async with store.transaction() as tx:
        await keep_generation(
            tx,
            KeptGeneration(
                generation_id=generation_id,
                key=name,
                world_id=world_id,
                player_id=PlayerId("mara"),
                subject=f"quest/{name}",
                purpose=purpose,
                record=record.model_dump(mode="json"),
                tokens=1500,
            ),
        )
    return generation_id


def an_attempt(text: str, *, refused: bool = False) -> AttemptRecord:
    """A whole answer of the silver tier, taken or refused for a name."""
    problem = {"code": "unknown_name", "field": "title", "message": "nobody has this name"}
    return AttemptRecord.model_validate(
        {
            "tier": TierName.SILVER,
            "url_index": 0,
            "model": "silver",
            "seed": 7,
            "started_at": datetime.now(UTC),
            "queued_ms": 3,
            "first_token_ms": 240,
            "total_ms": 2000,
            "prompt_tokens": 600,
            "completion_tokens": 150,
            "outcome": Outcome.OK,
            "text": text,
            "problems": [problem] if refused else [],
        }
    )


def an_answer(line: str) -> SaidOtherwise:
    """What came of a text that was asked for again: one line, at the first attempt."""
    figures = Figures(
        accepted=True, at_first_try=True, attempts=1, unknown_names=0, over_rating=0,
        characters=len(line), tokens_in=600, tokens_out=150, milliseconds=2000,
    )  # fmt: skip
    record = GenerationRecord(purpose=Purpose.QUEST, source=Source.GENERATED)
    return SaidOtherwise(
        lines=(line,),
        record=record.model_dump(mode="json"),
        gone=(),
        then=figures,
        now=figures,
    )
