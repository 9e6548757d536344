"""A world as somebody watches it: its clock as it goes, its weather, and what happens."""

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from threading import Thread

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from loreloom.api.schemas.clock import CalendarBody
from loreloom.domain.calendar import HOUR, GameTime
from loreloom.domain.clock import Clock
from loreloom.workers.client import ApiClient, ApiUnreachable, Json

SHOWN = 12
"""How many events are shown, those that happened last."""
LEAST_BETWEEN_HOURS = timedelta(seconds=1)
"""How often it is read anew at most because of the hour, however fast the hours go."""
TELLING = ("title", "text", "state", "name", "fact")
"""What of an event's data says in a word what happened."""


class Follower:
    """Hears a world's chronicle after an entry, in a thread that ends with the process."""

    def __init__(self, api: ApiClient, world_id: str, after: int) -> None:
        self._heard: SimpleQueue[Json | Exception] = SimpleQueue()
        path = f"/v1/worlds/{world_id}/chronicle"
        Thread(target=self._follow, args=(api, path, after), daemon=True).start()

    def heard(self, seconds: float) -> list[Json]:
        """All that was heard since, waiting so long for the first. Raises what ended it."""
        found: list[Json] = []
        try:
            found.append(_entry(self._heard.get(timeout=seconds)))
            while True:
                found.append(_entry(self._heard.get_nowait()))
        except Empty:
            return found

    def _follow(self, api: ApiClient, path: str, after: int) -> None:
        try:
            for entry in api.follow(path, after):
                self._heard.put(entry)
        except Exception as error:
            # It is raised where somebody listens.
            self._heard.put(error)


def _entry(heard: Json | Exception) -> Json:
    if isinstance(heard, Exception):
        raise heard
    return heard


class Watched:
    """What is known of a world. It is read anew when its clock or its weather has changed, and
    when another hour of the game has begun, since temperature and wind go by the hour."""

    def __init__(self, api: ApiClient, world_id: str, now: datetime) -> None:
        self.world_id = world_id
        self._api = api
        self._path = f"/v1/worlds/{world_id}"
        self._stale = True
        self._away = False
        self._recent: deque[Json] = deque(maxlen=SHOWN)
        self._read(api.get(self._path), now)

    @property
    def head(self) -> int:
        """The newest entry of the chronicle when the world was read last."""
        head: int = self._view["chronicle_head"]
        return head

    def hear(self, entries: Sequence[Json], now: datetime) -> None:
        """Take in what happened until now."""
        self._recent.extend(entries)
        kinds = {entry["kind"] for entry in entries}
        changed = not kinds.isdisjoint({"clock.changed", "weather.changed"})
        self._stale = self._stale or changed or self._hour_is_another(now)
        if self._stale:
            self._read_again(now)

    def time(self, now: datetime) -> GameTime:
        """The game time, computed as every reader may."""
        return self._calendar.read(self._clock.game_seconds(now))

    def shown(self, now: datetime) -> RenderableType:
        """The world at a moment, as a terminal shows it."""
        return Group(self._headline(now), self._weather(), self._events())

    def _hour_is_another(self, now: datetime) -> bool:
        if now - self._read_at < LEAST_BETWEEN_HOURS:
            return False
        return self._hour(now) != self._hour(self._read_at)

    def _hour(self, now: datetime) -> int:
        return self._clock.game_seconds(now) // HOUR

    def _read_again(self, now: datetime) -> None:
        try:
            self._read(self._api.get(self._path), now)
        except ApiUnreachable:
            # Time goes on as it went; the rest is read when the API is back.
            self._away = True

    def _read(self, view: Json, now: datetime) -> None:
        self._view, self._stale, self._away = view, False, False
        self._read_at = now
        self._calendar = CalendarBody.model_validate(view["calendar"]).calendar()
        self._clock = Clock.model_validate({name: view[name] for name in Clock.model_fields})

    def _headline(self, now: datetime) -> Text:
        time = self.time(now)
        pace = "paused" if self._clock.paused else f"{self._clock.scale:g} game seconds a second"
        words = [self._view["name"], f"year {time.year}", when(time.model_dump()), time.part]
        words += [word for word in (time.holiday, time.moon) if word]
        away = "\nnothing answers; shown is what was known" if self._away else ""
        return Text.assemble((" · ".join(words), "bold"), (f"\n{pace}{away}", "dim"))

    def _weather(self) -> Table:
        table = Table("region", "weather", "°C", "wind", "humidity", "until", box=None)
        for region, here in self._view["weather"].items():
            until = here["until"]
            table.add_row(
                region,
                here["state"] + (" (made)" if here["imposed"] else ""),
                f"{here['temperature']:.0f}",
                f"{here['wind']:.0f} km/h",
                f"{here['humidity']:.0f} %",
                "further notice" if until is None else _hour(self._calendar.read(until)),
            )
        return table

    def _events(self) -> Table:
        table = Table("when", "what", "of", "", box=None)
        for entry in self._recent:
            what = next((str(entry["data"][k]) for k in TELLING if entry["data"].get(k)), "")
            table.add_row(when(entry["game_time"]), entry["kind"], entry["subject"], Text(what))
        return table


def when(time: Json) -> str:
    """A moment of game time as people say it."""
    month = time["month"]
    day = f"{month} {time['day_of_month']}" if month else f"{time['season']} {time['day']}"
    return f"{day}, {time['hour']:02}:{time['minute']:02}"


def _hour(time: GameTime) -> str:
    return f"{time.hour:02}:{time.minute:02}"
