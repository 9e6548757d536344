"""A purchase through the public API, told as a story: from the price to receipt and ledger."""

import httpx
from rich.console import Console
from rich.rule import Rule
from rich.table import Table

from loreloom.domain.money import in_units
from loreloom.workers.client import ApiClient, ApiProblem, Json

ITEM = "season-pass"
STANDIN = "/_config/checkouts/"
"""What an embedded stand-in's checkout has in its address, and Stripe's own never has."""
ENDED = {"fulfilled", "unfulfilled", "refunded", "expired", "failed"}


def buy(api: ApiClient, console: Console, world_id: str, player_id: str) -> None:
    """Buy something for a player and print what it gave and what was booked.

    Only the stand-in's checkout can be paid without a person: at any other it says so and goes on.
    """
    console.print(Rule("The purchase"))
    body = {"world_id": world_id, "player_id": player_id, "item": ITEM}
    try:
        asked = api.post("/v1/payments", body)
    except ApiProblem as problem:
        if problem.code != "payments_unavailable":
            raise
        console.print("No payment provider is set: nothing is bought.", style="dim")
        return
    path = f"/v1/payments/{asked['payment_id']}"
    payment = api.wait(path, lambda found: found["state"] != "created", "the checkout")
    checkout = payment["checkout"]
    if checkout is None or STANDIN not in checkout["url"]:
        console.print("At Stripe itself a person pays: this is left to expire.", style="dim")
        return
    price = payment["price"]
    console.print(f"{player_id} buys {ITEM} for {in_units(price['amount'], price['currency'])}")
    httpx.post(checkout["url"]).raise_for_status()
    payment = api.wait(path, lambda found: found["state"] in ENDED, "the delivery")
    console.print(f"  paid and [bold]{payment['state']}[/bold], once", highlight=False)
    if payment["state"] == "fulfilled":
        receipt = api.get(f"{path}/receipt")
        total = in_units(receipt["total"]["amount"], receipt["total"]["currency"])
        console.print(f"  receipt {receipt['number']}: {total}", highlight=False)
    _show_entitlement(api, console, payment)
    _show_ledger(api, console, path)


def _show_entitlement(api: ApiClient, console: Console, payment: Json) -> None:
    player = api.get(f"/v1/worlds/{payment['world_id']}/players/{payment['player_id']}")
    for held in player["entitlements"]:
        if held["payment_id"] == payment["payment_id"]:
            until = held["until"][:10] if held["until"] else "for good"
            console.print(f"  entitled to {held['entitlement']} until {until}")


def _show_ledger(api: ApiClient, console: Console, path: str) -> None:
    table = Table("booked", "account", "amount", box=None, padding=(0, 2))
    for movement in api.get(f"{path}/ledger")["movements"]:
        for posting in movement["postings"]:
            amount = in_units(posting["amount"], posting["currency"])
            table.add_row(movement["kind"], posting["account"], amount)
    console.print(table)
