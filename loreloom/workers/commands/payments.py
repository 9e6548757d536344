"""`loreloom payments`: the books of what was bought."""

from collections.abc import Iterator
from typing import Any

import typer

from loreloom.workers.commands.output import AsJson, calling, show

payments = typer.Typer(help="The books of what was bought.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(payments, name="payments")


@payments.callback()
def _group() -> None:
    """The books of what was bought."""


@payments.command()
def reconcile(as_json: AsJson = False) -> None:
    """Compare ledger, entitlements and the provider's own list now; exit 1 on a difference."""
    with calling() as api:
        report = api.post("/v1/payments/reconcile")
    show(report, as_json, _lines)
    if report["found"]:
        raise typer.Exit(1)


def _lines(report: dict[str, Any]) -> Iterator[str]:
    for each in report["differences"]:
        ours, theirs = each["ours"], each["theirs"]
        yield f"{each['payment_id'] or 'the books'}: {each['kind']}: ours: {ours}; theirs: {theirs}"
    yield (
        f"{report['found']} differences between {report['ours']} purchases and"
        f" {report['theirs']} payments at the provider"
    )
