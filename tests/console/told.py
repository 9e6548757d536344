"""What has happened in the world that the console shows: a complaint can begin with any of it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from loreloom.domain.arc import ToldBy
from loreloom.domain.arc_walk import Reason
from loreloom.domain.draft import Problem
from loreloom.domain.ids import (
    ArcId,
    CanonName,
    GenerationId,
    PaymentId,
    PlayerId,
    QuestId,
    WorldId,
    arc_workflow_id,
    quest_workflow_id,
)
from loreloom.domain.payment import Bought
from loreloom.domain.price_book import ItemKind, Quote, StoreItem
from loreloom.domain.quest import QuestState, Source
from loreloom.generation.outcomes import Outcome
from loreloom.generation.records import (
    AttemptRecord,
    GenerationRecord,
    LeftOutReason,
    Message,
    PassageLeftOut,
)
from loreloom.generation.tiers import Purpose, TierName
from loreloom.knowledge.documents import list_documents
from loreloom.knowledge.embedding import Embedder
from loreloom.knowledge.passages import PassageView, passages_of_document
from loreloom.state.arc_steps import BeatEntry, OfArc, Words, enter
from loreloom.state.arc_steps import tell as tell_beat
from loreloom.state.arcs import find_arc
from loreloom.state.generations import KeptGeneration, keep_generation
from loreloom.state.payments import request_payment
from loreloom.state.quests import (
    Citation,
    QuestRequest,
    keep_design,
    request_quest,
)
from loreloom.state.starts import PlannedStart, mark_started
from loreloom.state.store import Event, Store
from loreloom.workflows.signatures import PAYMENT
from tests.api.designs import small_design
from tests.knowledge.conftest import ingest_into
from tests.support.serving import Api
from tests.support.whatif import ASKED

HOSTILE = "<script>document.title = 'owned'</script>"
TOLD = "Old Hest has put the Lantern out, and nobody says why."
REFUSED = "Old Hest and the Moon Emperor want it."
LORE = """---
title: The Harbour
about: What the harbour knows.
rating: everyone
entities:
  - {name: Old Hest, kind: person, ties: [{to: The Lantern, as: keeper}]}
  - {name: The Lantern, kind: thing, aliases: [the-light-that-is-seen-from-all-over-the-harbour]}
sections:
  The keeper of the light: {telling: rumour}
---
# The Harbour
## The keeper of the light
Old Hest keeps the Lantern at the end of the pier. She has kept it for forty years.

## The tide
The tide comes twice a day and takes what nobody has tied down.
"""


@dataclass(frozen=True)
class Told:
    """Where to look."""

    world_id: str
    quest_id: str
    arc_id: str
    passage: PassageView
    left_out: PassageView


async def tell(api: Api, embedder: Embedder) -> Told:
    """A world with a canon, a player of a hostile name, a generated quest, and an arc."""
    store = api.parts.store
    await ingest_into(store, embedder, "harbour.md", LORE)
    (document,) = (await list_documents(store, CanonName("default"))).items
    keeper, tide = await passages_of_document(store, document.document_id, limit=5)
    world_id = (await api.world(name="Shard <one>"))["world_id"]
    for player in ("mara", "other"):
        await api.player(world_id, player)
    body = {"player_id": "mallory", "name": HOSTILE}
    assert (await api.game.post(f"/v1/worlds/{world_id}/players", json=body)).status_code == 201
    quest_id = await written_quest(store, WorldId(world_id), keeper, tide)
    arc = {"arc": "the-two-copies", "player_id": "mara"}
    started = await api.game.post(f"/v1/worlds/{world_id}/arcs", json=arc)
    assert started.status_code == 202, started.text
    arc_id = ArcId(started.json()["arc_id"])
    await written_beat(store, WorldId(world_id), arc_id, keeper, tide)
    await bought(store, WorldId(world_id))
    return Told(world_id, quest_id, arc_id, keeper, tide)


async def bought(store: Store, world_id: WorldId) -> None:
    """What a player has ordered and not paid for yet."""
    item = StoreItem(
        item="red-cloak", kind=ItemKind.COSMETIC, name="A red cloak", about="", prices={"EUR": 499}
    )
    quote = Quote(item=item, amount=499, list_amount=499, currency="EUR", coupon=None)
    start = PlannedStart(workflow_id="payment/pay_cloak", workflow=PAYMENT, input={})
    order = Bought(world_id=world_id, player_id=PlayerId("mara"), quote=quote)
    async with store.transaction() as tx:
        await request_payment(tx, PaymentId("pay_cloak"), order, start)
    await mark_started(store, start.workflow_id)


async def written_quest(
    store: Store, world_id: WorldId, rests_on: PassageView, left_out: PassageView
) -> QuestId:
    """A quest by a model, whose first attempt was refused, asked for in hostile words."""
    quest_id = QuestId("quest_lantern")
    subject = quest_workflow_id(quest_id)
    request = QuestRequest(region="Harbour", theme=HOSTILE)
    citation = Citation(
        passage_id=rests_on.passage_id,
        document=rests_on.document,
        heading="The keeper",
        telling=rests_on.telling,
    )
    design = small_design().model_copy(
        update={"citations": (citation,), "source": Source.GENERATED, "tier": "silver"}
    )
    async with store.transaction() as tx:
        await request_quest(tx, quest_id, world_id, PlayerId("mara"), request, None)
    async with store.transaction() as tx:
        await keep_generation(tx, _generation(world_id, subject, rests_on, left_out))
        await keep_design(tx, quest_id, design)
        tx.tell(
            Event(
                world_id=world_id,
                key=f"{subject}/offered",
                kind="quest.offered",
                subject=subject,
                player_id=PlayerId("mara"),
                data={"quest_id": quest_id, "state": QuestState.OFFERED},
            )
        )
    return quest_id


async def written_beat(
    store: Store, world_id: WorldId, arc_id: ArcId, rests_on: PassageView, left_out: PassageView
) -> None:
    """The first beat of an arc, and what a model told there."""
    arc = await find_arc(store, arc_id)
    assert arc is not None
    of = OfArc(arc_id=arc_id, world_id=world_id, player_id=PlayerId("mara"), seq=1)
    await enter(
        store,
        BeatEntry(
            **of.model_dump(),
            beat=arc.definition.start,
            kind="tell",
            digest=arc.digest,
            reason=Reason(words="the arc begins here"),
            game_seconds=0,
            at=datetime.now(UTC),
        ),
    )
    made = _generation(world_id, arc_workflow_id(arc_id), rests_on, left_out).model_copy(
        update={"generation_id": GenerationId("gen_summons"), "purpose": Purpose.TELLING}
    )
    await tell_beat(store, of, Words(text=TOLD, source=ToldBy.GENERATED, generation=made))


def _generation(
    world_id: WorldId, subject: str, rests_on: PassageView, left_out: PassageView
) -> KeptGeneration:
    problem = Problem(code="unknown_name", field="summary", message="nobody is the Moon Emperor")
    record = GenerationRecord(
        purpose=Purpose.QUEST,
        source=Source.GENERATED,
        asked=ASKED,
        messages=(Message(role="user", content=f"Wish: {HOSTILE}\n{rests_on.text}"),),
        passages=(rests_on.passage_id,),
        left_out=(
            PassageLeftOut(passage_id=left_out.passage_id, reason=LeftOutReason.TOKEN_BUDGET),
        ),
        tier=TierName.SILVER,
        model="silver",
        seed=7,
        tokens_in=1200,
        tokens_out=300,
        milliseconds=4100,
        attempts=(_attempt(REFUSED, problem), _attempt("Somebody owes Old Hest.")),
    )
    return KeptGeneration(
        generation_id=GenerationId("gen_lantern"),
        key=f"{subject}/design",
        world_id=world_id,
        player_id=PlayerId("mara"),
        subject=subject,
        purpose="quest",
        record=record.model_dump(mode="json"),
        tokens=1500,
    )


def _attempt(text: str, *problems: Problem) -> AttemptRecord:
    return AttemptRecord(
        tier=TierName.SILVER,
        url_index=0,
        model="silver",
        seed=7,
        started_at=datetime.now(UTC),
        queued_ms=3,
        first_token_ms=240,
        total_ms=2000,
        prompt_tokens=600,
        completion_tokens=150,
        outcome=Outcome.OK,
        text=text,
        problems=problems,
    )
