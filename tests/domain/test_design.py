"""How a draft becomes a plan: ids, counts, choices and rewards come from the rules."""

from loreloom.domain.canon import Entity, EntityKind, Rating
from loreloom.domain.design import Wish, brief_for, plan_of, region_for
from loreloom.domain.draft import DraftChoice, DraftObjective, QuestDraft
from loreloom.domain.ids import EntityId, QuestId
from loreloom.domain.quest import (
    ChoiceOutcome,
    Difficulty,
    ObjectiveKind,
    QuestKind,
    QuestPlan,
)


def a_thing(name: str, *aliases: str) -> Entity:
    return Entity(entity_id=EntityId(name), name=name, kind=EntityKind.THING, aliases=aliases)


CAST = (
    a_thing("Kept Candle", "Kept Candles"),
    a_thing("Lead Penny", "lead pennies"),
    a_thing("Widow Bell"),
    Entity(entity_id=EntityId("f"), name="Threshold Table", kind=EntityKind.FACTION),
)


def a_wish(
    kind: QuestKind = QuestKind.SIDE, difficulty: Difficulty = Difficulty.NORMAL, seed: int = 7
) -> Wish:
    return Wish(kind=kind, difficulty=difficulty, rating=Rating.TEEN, level=3, seed=seed)


def a_draft(*targets: str, choices: tuple[DraftChoice, ...] = ()) -> QuestDraft:
    return QuestDraft(
        title="An errand",
        summary="Somebody wants something.",
        giver="Maud Tolliver",
        offer="Will you?",
        objectives=tuple(
            DraftObjective(kind=ObjectiveKind.COLLECT, target=target, text=f"Fetch {target}.")
            for target in targets
        ),
        choices=choices,
    )


def planned(draft: QuestDraft, wish: Wish) -> QuestPlan:
    plan, story = plan_of(draft, wish, CAST, quest_id=QuestId("quest_1"))
    assert set(story.objectives) == {o.objective_id for o in plan.objectives}
    assert set(story.choices) == {c.choice_id for c in plan.choices}
    return plan


def test_of_what_comes_in_many_several_are_asked_for_and_of_the_rest_one() -> None:
    for seed in range(30):
        candles, bell = planned(a_draft("Kept Candle", "Widow Bell"), a_wish(seed=seed)).objectives
        assert 2 <= candles.required <= 4
        assert bell.required == 1


def test_harder_quests_ask_for_more() -> None:
    counts = [
        planned(a_draft("Kept Candle"), a_wish(difficulty=difficulty)).objectives[0].required
        for difficulty in (Difficulty.EASY, Difficulty.HARD, Difficulty.DEADLY)
    ]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_a_reward_is_of_what_comes_in_many_and_is_not_what_was_asked_for() -> None:
    given = {
        item
        for seed in range(30)
        for item in planned(a_draft("Kept Candle"), a_wish(seed=seed)).reward_items
    }
    assert given == {"Lead Penny"}
    assert planned(a_draft("Kept Candle"), a_wish(QuestKind.DAILY)).reward_items == ()


def test_choices_wait_for_what_belongs_to_every_way_and_set_a_fact_of_their_own() -> None:
    draft = a_draft(
        "Kept Candle",
        choices=(DraftChoice(label="Keep it"), DraftChoice(label="Sell it")),
    )
    plan = planned(draft, a_wish())
    assert [o.kind for o in plan.objectives] == [ObjectiveKind.COLLECT, ObjectiveKind.CHOOSE]
    assert plan.objectives[1].after == ("objective_1",)
    assert [c.choice_id for c in plan.choices] == ["choice_1", "choice_2"]
    assert len({c.sets_fact for c in plan.choices}) == 2
    assert {c.outcome for c in plan.choices} == {ChoiceOutcome.CONTINUE}


def test_the_same_seed_gives_the_same_brief_and_plan() -> None:
    for seed in range(20):
        wish = a_wish(seed=seed)
        assert brief_for(wish, CAST) == brief_for(wish, CAST)
        draft = a_draft("Kept Candle", "Lead Penny")
        assert planned(draft, wish) == planned(draft, wish)


def test_a_main_quest_always_has_a_choice_and_a_daily_one_never() -> None:
    for seed in range(30):
        assert brief_for(a_wish(QuestKind.MAIN, seed=seed), CAST).choices == 2
        daily = brief_for(a_wish(QuestKind.DAILY, seed=seed), CAST)
        assert (daily.choices, daily.objectives) == (0, 1)


def test_a_quest_plays_where_it_was_asked_for_else_at_its_givers_else_by_its_seed() -> None:
    regions = ["Harbour", "Kilns", "Upper Market"]
    homes = {"Old Hest": "Kilns", "Ysolt": "elsewhere"}
    asked = a_wish().model_copy(update={"region": "Harbour"})
    assert region_for(asked, "Old Hest", homes, regions) == "Harbour"
    assert region_for(a_wish(), "Old Hest", homes, regions) == "Kilns"
    by_seed = [region_for(a_wish(seed=seed), "Ysolt", homes, regions) for seed in range(30)]
    assert set(by_seed) == set(regions)
    assert by_seed == [region_for(a_wish(seed=seed), None, homes, regions) for seed in range(30)]
    assert region_for(a_wish(), "Old Hest", homes, []) is None
