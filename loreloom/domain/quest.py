"""A quest's rules: what it asks, what an act does to it, and when it is over.

``QuestPlan`` is the definition that a running quest keeps; ``QuestProgress`` is where it stands.
Every function here takes both and returns a new progress or raises a ``Refusal``.
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from loreloom.domain.calendar import PartName
from loreloom.domain.ids import FactId
from loreloom.domain.refusals import Refusal, RefusalCode
from loreloom.domain.weather import Weather

MAX_OBJECTIVES = 8
MAX_REQUIRED = 1000


class QuestState(StrEnum):
    """Where a quest stands. Only ``designing``, ``offered`` and ``active`` go on."""

    DESIGNING = "designing"
    OFFERED = "offered"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    ABANDONED = "abandoned"
    EXPIRED = "expired"
    BROKEN = "broken"


class QuestKind(StrEnum):
    """What part a quest plays in a game."""

    MAIN = "main"
    SIDE = "side"
    DAILY = "daily"
    EVENT = "event"


class ObjectiveKind(StrEnum):
    """What an objective asks of the player."""

    DEFEAT = "defeat"
    COLLECT = "collect"
    DELIVER = "deliver"
    TALK = "talk"
    REACH = "reach"
    ESCORT = "escort"
    SURVIVE = "survive"
    CHOOSE = "choose"


class Source(StrEnum):
    """Where a quest's words come from."""

    GENERATED = "generated"
    TEMPLATE = "template"


class Difficulty(StrEnum):
    """How hard a quest is; the rules turn it into counts and rewards."""

    EASY = "easy"
    NORMAL = "normal"
    HARD = "hard"
    DEADLY = "deadly"


class ChoiceOutcome(StrEnum):
    """What a choice does to the quest itself."""

    CONTINUE = "continue"
    FAIL = "fail"


class QuestModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Surroundings(QuestModel):
    """What is so, at the moment of an act, where the player is; no weather where no region is."""

    hour: int
    part: str
    weather: Weather | None = None
    facts: frozenset[FactId] = frozenset()


class Condition(QuestModel):
    """When an objective can be worked on; every part that is given must hold.

    ``hours`` is a half-open span ``[from, until)`` that may run past midnight.
    """

    hours: tuple[int, int] | None = None
    part: PartName | None = None
    weather: tuple[Weather, ...] = ()
    fact: FactId | None = None
    without_fact: FactId | None = None

    def unmet(self, now: Surroundings) -> str | None:
        """What keeps the condition from holding, in words; ``None`` if it holds."""
        if self.hours is not None and not _within(now.hour, self.hours):
            return f"it must be between hour {self.hours[0]} and hour {self.hours[1]}"
        if self.part is not None and now.part != self.part:
            return f"it must be {self.part}"
        if self.weather and now.weather is None:
            return "there is no weather here that it could wait for"
        if self.weather and now.weather not in self.weather:
            return f"the weather must be {' or '.join(self.weather)}"
        if self.fact is not None and self.fact not in now.facts:
            return f"the fact {self.fact} is not known"
        if self.without_fact is not None and self.without_fact in now.facts:
            return f"the fact {self.without_fact} stands against it"
        return None


class Objective(QuestModel):
    """One thing that a quest asks for.

    ``target`` is a name of the canon and ``to`` a second one, for what is brought or led somewhere;
    ``required`` is how often it must be done. An objective with a ``branch`` counts only once that
    choice was made, one with ``after`` only once those are done.
    """

    objective_id: str
    kind: ObjectiveKind
    target: str
    to: str | None = None
    required: int = Field(default=1, ge=1, le=MAX_REQUIRED)
    condition: Condition | None = None
    branch: str | None = None
    after: tuple[str, ...] = ()


class Choice(QuestModel):
    """A way that a player may take; taking it makes its fact known."""

    choice_id: str
    outcome: ChoiceOutcome = ChoiceOutcome.CONTINUE
    sets_fact: FactId | None = None
    reward_percent: int = Field(default=100, ge=0, le=200)


class QuestPlan(QuestModel):
    """The definition that a quest keeps from its offer to its end. It holds no prose.

    ``region`` is where it plays, and so whose weather counts. ``offer_seconds`` is real time;
    ``limit_game_seconds`` is game time from acceptance.
    """

    kind: QuestKind
    difficulty: Difficulty
    level: int = Field(ge=1)
    region: str | None = None
    faction: str | None = None
    objectives: tuple[Objective, ...] = Field(min_length=1, max_length=MAX_OBJECTIVES)
    choices: tuple[Choice, ...] = ()
    sets_fact: FactId | None = None
    reward_items: tuple[str, ...] = ()
    offer_seconds: int = Field(gt=0)
    limit_game_seconds: int | None = Field(default=None, gt=0)

    def objective(self, objective_id: str) -> Objective:
        """The objective of that id. Raises ``Refusal`` if the quest has none."""
        for objective in self.objectives:
            if objective.objective_id == objective_id:
                return objective
        raise Refusal(RefusalCode.UNKNOWN_OBJECTIVE, f"the quest has no objective {objective_id!r}")

    def choice(self, choice_id: str) -> Choice:
        """The choice of that id. Raises ``Refusal`` if the quest has none."""
        for choice in self.choices:
            if choice.choice_id == choice_id:
                return choice
        raise Refusal(RefusalCode.UNKNOWN_CHOICE, f"the quest has no choice {choice_id!r}")


class QuestProgress(QuestModel):
    """Where a quest stands. ``revision`` grows by one with each change.

    ``due`` is the game second at which the time of an accepted quest with a limit is up.
    """

    state: QuestState = QuestState.DESIGNING
    done: dict[str, int] = Field(default_factory=dict)
    chosen: str | None = None
    due: int | None = None
    revision: int = 0

    def moved(self, **changes: object) -> "QuestProgress":
        """This progress with changes, one revision on."""
        return self.model_copy(update={**changes, "revision": self.revision + 1})


class Counted(QuestModel):
    """What an act counted towards an objective, and where that stands by it."""

    amount: int
    done: int
    required: int


def offered(progress: QuestProgress) -> QuestProgress:
    """The design is ready and is offered to the player."""
    require_state(progress, QuestState.DESIGNING)
    return progress.moved(state=QuestState.OFFERED)


def accepted(progress: QuestProgress, due: int | None = None) -> QuestProgress:
    """The player takes the offer, and has until the game second ``due`` if there is a limit."""
    require_state(progress, QuestState.OFFERED)
    return progress.moved(state=QuestState.ACTIVE, due=due)


def ended(progress: QuestProgress, state: QuestState) -> QuestProgress:
    """The quest ends for a reason that is not an act."""
    require_state(progress, QuestState.DESIGNING, QuestState.OFFERED, QuestState.ACTIVE)
    return progress.moved(state=state)


def broken(progress: QuestProgress) -> QuestProgress:
    """The process itself failed, and waits for ops.

    It takes no revision: what is done once the cause is repaired takes the next one.
    """
    return progress.model_copy(update={"state": QuestState.BROKEN})


def abandoned(plan: QuestPlan, progress: QuestProgress) -> QuestProgress:
    """The player refuses the offer or gives the quest up.

    Raises ``Refusal`` if the quest is neither offered nor active, or is about to end by itself.
    """
    require_state(progress, QuestState.OFFERED, QuestState.ACTIVE)
    require_undecided(plan, progress)
    return progress.moved(state=QuestState.ABANDONED)


def progressed(
    plan: QuestPlan, progress: QuestProgress, objective_id: str, amount: int
) -> QuestProgress:
    """The player worked on an objective. What exceeds the required count is not counted.

    Raises ``Refusal`` if the quest is not active, or the objective is unknown, closed or done.
    """
    objective = open_objective(plan, progress, objective_id)
    if objective.kind is ObjectiveKind.CHOOSE:
        raise Refusal(RefusalCode.NOT_BY_PROGRESS, "this objective is done by a choice")
    before = progress.done.get(objective_id, 0)
    after = min(objective.required, before + amount)
    return progress.moved(done={**progress.done, objective_id: after})


def counted(
    plan: QuestPlan, before: QuestProgress, after: QuestProgress, objective_id: str
) -> Counted:
    """What an act counted that led from one progress to another by an objective."""
    done = after.done[objective_id]
    return Counted(
        amount=done - before.done.get(objective_id, 0),
        done=done,
        required=plan.objective(objective_id).required,
    )


def chose(plan: QuestPlan, progress: QuestProgress, choice_id: str) -> QuestProgress:
    """The player chose. Every open objective of the kind ``choose`` is done by it.

    A choice that fails the quest leaves it active: ``is_lost`` then says that it is to end.
    Raises ``Refusal`` if the quest is not active, the choice is unknown, not open yet or made.
    """
    require_state(progress, QuestState.ACTIVE)
    require_undecided(plan, progress)
    plan.choice(choice_id)
    if progress.chosen is not None:
        raise Refusal(RefusalCode.ALREADY_CHOSEN, f"the player has chosen {progress.chosen!r}")
    done = dict(progress.done)
    waiting = [o for o in plan.objectives if o.kind is ObjectiveKind.CHOOSE]
    for objective in waiting:
        open_objective(plan, progress, objective.objective_id)
        done[objective.objective_id] = objective.required
    return progress.moved(done=done, chosen=choice_id)


def open_objective(plan: QuestPlan, progress: QuestProgress, objective_id: str) -> Objective:
    """The objective, if it can be worked on now. Raises ``Refusal`` if it cannot."""
    require_state(progress, QuestState.ACTIVE)
    require_undecided(plan, progress)
    objective = plan.objective(objective_id)
    if objective.branch is not None and objective.branch != progress.chosen:
        raise Refusal(RefusalCode.OBJECTIVE_CLOSED, "this objective belongs to another choice")
    for earlier in objective.after:
        if not is_done(plan.objective(earlier), progress):
            raise Refusal(RefusalCode.OBJECTIVE_CLOSED, f"{earlier!r} must be done first")
    if is_done(objective, progress):
        raise Refusal(RefusalCode.OBJECTIVE_DONE, "this objective is done")
    return objective


def is_done(objective: Objective, progress: QuestProgress) -> bool:
    """Whether the objective's count is reached."""
    return progress.done.get(objective.objective_id, 0) >= objective.required


def is_fulfilled(plan: QuestPlan, progress: QuestProgress) -> bool:
    """Whether every objective that counts on the player's way is done, and the way is not lost."""
    return not is_lost(plan, progress) and all(
        is_done(objective, progress)
        for objective in plan.objectives
        if objective.branch is None or objective.branch == progress.chosen
    )


def is_lost(plan: QuestPlan, progress: QuestProgress) -> bool:
    """Whether the player took a choice that fails the quest."""
    if progress.chosen is None:
        return False
    return plan.choice(progress.chosen).outcome is ChoiceOutcome.FAIL


def first_answer(plan: QuestPlan, taken: QuestProgress, now: QuestProgress) -> QuestProgress:
    """What an act was answered with: its own progress or, if it ended the quest, the end."""
    ends = is_lost(plan, taken) or is_fulfilled(plan, taken)
    return now if ends and now.revision > taken.revision else taken


def require_state(progress: QuestProgress, *allowed: QuestState) -> None:
    """Raise ``Refusal`` unless the quest is in one of the states."""
    if progress.state not in allowed:
        raise Refusal(
            RefusalCode.WRONG_STATE,
            f"the quest is {progress.state}; this needs {' or '.join(allowed)}",
        )


def require_undecided(plan: QuestPlan, progress: QuestProgress) -> None:
    """Raise ``Refusal`` if an act has decided the quest: it is paid or lost, and takes no more."""
    if is_lost(plan, progress) or is_fulfilled(plan, progress):
        raise Refusal(RefusalCode.WRONG_STATE, "the quest is ending; it takes no more acts")


def _within(hour: int, span: tuple[int, int]) -> bool:
    start, end = span
    return start <= hour < end if start <= end else hour >= start or hour < end
