"""One quest from offer to epilogue through the public API, told as a story."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule

from loreloom.workers.client import ApiClient, Json

ATTEMPTS = 5
INDENT = (0, 0, 0, 2)


class DemoFailed(Exception):
    """The demo's quest did not come to its end."""


def play(api: ApiClient, console: Console, lore: Path, ingest: Callable[[Path], None]) -> Json:
    """Ingest the lore, play one quest and print it; returns the quest as it ended.

    Raises ``DemoFailed`` unless it was completed, its reward granted and its epilogue told.
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
    quest = _offer(api, console, world["world_id"], player["player_id"])
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


def _offer(api: ApiClient, console: Console, world_id: str, player_id: str) -> Json:
    """A quest that can be played at once; one that must wait for an hour is declined."""
    for _ in range(ATTEMPTS):
        console.print("Somebody is looking for a broker …", style="dim")
        theme = "something that was lost between the two cities"
        asked = api.post(
            f"/v1/worlds/{world_id}/quests",
            {"player_id": player_id, "kind": "side", "theme": theme},
        )
        path = f"/v1/quests/{asked['quest_id']}"
        quest = api.wait(path, lambda found: found["state"] != "designing", "the design")
        if quest["state"] != "offered":
            raise DemoFailed(f"the quest is {quest['state']}")
        if not any(objective["condition"] for objective in quest["objectives"]):
            return quest
        console.print(f"“{quest['title']}” must wait for its hour; the broker declines.")
        api.post(f"{path}/abandon")
    raise DemoFailed(f"none of {ATTEMPTS} offers could be played at once")


def _tell_offer(api: ApiClient, console: Console, quest: Json) -> None:
    console.print(f"[bold]{quest['title']}[/bold]")
    console.print(Padding(quest["summary"], INDENT))
    console.print(f"\n{quest['giver']}: “{quest['texts']['offer']}”\n")
    for objective in quest["objectives"]:
        console.print(f"  • {objective['text']} [dim]({objective['kind']})[/dim]")
    if quest["source"] == "generated":
        console.print(f"\nwritten by the {quest['tier']} tier", style="dim")
    else:
        console.print("\nfrom a template, since no model served", style="dim")
    console.print("It rests on:", style="dim")
    for citation in quest["citations"]:
        console.print(f"  {citation['document']} — {citation['heading']}", style="dim")
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
    _say(console, "accepts", api.post(f"{path}/accept"))
    for number, objective in enumerate(_in_order(quest["objectives"])):
        if objective["kind"] == "choose":
            choice = quest["choices"][0]
            body = {"action_id": f"demo-{number}", "choice_id": choice["choice_id"]}
            _say(console, f"chooses: {choice['text']}", api.post(f"{path}/choose", body))
        elif objective["branch"] in (None, _first_choice(quest)):
            body = {
                "action_id": f"demo-{number}",
                "objective_id": objective["objective_id"],
                "amount": objective["required"],
            }
            did = f"{objective['kind']}: {objective['target']} × {objective['required']}"
            _say(console, did, api.post(f"{path}/progress", body))


def _in_order(objectives: Sequence[Json]) -> list[Json]:
    """What belongs to every way, then the choice, then what belongs to the chosen way."""
    return sorted(objectives, key=lambda o: (o["branch"] is not None, o["kind"] == "choose"))


def _first_choice(quest: Json) -> Any:
    return quest["choices"][0]["choice_id"] if quest["choices"] else None


def _say(console: Console, did: str, standing: Json) -> None:
    console.print(f"  The broker {did} [dim]→ {standing['state']}[/dim]")


def _tell_end(api: ApiClient, console: Console, quest: Json) -> None:
    rewards = quest["rewards"]
    console.print(Rule("The epilogue"))
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
