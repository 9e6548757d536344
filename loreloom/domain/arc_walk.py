"""Walking an arc: where it stands, which way it takes and why, and whether it may be migrated."""

from collections.abc import Sequence
from enum import StrEnum

from pydantic import Field

from loreloom.domain.arc import ArcDefinition, Beat, EndBeat, GoalBeat, WaitBeat
from loreloom.domain.arc_needs import Past, too_early
from loreloom.domain.conditions import ArcModel, Condition, Situation, judged
from loreloom.domain.ids import QuestId
from loreloom.domain.quest import QuestState
from loreloom.domain.refusals import Refusal, RefusalCode


class ArcState(StrEnum):
    """Where an arc stands. Only ``running`` goes on; ``broken`` waits for ops."""

    RUNNING = "running"
    ENDED = "ended"
    CANCELLED = "cancelled"
    BROKEN = "broken"


class NotTaken(ArcModel):
    """A way that was not taken, and why."""

    to: str
    because: tuple[str, ...]


class Reason(ArcModel):
    """Why a beat was taken: in words, with what held, and why each other way was not."""

    words: str
    held: tuple[str, ...] = ()
    others: tuple[NotTaken, ...] = ()


class Way(ArcModel):
    """The beat to go on to, and why."""

    to: str
    reason: Reason


class StartedQuest(ArcModel):
    """A quest that the arc started, and how it ended if it has."""

    quest_id: QuestId
    outcome: QuestState | None = None
    chosen: str | None = None


class ArcProgress(ArcModel):
    """Where an arc stands. ``seq`` counts the beats entered, ``entered`` is in game seconds.

    ``done`` says that what the present beat does has been done; ``quests`` are by the beat that
    started them, ``choices`` by the beat that offered them, ``goals`` by name, once they closed.
    """

    state: ArcState = ArcState.RUNNING
    seq: int = 0
    beat: str | None = None
    entered: int = 0
    done: bool = False
    total: int = 0
    quests: dict[str, StartedQuest] = Field(default_factory=dict)
    last_quest: str | None = None
    choices: dict[str, str] = Field(default_factory=dict)
    goals: dict[str, bool] = Field(default_factory=dict)

    def but(self, **changes: object) -> "ArcProgress":
        """This progress with changes."""
        return self.model_copy(update=changes)


def situated(seen: Situation, progress: ArcProgress) -> Situation:
    """What is so in the world, with what was done in the arc itself."""
    last = progress.quests.get(progress.last_quest) if progress.last_quest else None
    return seen.model_copy(
        update={
            "outcome": last.outcome if last else None,
            "quest_choice": last.chosen if last else None,
            "choices": frozenset(progress.choices.values()),
            "goals": progress.goals,
        }
    )


def quest_started(progress: ArcProgress, quest_id: QuestId) -> ArcProgress:
    """The progress with the quest of the present beat, which has done what it does."""
    started = {progress.beat: StartedQuest(quest_id=quest_id)} if progress.beat else {}
    return progress.but(quests={**progress.quests, **started}, done=True)


def quest_ended(
    progress: ArcProgress, quest_id: QuestId, outcome: QuestState, chosen: str | None
) -> ArcProgress:
    """The progress with the end of a quest of its; of any other quest, unchanged."""
    for beat, quest in progress.quests.items():
        if quest.quest_id == quest_id and quest.outcome is None:
            ended = quest.model_copy(update={"outcome": outcome, "chosen": chosen})
            return progress.but(quests={**progress.quests, beat: ended}, last_quest=beat)
    return progress


def way_on(beat: Beat, now: Situation) -> Way | None:
    """The way to take among those that are open, and why; ``None`` if none is.

    The highest priority wins, then the most specific (of whose conditions the most had to hold),
    then the first.
    """
    judgements = [judged(edge.when, now) for edge in beat.next]
    open_ways = [n for n, found in enumerate(judgements) if all(c.holds for c in found)]
    if not open_ways:
        return None
    best = min(open_ways, key=lambda n: (-beat.next[n].priority, -len(judgements[n]), n))
    taken = beat.next[best]
    others = []
    for number, edge in enumerate(beat.next):
        if number == best:
            continue
        unmet = tuple(c.words for c in judgements[number] if not c.holds)
        others.append(
            NotTaken(to=edge.to, because=unmet or (_outdone(beat, best, number, judgements),))
        )
    held = tuple(c.words for c in judgements[best])
    words = _why(len(open_ways), taken.priority, len(held))
    return Way(to=taken.to, reason=Reason(words=words, held=held, others=tuple(others)))


def _why(open_ways: int, priority: int, conditions: int) -> str:
    if open_ways == 1:
        return "the only way that was open"
    held = "1 condition" if conditions == 1 else f"{conditions} conditions"
    return f"first of {open_ways} open ways: priority {priority}, {held} held"


def _outdone(beat: Beat, best: int, other: int, judgements: Sequence[tuple[Condition, ...]]) -> str:
    if beat.next[other].priority < beat.next[best].priority:
        return f"open, but its priority is {beat.next[other].priority}"
    if len(judgements[other]) < len(judgements[best]):
        return f"open, but less specific: {len(judgements[other])} conditions"
    return "open, but named later"


def chosen(beat_id: str, beat: Beat, progress: ArcProgress, choice_id: str) -> ArcProgress:
    """The progress with a choice made. Raises ``Refusal`` if it is not on offer."""
    require_running(progress)
    if not isinstance(beat, WaitBeat) or beat.until.choice is None:
        raise Refusal(RefusalCode.WRONG_STATE, f"the arc is at {beat_id!r}, which offers no choice")
    if beat_id in progress.choices and progress.done:
        raise Refusal(RefusalCode.ALREADY_CHOSEN, f"{progress.choices[beat_id]!r} was chosen")
    if all(choice.choice_id != choice_id for choice in beat.until.choice):
        raise Refusal(RefusalCode.UNKNOWN_CHOICE, f"{beat_id!r} offers no choice {choice_id!r}")
    return progress.but(choices={**progress.choices, beat_id: choice_id}, done=True)


def require_running(progress: ArcProgress) -> None:
    """Raise ``Refusal`` unless the arc runs."""
    if progress.state is not ArcState.RUNNING:
        raise Refusal(RefusalCode.WRONG_STATE, f"the arc is {progress.state}; it takes no acts")


def past_of(progress: ArcProgress) -> Past:
    """What the arc has done."""
    return Past(
        quests=frozenset(progress.quests),
        choices=frozenset(progress.choices.values()),
        goals=frozenset(progress.goals),
        answered=progress.done and progress.beat in progress.choices,
    )


def require_migratable(
    old: ArcDefinition, new: ArcDefinition, beat_id: str | None, past: Past
) -> None:
    """Raise ``Refusal`` unless an arc that stands at that beat can go on by the new definition,
    at that beat and at every one that it can come to."""
    require_its_beat(old, new, beat_id, past)
    if new.canon != old.canon:
        reason = f"it tells of the canon {old.canon!r}, and the new definition of {new.canon!r}"
        raise Refusal(RefusalCode.CANNOT_MIGRATE, reason)
    for stuck in too_early(new, new.start if beat_id is None else beat_id, past):
        reason = f"it would never leave {stuck.beat!r}: {stuck.words}"
        raise Refusal(RefusalCode.CANNOT_MIGRATE, reason)


def require_its_beat(
    old: ArcDefinition, new: ArcDefinition, beat_id: str | None, past: Past
) -> None:
    """Raise ``Refusal`` unless the new definition has the beat at which the arc stands."""
    reason = _cannot_stand(old, new, beat_id, past)
    if reason is not None:
        raise Refusal(RefusalCode.CANNOT_MIGRATE, reason)


def _cannot_stand(
    old: ArcDefinition, new: ArcDefinition, beat_id: str | None, past: Past
) -> str | None:
    if new.arc != old.arc or new.scope is not old.scope:
        return f"this is the arc {old.arc} of a {old.scope}, not {new.arc} of a {new.scope}"
    if beat_id is None:
        return None
    now, then = old.beats[beat_id], new.beats.get(beat_id)
    if then is None:
        return f"it stands at {beat_id!r}, which the new definition lacks"
    if then.kind != now.kind:
        return f"it stands at {beat_id!r}, which is no {now.kind} any more but a {then.kind}"
    if isinstance(now, GoalBeat) and isinstance(then, GoalBeat) and now.name != then.name:
        return f"it stands at the goal {now.name!r}, which is another one now"
    quest = then.until.quest if isinstance(then, WaitBeat) else None
    if quest is not None and quest not in past.quests:
        return f"{beat_id!r} waits for the quest of {quest!r}, which was not started"
    if isinstance(then, EndBeat):
        return "it is at its end"
    return None
