"""One story through the public API: an arc, its quest, what follows from it, and a purchase."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule

from loreloom.domain.canon import Telling
from loreloom.domain.quest import ObjectiveKind
from loreloom.domain.weather import Weather
from loreloom.workers.client import ApiClient, Json
from loreloom.workers.demo_purchase import buy

ARC = "a-first-errand"
GOOD_END = "on-the-books"
ATTEMPTS = 5
INDENT = (0, 0, 0, 2)
SKIES: Mapping[Weather, str] = {
    Weather.CLEAR: "a clear sky",
    Weather.PARTLY_CLOUDY: "a broken sky",
    Weather.CLOUDY: "a grey sky",
    Weather.RAIN: "rain",
    Weather.HEAVY_RAIN: "heavy rain",
    Weather.STORM: "a storm",
    Weather.FOG: "fog",
    Weather.MIST: "mist",
    Weather.SNOW: "snow",
    Weather.HEAVY_SNOW: "heavy snow",
    Weather.BLIZZARD: "a blizzard",
    Weather.WINDY: "a hard wind",
    Weather.EXTREME_HEAT: "a great heat",
    Weather.EXTREME_COLD: "a bitter cold",
}
"""Each weather as a story says what is over a place."""
DEEDS: Mapping[ObjectiveKind, str] = {
    ObjectiveKind.DEFEAT: "defeats {target}",
    ObjectiveKind.COLLECT: "collects {target}",
    ObjectiveKind.DELIVER: "delivers {target}",
    ObjectiveKind.TALK: "talks to {target}",
    ObjectiveKind.REACH: "reaches {target}",
    ObjectiveKind.ESCORT: "leads {target}",
    ObjectiveKind.SURVIVE: "holds out in {target}",
    ObjectiveKind.CHOOSE: "chooses “{target}”",
}
"""Each kind of objective as a story says that it was done."""


class DemoFailed(Exception):
    """The demo's story did not come to its end."""


def play(api: ApiClient, console: Console, lore: Path, ingest: Callable[[Path], None]) -> Json:
    """Ingest the lore, play the quest of an arc and print it; returns the quest as it ended.

    Raises ``DemoFailed`` unless it was completed, its reward granted, its epilogue told, and the
    arc went on from it to its good end.
    """
    console.print(Rule("The canon"))
    ingest(lore)
    world = api.post("/v1/worlds", {"name": "Tarrowmouth", "seed": 412})
    player = api.post(
        f"/v1/worlds/{world['world_id']}/players",
        {"player_id": "broker", "name": "The broker", "level": 3},
    )
    _tell_moment(api, console, world["world_id"])
    console.print(Rule("The offer"))
    arc = api.post(
        f"/v1/worlds/{world['world_id']}/arcs", {"arc": ARC, "player_id": player["player_id"]}
    )
    ended = tell_quest(api, console, _offer(api, console, arc["arc_id"]))
    _tell_what_follows(api, console, arc["arc_id"])
    buy(api, console, world["world_id"], player["player_id"])
    return ended


def tell_quest(api: ApiClient, console: Console, quest: Json) -> Json:
    """Print a quest that is offered, each act as it is played, and the end; returns it ended.

    Raises ``DemoFailed`` unless it was completed and its reward granted.
    """
    _tell_offer(api, console, quest)
    console.print(Rule("The play"))
    _play(api, console, quest)
    ended = api.wait(
        f"/v1/quests/{quest['quest_id']}",
        lambda found: found["texts"]["epilogue"] is not None,
        "the epilogue",
    )
    if ended["state"] != "completed" or not ended["rewards_granted"]:
        raise DemoFailed(f"the quest ended {ended['state']}")
    _tell_end(api, console, ended)
    return ended


def _tell_moment(api: ApiClient, console: Console, world_id: str) -> None:
    """The hour and the weather of a world that goes on while the quest is played."""
    world = api.get(f"/v1/worlds/{world_id}")
    time = world["game_time"]
    console.print(f"\n{world['name']}, {time['season']}, {time['hour']:02}:{time['minute']:02}:")
    for region, weather in world["weather"].items():
        console.print(f"  {region}: {weather['state'].replace('_', ' ')}", style="dim")


def _moment(api: ApiClient, quest: Json) -> str:
    """The hour and the sky where a quest plays, as a sentence of its story begins.

    A quest that plays nowhere in particular has the sky of the world's first region.
    """
    world = api.get(f"/v1/worlds/{quest['world_id']}")
    hour, weather = _hour(world["game_time"]), world["weather"]
    region = quest["region"] or next(iter(weather), None)
    if region is None:
        return hour
    return f"{hour}, with {SKIES[Weather(weather[region]['state'])]} over {region}"


def _hour(time: Json) -> str:
    return f"At {time['hour']:02}:{time['minute']:02}"


def _offer(api: ApiClient, console: Console, arc_id: str) -> Json:
    """The arc's quest, once one can be played at once; one that must wait for an hour is declined.

    A quest that is declined leads the arc to ask for another.
    """
    declined: set[str] = set()
    for _ in range(ATTEMPTS):
        console.print("Somebody is looking for a broker …", style="dim")
        arc = api.wait(
            f"/v1/arcs/{arc_id}",
            lambda found: _asked(found) not in (None, *declined),
            "the arc's quest",
        )
        path = f"/v1/quests/{_asked(arc)}"
        quest = api.wait(path, lambda found: found["state"] != "designing", "the design")
        if quest["state"] != "offered":
            raise DemoFailed(f"the quest is {quest['state']}")
        if not any(objective["condition"] for objective in quest["objectives"]):
            return quest
        console.print(f"“{quest['title']}” must wait for its hour; the broker declines.")
        api.post(f"{path}/abandon")
        declined.add(quest["quest_id"])
    raise DemoFailed(f"none of {ATTEMPTS} offers could be played at once")


def _asked(arc: Json) -> str | None:
    """The quest that the arc asked for last."""
    asked = [step["quest_id"] for step in arc["way"] if step["quest_id"] is not None]
    return asked[-1] if asked else None


def _tell_offer(api: ApiClient, console: Console, quest: Json) -> None:
    console.print(f"[bold]{quest['title']}[/bold]")
    console.print(Padding(quest["summary"], INDENT))
    console.print(f"\n{_moment(api, quest)}, {quest['giver']} asks:")
    console.print(Padding(f"“{quest['texts']['offer']}”\n", INDENT))
    for objective in quest["objectives"]:
        console.print(f"  • {objective['text']} [dim]({objective['kind']})[/dim]")
    if quest["source"] == "generated":
        console.print(f"\nwritten by the {quest['tier']} tier", style="dim")
    else:
        console.print("\nfrom a template, since no model served", style="dim")
    console.print("It rests on:", style="dim")
    for citation in quest["citations"]:
        mark = " (a rumour)" if citation["telling"] == Telling.RUMOUR else ""
        console.print(f"  {citation['document']} — {citation['heading']}{mark}", style="dim")
    _show_passage(api, console, quest["citations"])


def _show_passage(api: ApiClient, console: Console, citations: Sequence[Json]) -> None:
    if not citations:
        return
    first = citations[0]
    hits = api.get("/v1/lore/search", q=first["heading"], document=first["document"])["hits"]
    for hit in hits:
        if hit["passage_id"] == first["passage_id"]:
            console.print(Padding(f"“{hit['text'][:280]} …”", (0, 0, 0, 4)), style="dim italic")


def _play(api: ApiClient, console: Console, quest: Json) -> None:
    path = f"/v1/quests/{quest['quest_id']}"

    def say(did: str, standing: Json) -> None:
        moment = _moment(api, quest)
        console.print(f"  {moment}, the broker {did} [dim]→ {standing['state']}[/dim]")

    say("accepts", api.post(f"{path}/accept"))
    for number, objective in enumerate(_in_order(quest["objectives"])):
        if objective["kind"] == "choose":
            choice = quest["choices"][0]
            body = {"action_id": f"demo-{number}", "choice_id": choice["choice_id"]}
            say(
                DEEDS[ObjectiveKind.CHOOSE].format(target=choice["text"]),
                api.post(f"{path}/choose", body),
            )
        elif objective["branch"] in (None, _first_choice(quest)):
            body = {
                "action_id": f"demo-{number}",
                "objective_id": objective["objective_id"],
                "amount": objective["required"],
            }
            say(_deed(objective), api.post(f"{path}/progress", body))


def _deed(objective: Json) -> str:
    """An objective that is met at once, as the story says it; what is done often says how often."""
    deed = DEEDS[ObjectiveKind(objective["kind"])].format(target=objective["target"])
    to = f" to {objective['to']}" if objective["to"] is not None else ""
    times = f", {objective['required']} times" if objective["required"] > 1 else ""
    return deed + to + times


def _in_order(objectives: Sequence[Json]) -> list[Json]:
    """What belongs to every way, then the choice, then what belongs to the chosen way."""
    return sorted(objectives, key=lambda o: (o["branch"] is not None, o["kind"] == "choose"))


def _first_choice(quest: Json) -> Any:
    return quest["choices"][0]["choice_id"] if quest["choices"] else None


def _tell_end(api: ApiClient, console: Console, quest: Json) -> None:
    rewards = quest["rewards"]
    console.print(Rule("The epilogue"))
    console.print(f"{_moment(api, quest)}, it is over.")
    console.print(Padding(quest["texts"]["epilogue"], INDENT))
    items = ", ".join(f"{item} × {count}" for item, count in rewards["items"].items())
    standing = ", ".join(f"{name} {change:+}" for name, change in rewards["standing"].items())
    console.print(
        f"\nReward: {rewards['experience']} experience, {rewards['coin']} coin"
        + (f", {items}" if items else "")
        + (f"; standing {standing}" if standing else "")
    )
    steps = api.get(f"/v1/quests/{quest['quest_id']}/history")["steps"]
    console.print(f"{len(steps)} steps are kept: each text with its prompt and its passages.")


def _tell_what_follows(api: ApiClient, console: Console, arc_id: str) -> None:
    """The beats after the quest, why each was taken, and what they told."""
    arc = api.wait(f"/v1/arcs/{arc_id}", lambda found: found["state"] != "running", "the arc's end")
    if arc["outcome"] != GOOD_END:
        raise DemoFailed(f"the arc is {arc['state']} at {arc['beat']}")
    console.print(Rule(f"What follows: {arc['title']}"))
    entries = api.pages(f"/v1/worlds/{arc['world_id']}/chronicle", player_id=arc["player_id"])
    told = {e["data"]["seq"]: e["data"] for e in entries if e["kind"] == "arc.told"}
    for step in _after_the_quest(arc["way"]):
        held = f": {'; '.join(step['reason']['held'])}" if step["reason"]["held"] else ""
        hour = _hour(step["game_time"])
        console.print(f"  {hour}, {step['beat']} [dim]({step['reason']['words']}{held})[/dim]")
        if step["seq"] in told:
            console.print(Padding(told[step["seq"]]["text"], INDENT))


def _after_the_quest(way: Sequence[Json]) -> list[Json]:
    """The beats that were entered after the quest that was asked for last, and its wait."""
    last = max(step["seq"] for step in way if step["quest_id"] is not None)
    return [step for step in way if step["seq"] > last + 1]
