"""`loreloom whatif`: texts asked for again with something otherwise, where no player sees it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from loreloom.workers.client import Json
from loreloom.workers.commands.output import AsJson, calling, show

whatif = typer.Typer(help="Texts asked for again, where no player sees it.", no_args_is_help=True)
PATIENCE = 900.0
"""Seconds; a set of the largest size takes as long with a slow tier."""

Instructions = Annotated[str | None, typer.Option(help="In place of the prompt's first message.")]
OfToday = Annotated[
    bool, typer.Option("--of-today", help="Make the prompt anew from today's prompt file.")
]
Tier = Annotated[str | None, typer.Option(help="gold or silver; only this one is asked.")]
Model = Annotated[str | None, typer.Option(help="By its name at the tier.")]
Temperature = Annotated[
    float | None, typer.Option(min=0, max=2, help="How freely the model picks; 0 is the likeliest.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(whatif, name="whatif")


@whatif.command()
def ask(
    generation_id: Annotated[str, typer.Argument(help="A text, as `quest history` names it.")],
    instructions: Instructions = None,
    prompt: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A YAML file of messages.")
    ] = None,
    of_today: OfToday = False,
    template: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A template's file; no model is asked."),
    ] = None,
    passage: Annotated[
        list[str] | None, typer.Option(help="Rest on this passage and those named beside it.")
    ] = None,
    tier: Tier = None,
    model: Model = None,
    temperature: Temperature = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the first try.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask for a text again, and show it beside what was said. Exit 1 if it could not be asked."""
    body = _otherwise(instructions, of_today, tier, model, temperature) | _given(
        messages=_yaml(prompt), template=_yaml(template), passages=passage, seed=seed
    )
    with calling() as api:
        made = api.post(f"/v1/generations/{generation_id}/whatif", body)
        path = f"/v1/whatifs/{made['whatif_id']}"
        seen = api.wait(path, _is_over, "the answer", PATIENCE)
    show(seen, as_json, _then_and_now)
    if seen["state"] == "failed":
        raise typer.Exit(1)


@whatif.command("set")
def ask_set(
    world: str,
    purpose: Annotated[str, typer.Option(help="quest, epilogue or telling.")] = "quest",
    since: Annotated[str | None, typer.Option(help="As RFC 3339; unset, a week ago.")] = None,
    until: Annotated[str | None, typer.Option(help="As RFC 3339; unset, now.")] = None,
    most: Annotated[int, typer.Option(min=1, max=200, help="The newest so many.")] = 50,
    instructions: Instructions = None,
    of_today: OfToday = False,
    tier: Tier = None,
    model: Model = None,
    temperature: Temperature = None,
    as_json: AsJson = False,
) -> None:
    """Ask for a world's texts again, and count what changes. Exit 1 if they could not be asked."""
    body = _given(since=since, until=until) | {
        "purpose": purpose,
        "most": most,
        "otherwise": _otherwise(instructions, of_today, tier, model, temperature),
    }
    with calling() as api:
        made = api.post(f"/v1/worlds/{world}/whatifs", body)
        path = f"/v1/whatif-sets/{made['whatif_id']}"
        seen = api.wait(path, _is_over, "the set", PATIENCE)
    show(seen, as_json, _counted)
    if seen["state"] == "failed":
        raise typer.Exit(1)


def _otherwise(
    instructions: str | None,
    of_today: bool,
    tier: str | None,
    model: str | None,
    temperature: float | None,
) -> Json:
    given = _given(instructions=instructions, tier=tier, model=model, temperature=temperature)
    return given | ({"of_today": True} if of_today else {})


def _given(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _yaml(file: Path | None) -> Any:
    """What a file holds; the API says what is wrong with it."""
    if file is None:
        return None
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise typer.BadParameter(f"{file}: {error}") from None


def _is_over(seen: Json) -> bool:
    return bool(seen["state"] != "running")


def _then_and_now(seen: Json) -> Iterable[str]:
    yield from ("then:", *(f"  {line}" for line in seen["then"]["lines"]), "now:")
    now = seen["now"]
    if now is None:
        yield f"  it could not be asked again: {seen['problem']}"
    elif now["lines"]:
        yield from (f"  {line}" for line in now["lines"])
    else:
        yield f"  no attempt was taken ({now['record']['reason']})"
    if seen["figures"] is not None:
        yield from _figures(seen["figures"]["then"], seen["figures"]["now"])


def _counted(seen: Json) -> Iterable[str]:
    if seen["problem"] is not None:
        yield f"it could not be asked again: {seen['problem']}"
    yield f"{seen['picked']} texts, {len(seen['lost'])} could not be asked again"
    yield from _figures(seen["then"], seen["now"])


def _figures(then: Json, now: Json) -> Iterable[str]:
    for name in then:
        yield f"{name.replace('_', ' '):<16} {then[name]!s:>10} {now[name]!s:>10}"
