"""The `loreloom` command line. Each module in `commands` adds its own commands."""

import typer

from loreloom.workers.commands import (
    arcs,
    climates,
    demo,
    keys,
    knowledge,
    ops,
    payments,
    processes,
    quest,
    stack,
    whatif,
    world,
)

app = typer.Typer(
    name="loreloom",
    help="A durable narrative engine for live games.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)

for module in (
    stack,
    demo,
    processes,
    knowledge,
    quest,
    whatif,
    keys,
    arcs,
    payments,
    ops,
    climates,
    world,
):
    module.register(app)

if __name__ == "__main__":
    app()
