"""`loreloom payments`: the books of what was bought."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from loreloom.domain.money import in_units
from loreloom.workers.client import ApiClient, ApiProblem, Json
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


@payments.command()
def webhooks(
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what the provider told and nobody has handled yet, oldest first."""
    with calling() as api:
        found = api.get("/v1/webhooks/stripe/events", limit=limit)
    show(found, as_json, lambda page: map(_event, page["items"]) if page["items"] else ["none"])


@payments.command()
def resend(event_id: str, as_json: AsJson = False) -> None:
    """Handle an event of the provider's again, which is harmless. Exit 1 if it still waits."""
    with calling() as api:
        event = api.post(f"/v1/webhooks/stripe/events/{event_id}/resend")
    show(event, as_json, lambda told: [_event(told)])
    if event["handled_at"] is None:
        raise typer.Exit(1)


def _event(event: dict[str, Any]) -> str:
    about = event["payment_id"] or "-"
    came_to = event["outcome"] or "waits"
    return f"{event['received_at'][:19]}  {event['event_id']}  {event['kind']}  {about}  {came_to}"


@payments.command("show")
def show_purchase(
    payment_id: Annotated[str, typer.Argument(help="As the chronicle and the API name it.")],
    as_json: AsJson = False,
) -> None:
    """Show a purchase with its receipt and what was booked."""
    with calling() as api:
        path = f"/v1/payments/{payment_id}"
        found = {"payment": api.get(path), "receipt": _receipt(api, path)}
        found["movements"] = api.get(f"{path}/ledger")["movements"]
    show(found, as_json, _purchase)


def _receipt(api: ApiClient, path: str) -> Json | None:
    try:
        return api.get(f"{path}/receipt")
    except ApiProblem as problem:
        if problem.code != "no_receipt":
            raise
        return None


def _purchase(found: dict[str, Any]) -> Iterator[str]:
    payment, receipt = found["payment"], found["receipt"]
    reason = f": {payment['reason']}" if payment["reason"] else ""
    yield f"{payment['payment_id']}  {payment['item']}  {payment['state']}{reason}"
    if receipt is None:
        yield "no receipt: it was not delivered"
    else:
        yield f"receipt {receipt['number']}, {receipt['paid_at'][:19]}"
        for line in receipt["lines"]:
            price, discount, amount = (_money(line[of]) for of in ("price", "discount", "amount"))
            yield f"  {line['name']}: {price}, less {discount}, is {amount}"
    if payment["refunded"]["amount"]:
        yield f"paid back: {_money(payment['refunded'])}"
    for movement in found["movements"]:
        for posting in movement["postings"]:
            yield f"{movement['kind']:<16} {posting['account']:<40} {_money(posting):>14}"


def _money(money: dict[str, Any]) -> str:
    return in_units(money["amount"], money["currency"])


def _lines(report: dict[str, Any]) -> Iterator[str]:
    for each in report["differences"]:
        ours, theirs = each["ours"], each["theirs"]
        yield f"{each['payment_id'] or 'the books'}: {each['kind']}: ours: {ours}; theirs: {theirs}"
    yield (
        f"{report['found']} differences between {report['ours']} purchases and"
        f" {report['theirs']} payments at the provider"
    )
