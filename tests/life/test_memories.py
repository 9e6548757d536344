"""What comes to mind first, and how much of it fits."""

from loreloom.domain.calendar import HOUR
from loreloom.domain.living.memories import Deed, Memory, deed_of, recall, shared_words, tokens_of
from loreloom.domain.quest import QuestKind, QuestProgress, QuestState

NOW = 1000 * HOUR


def a_memory(
    memory_id: str,
    *,
    hours_ago: int = 0,
    deed: Deed = Deed.KEPT_WORD,
    kind: QuestKind = QuestKind.SIDE,
    about: str = "a lost parcel",
) -> Memory:
    return Memory(
        memory_id=memory_id, deed=deed, about=about, quest_kind=kind, at=NOW - hours_ago * HOUR
    )


def order(*memories: Memory, query: str = "") -> list[str]:
    return [memory.memory_id for memory in recall(memories, NOW, query, 10_000)]


def test_the_newer_the_weightier_and_the_nearer_come_first() -> None:
    assert order(a_memory("old", hours_ago=900), a_memory("new")) == ["new", "old"]
    weighty = a_memory("weighty", hours_ago=5, deed=Deed.FAILED, kind=QuestKind.MAIN)
    assert order(a_memory("slight", hours_ago=5), weighty) == ["weighty", "slight"]
    bread = a_memory("bread", hours_ago=5, about="bread at hip height")
    parcel = a_memory("parcel", hours_ago=5)
    assert order(parcel, bread, query="who took the bread") == ["bread", "parcel"]
    assert order(bread, parcel, query="the parcel is lost") == ["parcel", "bread"]


def test_each_part_of_the_score_has_the_same_weight() -> None:
    # Newest but slight; weightiest but old; both of the others beat what is neither.
    new = a_memory("new", deed=Deed.REFUSED)
    weighty = a_memory("weighty", hours_ago=400, deed=Deed.FAILED, kind=QuestKind.MAIN)
    neither = a_memory("neither", hours_ago=400, deed=Deed.REFUSED)
    assert order(neither, weighty, new)[-1] == "neither"
    both = a_memory("both", deed=Deed.FAILED, kind=QuestKind.MAIN)
    assert order(new, weighty, both)[0] == "both"


def test_no_more_is_recalled_than_the_budget_holds() -> None:
    memories = [a_memory(str(n), hours_ago=n, about="matters " * (1 + n % 4)) for n in range(30)]
    for budget in (0, 10, 20, 60, 200):
        recalled = recall(memories, NOW, "", budget)
        assert sum(tokens_of(memory.text) for memory in recalled) <= budget
    assert recall(memories, NOW, "", 0) == ()
    assert len(recall(memories, NOW, "", 100_000)) == 30
    long = a_memory("long", about="a very long matter " * 20)
    short = a_memory("short", hours_ago=50)
    assert [m.memory_id for m in recall([long, short], NOW, "", 20)] == ["short"]


def test_nothing_is_recalled_by_who_remembers_nothing() -> None:
    assert recall((), NOW, "bread", 100) == ()


def test_a_better_measure_of_relevance_can_be_given() -> None:
    one, other = a_memory("one", hours_ago=5), a_memory("other", hours_ago=5, about="a bell")

    def tells(text: str, query: str) -> float:
        return 1.0 if "bell" in text else 0.0

    found = recall([one, other], NOW, "what rang", 1000, relevance=tells)
    assert [memory.memory_id for memory in found] == ["other", "one"]
    assert shared_words("the bell rang", "who rang the bell") > shared_words("bread", "the bell")


def test_a_giver_remembers_the_end_of_a_quest_and_whether_it_was_ever_taken() -> None:
    def ended(state: QuestState, revision: int = 5) -> Deed | None:
        return deed_of(QuestProgress(state=state, revision=revision))

    assert ended(QuestState.COMPLETED) is Deed.KEPT_WORD
    assert ended(QuestState.FAILED) is Deed.FAILED
    assert ended(QuestState.ABANDONED) is Deed.GAVE_UP
    assert ended(QuestState.ABANDONED, revision=2) is Deed.REFUSED
    assert ended(QuestState.EXPIRED) is None
    assert ended(QuestState.ACTIVE) is None
