"""What an arc writes down, looks up and changes in its world."""

from collections.abc import Callable, Mapping, Sequence

from temporalio import activity
from temporalio.client import Client

from loreloom.activities.errors import broken, broken_if_refused
from loreloom.activities.signatures.arc import (
    Acting,
    ArcRef,
    ArcSteps,
    Asked,
    Asking,
    Changing,
    Choosing,
    Chosen,
    Closing,
    Entered,
    Entering,
    Looking,
    Moving,
    Opening,
    QuestEnded,
    Seen,
    Stopping,
    Tally,
    Telling,
)
from loreloom.activities.signatures.quest import QuestRef
from loreloom.activities.stirring import stir
from loreloom.domain import arc_wait
from loreloom.domain.arc import ImposeWeather, QuestBeat
from loreloom.domain.conditions import Situation, When, earliest, earliest_under
from loreloom.domain.ids import PlayerId, QuestId, WorldId, weather_workflow_id
from loreloom.domain.living.content import NO_LIFE, LifeContent
from loreloom.domain.living.memories import Deed
from loreloom.domain.living.shifts import CannotShift
from loreloom.domain.quest import QuestKind
from loreloom.state import (
    arc_news,
    arc_steps,
    arcs,
    contributions,
    players,
    quests,
    weather,
    worlds,
)
from loreloom.state.arc_steps import Change, OfArc, Words
from loreloom.state.facts import facts_of
from loreloom.state.life import Shift
from loreloom.state.memories import ArcMemories
from loreloom.state.quests import ENDED, QuestRequest
from loreloom.state.store import Store
from loreloom.state.worlds import WorldRecord


class ArcActivities(ArcSteps):
    """The steps of an arc. ``kinds`` says of which kind each quest template is now, by its name,
    and ``life`` is the content of what lives by itself."""

    def __init__(
        self,
        store: Store,
        client: Client,
        kinds: Callable[[], Mapping[str, QuestKind]],
        life: LifeContent = NO_LIFE,
    ) -> None:
        self._store = store
        self._client = client
        self._kinds = kinds
        self._life = life

    def all(self) -> list[Callable[..., object]]:
        """Every activity of this class."""
        return [
            self.enter,
            self.look,
            self.ask_quest,
            self.change,
            self.tell,
            self.open_goal,
            self.close_goal,
            self.choose,
            self.move,
            self.stop,
        ]

    @activity.defn(name="arc_enter")
    async def enter(self, step: Entering) -> Entered:
        world = await self._world(step.arc.world_id)
        entry = arc_steps.BeatEntry(
            **step.arc.model_dump(),
            **step.model_dump(exclude={"arc", "reason"}),
            reason=step.reason,
            game_seconds=world.clock.game_seconds(step.at),
        )
        with broken_if_refused():
            written = await arc_steps.enter(self._store, entry)
        definition = None
        if written.digest != step.digest:
            definition = await arcs.find_definition(self._store, written.digest)
        return Entered(
            beat=written.beat,
            game_seconds=written.game_seconds,
            choice=written.choice,
            definition=definition,
        )

    @activity.defn(name="arc_look")
    async def look(self, where: Looking) -> Seen:
        # Before anything is read: what changes from here on is news to the arc.
        await arc_news.begin_look(self._store, where.arc.arc_id, arc_wait.news_for(where.awaited))
        world = await self._world(where.arc.world_id)
        seconds = world.clock.game_seconds(where.at)
        timely = [_earliest(when, world, seconds) for when in where.awaited]
        return Seen(
            now=await self._situation(world, where.arc, where.asked, seconds),
            game_seconds=seconds,
            clock=world.clock,
            quest=await self._end_of(where.quest_id),
            not_before=min(timely, default=None),
            after_that=min((moment for moment in timely if moment > seconds), default=None),
        )

    @activity.defn(name="arc_ask_quest")
    async def ask_quest(self, step: Asking) -> Asked:
        player_id = step.arc.player_id
        if player_id is None:
            raise broken("a shared arc starts no quest")
        quest = QuestRef(
            quest_id=QuestId(f"{step.arc.arc_id}.{step.seq}"),
            world_id=step.arc.world_id,
            player_id=player_id,
        )
        request = self._request(step.beat)
        with broken_if_refused():
            await arc_steps.ask_quest(self._store, of_arc(step), player_id, quest.quest_id, request)
        return Asked(quest=quest, kind=request.kind)

    @activity.defn(name="arc_change")
    async def change(self, step: Changing) -> None:
        wanted = step.change
        if wanted.weather is not None:
            await self._impose(step, wanted.weather)
        with broken_if_refused():
            try:
                await arc_steps.change(self._store, of_arc(step), await self._change(step))
            except CannotShift as error:
                raise broken(str(error)) from error

    @activity.defn(name="arc_tell")
    async def tell(self, step: Telling) -> None:
        with broken_if_refused():
            await arc_steps.tell(self._store, of_arc(step), Words(text=step.text))

    @activity.defn(name="arc_open_goal")
    async def open_goal(self, step: Opening) -> Tally:
        with broken_if_refused():
            return _tally(
                await contributions.open_goal(
                    self._store, of_arc(step), step.goal.name, step.goal.target
                )
            )

    @activity.defn(name="arc_close_goal")
    async def close_goal(self, step: Closing) -> Tally:
        with broken_if_refused():
            return _tally(await contributions.close_goal(self._store, of_arc(step), step.goal))

    @activity.defn(name="arc_choose")
    async def choose(self, step: Choosing) -> Chosen:
        with broken_if_refused():
            written = await arc_steps.choose(
                self._store, of_arc(step), step.action_id, step.choice_id
            )
        return Chosen(choice_id=written.choice_id, action_id=written.action_id)

    @activity.defn(name="arc_move")
    async def move(self, step: Moving) -> None:
        with broken_if_refused():
            await arc_steps.move(self._store, of_arc(step), step.definition)

    @activity.defn(name="arc_stop")
    async def stop(self, step: Stopping) -> None:
        with broken_if_refused():
            await arc_steps.stop(self._store, of_arc(step), step.state, step.reason)

    async def _change(self, step: Changing) -> Change:
        """What a beat changes in Postgres."""
        wanted, world = step.change, await self._world(step.arc.world_id)
        shift = Shift(world=world, content=self._life, factions=wanted.factions)
        return Change(
            standing=wanted.standing,
            fact=wanted.fact,
            world_fact=wanted.world_fact,
            shift=shift if wanted.factions else None,
            remembered=remembered_by(step, world, step.title, wanted.remembered),
            told=wanted.changes,
        )

    async def _world(self, world_id: WorldId) -> WorldRecord:
        world = await worlds.find_world(self._store, world_id)
        if world is None:
            raise broken(f"the world {world_id} is gone")
        return world

    async def _situation(
        self, world: WorldRecord, arc: ArcRef, asked: Sequence[When], seconds: int
    ) -> Situation:
        """What is so, and of all that only what is asked for: it goes into the history."""
        now = world.calendar.read(seconds)
        async with self._store.reading() as connection:
            facts = await facts_of(connection, world.world_id, arc.player_id or PlayerId(""))
        regions = {when.weather.region for when in asked if when.weather is not None}
        standing: dict[str, int] = {}
        if arc.player_id is not None and any(when.standing for when in asked):
            player = await players.find_player(self._store, world.world_id, arc.player_id)
            standing = player.standing if player is not None else {}
        named = {faction for when in asked for faction in when.standing}
        return Situation(
            season=now.season,
            part=now.part,
            weather={r.region: r.weather_at(seconds) for r in world.regions if r.region in regions},
            facts=facts.intersection(fact for when in asked for fact in when.named_facts),
            standing={faction: standing.get(faction, 0) for faction in sorted(named)},
        )

    async def _end_of(self, quest_id: QuestId | None) -> QuestEnded | None:
        """How a quest ended, if it has."""
        quest = await quests.find_quest(self._store, quest_id) if quest_id else None
        if quest is None or quest.progress.state not in ENDED:
            return None
        return QuestEnded(
            quest_id=quest.quest_id, state=quest.progress.state, chosen=quest.progress.chosen
        )

    def _request(self, beat: QuestBeat) -> QuestRequest:
        if beat.template is not None:
            kind = self._kinds().get(beat.template)
            if kind is None:
                raise broken(f"there is no quest template {beat.template!r}")
            return QuestRequest(kind=kind, template=beat.template)
        return QuestRequest(**beat.brief.model_dump()) if beat.brief else QuestRequest()

    async def _impose(self, step: Changing, wanted: ImposeWeather) -> None:
        """Make a weather, once by its key, and let the region's workflow see it."""
        order = weather.WeatherOrder(
            world_id=step.arc.world_id,
            region=wanted.region,
            at=step.at,
            key=of_arc(step).key("weather"),
            state=wanted.state,
            hours=wanted.hours,
            by=f"arc/{step.arc.arc_id}",
        )
        with broken_if_refused():
            made = await weather.impose_weather(self._store, order)
        if made is None:
            raise broken(f"the world has no region {wanted.region!r}")
        await stir(self._client, weather_workflow_id(step.arc.world_id, wanted.region))


def of_arc(step: Acting) -> OfArc:
    """The arc of a step, and the entry that it follows."""
    return OfArc(**step.arc.model_dump(), seq=step.seq)


def remembered_by(
    step: Acting, world: WorldRecord, title: str, deeds: dict[str, Deed]
) -> ArcMemories | None:
    """What characters remember of the arc's player, if it is the arc of one."""
    if step.arc.player_id is None:
        return None
    return ArcMemories(
        key=of_arc(step).key("remembered"),
        world_id=world.world_id,
        player_id=step.arc.player_id,
        about=title,
        deeds=deeds,
        game_seconds=world.clock.game_seconds(step.at),
    )


def _earliest(when: When, world: WorldRecord, seconds: int) -> int:
    """The first game second at which what can be computed of the conditions could hold."""
    if when.weather is not None:
        for region in world.regions:
            if region.region == when.weather.region:
                return earliest_under(when, region.sky, region.imposed, seconds)
    return earliest(when, world.calendar, seconds)


def _tally(found: contributions.Tally) -> Tally:
    return Tally.model_validate(found.model_dump(exclude={"arc_id"}))
