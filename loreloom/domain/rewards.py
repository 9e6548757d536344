"""What a quest pays: numbers from level and difficulty, never from a model."""

from pydantic import BaseModel, ConfigDict

from loreloom.domain.quest import Difficulty, QuestKind, QuestPlan, QuestProgress

BASE_EXPERIENCE = 40
BASE_COIN = 12
LEVEL_STEP = 100
"""Experience from level 1 to 2; each further level asks for this much more."""

DIFFICULTY_PERCENT = {
    Difficulty.EASY: 70,
    Difficulty.NORMAL: 100,
    Difficulty.HARD: 150,
    Difficulty.DEADLY: 220,
}
KIND_PERCENT = {
    QuestKind.MAIN: 200,
    QuestKind.SIDE: 100,
    QuestKind.DAILY: 50,
    QuestKind.EVENT: 120,
}
STANDING = {Difficulty.EASY: 1, Difficulty.NORMAL: 2, Difficulty.HARD: 4, Difficulty.DEADLY: 6}


class RewardModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Reward(RewardModel):
    """What a player is given. ``coin`` is in the world's smallest coin.

    ``items`` counts things by name, ``standing`` is added by faction.
    """

    experience: int = 0
    coin: int = 0
    items: dict[str, int] = {}
    standing: dict[str, int] = {}


def reward_for(plan: QuestPlan, progress: QuestProgress) -> Reward:
    """The reward of a fulfilled quest; a choice may raise or lower it."""
    percent = 100 if progress.chosen is None else plan.choice(progress.chosen).reward_percent
    items = dict.fromkeys(plan.reward_items, 1)
    standing = {plan.faction: STANDING[plan.difficulty]} if plan.faction else {}
    return Reward(
        experience=_scaled(BASE_EXPERIENCE, plan, percent),
        coin=_scaled(BASE_COIN, plan, percent),
        items=items,
        standing=standing,
    )


def level_at(experience: int) -> int:
    """The level that an amount of experience makes: level n needs 100 · (1 + 2 + … + (n - 1))."""
    level, needed = 1, LEVEL_STEP
    while experience >= needed:
        level += 1
        needed += LEVEL_STEP * level
    return level


def experience_for(level: int) -> int:
    """The least experience that makes a level; the inverse of ``level_at``."""
    return LEVEL_STEP * level * (level - 1) // 2


def _scaled(base: int, plan: QuestPlan, percent: int) -> int:
    by_level = base * (9 + plan.level)
    factor = DIFFICULTY_PERCENT[plan.difficulty] * KIND_PERCENT[plan.kind] * percent
    return by_level * factor // (10 * 100 * 100 * 100)
