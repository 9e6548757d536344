"""`loreloom quest`: ask for a quest, look at it, act on it; check templates before they serve."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from loreloom.domain.quest import Difficulty, QuestKind, QuestState
from loreloom.workers.client import Json
from loreloom.workers.commands.output import (
    AsJson,
    calling,
    given_settings,
    reading_content,
    show,
)

quest = typer.Typer(help="Quests: ask for one, look, act; check templates.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(quest, name="quest")


@quest.command()
def new(
    world: str,
    player: str,
    kind: Annotated[QuestKind, typer.Option(help="What kind of quest.")] = QuestKind.SIDE,
    difficulty: Annotated[
        Difficulty, typer.Option(help="How hard; the rules set counts and rewards by it.")
    ] = Difficulty.NORMAL,
    theme: Annotated[str | None, typer.Option(help="What it should be about.")] = None,
    giver: Annotated[str | None, typer.Option(help="A person of the canon.")] = None,
    region: Annotated[str | None, typer.Option(help="A region of the world.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask for a quest and wait until it is designed."""
    wish = {"kind": kind, "difficulty": difficulty, "theme": theme, "giver": giver}
    body = {"player_id": player, "region": region, **wish}
    with calling() as api:
        asked = api.post(
            f"/v1/worlds/{world}/quests", {k: v for k, v in body.items() if v is not None}
        )
        path = f"/v1/quests/{asked['quest_id']}"
        show(api.wait(path, lambda q: q["state"] != "designing", "the design"), as_json, _lines)


@quest.command("list")
def list_quests(
    world: str,
    player: Annotated[str | None, typer.Option(help="Only of this player.")] = None,
    state: Annotated[QuestState | None, typer.Option(help="Only in this state.")] = None,
    kind: Annotated[QuestKind | None, typer.Option(help="Only of this kind.")] = None,
    region: Annotated[str | None, typer.Option(help="Only in this region.")] = None,
    entity: Annotated[str | None, typer.Option(help="Only what is about this name.")] = None,
    since: Annotated[str | None, typer.Option(help="Asked for then or later, as RFC 3339.")] = None,
    until: Annotated[str | None, typer.Option(help="Asked for before, as RFC 3339.")] = None,
    as_json: AsJson = False,
) -> None:
    """List a world's quests, oldest first."""
    wanted = {
        "player_id": player,
        "state": state,
        "kind": kind,
        "region": region,
        "entity": entity,
        "since": since,
        "until": until,
    }
    with calling() as api:
        found = list(api.pages(f"/v1/worlds/{world}/quests", **wanted))
    show(found, as_json, lambda quests: [_line(quest) for quest in quests] or ["no quests"])


@quest.command()
def look(quest_id: str, as_json: AsJson = False) -> None:
    """Show a quest."""
    with calling() as api:
        show(api.get(f"/v1/quests/{quest_id}"), as_json, _lines)


@quest.command()
def history(quest_id: str, as_json: AsJson = False) -> None:
    """Show a quest's story step by step, with what each text rests on."""
    with calling() as api:
        found = api.get(f"/v1/quests/{quest_id}/history")
    show(found, as_json, lambda story: [_step(step) for step in story["steps"]])


@quest.command()
def accept(quest_id: str, as_json: AsJson = False) -> None:
    """Accept an offer."""
    _act(quest_id, "accept", None, as_json)


@quest.command()
def abandon(quest_id: str, as_json: AsJson = False) -> None:
    """Refuse an offer, or give a quest up."""
    _act(quest_id, "abandon", None, as_json)


@quest.command()
def progress(
    quest_id: str,
    action_id: str,
    objective_id: str,
    amount: Annotated[int, typer.Option(help="How often it was done.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Work on an objective. The action id is yours: a repeat of it counts once."""
    body = {"action_id": action_id, "objective_id": objective_id, "amount": amount}
    _act(quest_id, "progress", body, as_json)


@quest.command()
def choose(quest_id: str, action_id: str, choice_id: str, as_json: AsJson = False) -> None:
    """Choose a way. The action id is yours: a repeat of it counts once."""
    _act(quest_id, "choose", {"action_id": action_id, "choice_id": choice_id}, as_json)


@quest.command("check")
def check_command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(exists=True, help="Templates, or folders of them; else the content's."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find what is wrong in quest templates: names, facts, conditions that cannot hold, prose.

    Needs no server: templates are held against the rest of the content folder, and tried with the
    canon's people. Of a folder it says which kinds of quest have no template that always serves.
    Exit 1 if anything is found.
    """
    # Imported here because it takes half a second, which no other command need wait for.
    from loreloom.content.template_surroundings import (
        check_folder,
        check_templates,
        templates_at,
    )

    settings = given_settings()
    checked = paths or [settings.quest_templates]
    files = templates_at(checked)
    with reading_content():
        found = check_templates(files, settings.content_folder)
    for folder in (path for path in checked if not path.is_file()):
        found[folder] = list(check_folder(folder))
    findings = [
        {"file": str(file), "where": one.field, "message": one.message, "code": one.code}
        for file, of_file in found.items()
        for one in of_file
    ]
    show({"files": len(files), "findings": findings}, as_json, _findings)
    if findings:
        raise typer.Exit(1)


def _findings(answer: Json) -> Iterable[str]:
    for one in answer["findings"]:
        where = f"{one['where']}: " if one["where"] else ""
        yield f"{one['file']}: {where}{one['message']} ({one['code']})"
    yield f"{answer['files']} files, {len(answer['findings'])} findings"


def _act(quest_id: str, act: str, body: dict[str, Any] | None, as_json: bool) -> None:
    with calling() as api:
        answer = api.post(f"/v1/quests/{quest_id}/{act}", body)
    show(answer, as_json, lambda standing: [_standing(standing)])


def _lines(quest: dict[str, Any]) -> list[str]:
    lines = [_line(quest)]
    if not quest["title"]:
        return lines
    lines += ["", quest["summary"], "", f"{quest['giver']}: “{quest['texts']['offer']}”", ""]
    lines += [_objective(objective) for objective in quest["objectives"]]
    lines += [f"  · {choice['choice_id']}: {choice['text']}" for choice in quest["choices"] or ()]
    if quest["texts"]["epilogue"]:
        lines += ["", quest["texts"]["epilogue"]]
    return lines


def _line(quest: dict[str, Any]) -> str:
    return f"{quest['quest_id']}  {quest['state']:<10} {quest['title'] or 'being designed'}"


def _objective(objective: dict[str, Any]) -> str:
    count = f"{objective['done']}/{objective['required']}"
    return f"  {objective['objective_id']} [{count}] {objective['text']}"


def _standing(standing: dict[str, Any]) -> str:
    counts = ", ".join(
        f"{o['objective_id']} {o['done']}/{o['required']}" for o in standing["objectives"]
    )
    return f"{standing['state']}: {counts}"


def _step(step: dict[str, Any]) -> str:
    time = step["game_time"]
    when = f"{time['season']} {time['day']}, {time['hour']:02}:{time['minute']:02}"
    made = f"  {step['generation']['generation_id']}" if step["generation"] else ""
    return f"{step['at'][:19]}  {when:<18} {step['caused_by']:<8} {step['told']}{made}"
