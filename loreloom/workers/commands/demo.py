"""`loreloom demo`: an arc and its quest on a stack of their own, told as a story."""

from pathlib import Path

import typer
from rich.console import Console

from loreloom.workers.client import ApiClient, ApiProblem, ApiUnreachable
from loreloom.workers.commands.knowledge import ingest_paths
from loreloom.workers.commands.stack import running_stack
from loreloom.workers.demo import DemoFailed, play


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(demo)


def demo() -> None:
    """Play an arc and its quest to their ends, printed as a story; leaves nothing running."""
    console = Console(highlight=False, soft_wrap=False)

    def say(text: str) -> None:
        console.print(text, style="dim", markup=False, soft_wrap=True)

    with running_stack(say) as stack:
        settings = stack.settings
        try:
            with ApiClient.of(settings) as api:

                def ingest(folder: Path) -> None:
                    ingest_paths(api, [folder], console)

                quest = play(api, console, settings.content_folder / "lore", ingest)
        except (DemoFailed, ApiProblem, ApiUnreachable, TimeoutError) as failure:
            console.print(f"the demo failed: {failure}; logs are in {settings.logs}")
            raise typer.Exit(1) from failure
        console.print(
            "To look at it: `make up`, then `loreloom quest history"
            f" {quest['quest_id']}`, or workflow {quest['workflow_id']} in Temporal's UI.",
            soft_wrap=True,
        )
