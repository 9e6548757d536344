"""Writes `docs/cli.md` from the command line's own help, so that the two cannot differ.

``python -m loreloom.workers.cli_page`` writes it anew; a test holds the page against it.
"""

import typer.core
from typer.main import get_command

from loreloom.workers.cli import app
from loreloom.workers.settings import PROJECT

PAGE = PROJECT / "docs" / "cli.md"
HEAD = """# The command line

`make setup` puts `loreloom` into `.venv/bin`. Commands that call the API use `LORELOOM_PORT` and \
`LORELOOM_KEY`, or the keys of the stack under `LORELOOM_HOME`. What prints data takes `--json`. \
This page is written by `python -m loreloom.workers.cli_page`.
"""


def page() -> str:
    """The page as the commands say it."""
    root = get_command(app)
    assert isinstance(root, typer.core.TyperGroup)
    return "\n".join([HEAD, *_sections(root, ("loreloom",))])


def _sections(group: typer.core.TyperGroup, path: tuple[str, ...]) -> list[str]:
    lines: list[str] = []
    for name, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            lines += _sections(command, (*path, name))
            continue
        arguments = [p for p in command.params if isinstance(p, typer.core.TyperArgument)]
        usage = [_usage(argument) for argument in arguments]
        lines += [f"## `{' '.join([*path, name, *usage])}`", "", _words(command.help), ""]
        options = [o for o in command.params if isinstance(o, typer.core.TyperOption)]
        told = [f"- `{_usage(a)}` {a.help}" for a in arguments if a.help]
        told += [f"- `{', '.join(o.opts)}` {o.help}" for o in options]
        lines += [*told, ""] if told else []
    return lines


def _usage(argument: typer.core.TyperArgument) -> str:
    """An argument as a line of usage has it: in brackets if it may be left out."""
    name = (argument.name or "").upper() + ("…" if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _words(text: str | None) -> str:
    return " ".join((text or "").split())


if __name__ == "__main__":
    PAGE.write_text(page())
