"""Players who do not give up: a call is repeated until it is answered, as a game server would."""

import asyncio
import itertools
import random
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

PATIENCE_SECONDS = 120.0
PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
ENDED = {"completed", "failed", "abandoned", "expired", "broken"}

Json = dict[str, Any]


class Impatient(AssertionError):
    """A call was not answered in all that time."""


@dataclass
class Caller:
    """Repeats a call while parts are away, with the same key, and counts the answers given."""

    http: httpx.AsyncClient
    answered: int = 0
    repeated: int = 0
    on_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def call(self, method: str, path: str, **request: Any) -> httpx.Response:
        """The first answer that is neither an outage nor a full gate."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        for pause in itertools.chain(PAUSES, itertools.repeat(1.0)):
            try:
                answer = await self.http.request(method, path, **request)
            except httpx.TransportError:
                answer = None
            if answer is not None and not _is_for_later(answer):
                assert answer.status_code < 500, answer.text
                self.answered += 1
                self.on_answer.set()
                return answer
            if time.monotonic() > deadline:
                raise Impatient(f"{method} {path}: {answer.text if answer else 'no connection'}")
            self.repeated += 1
            await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    async def answers_reach(self, count: int) -> None:
        """Wait until so many calls were answered."""
        while self.answered < count:
            self.on_answer.clear()
            await self.on_answer.wait()


def _is_for_later(answer: httpx.Response) -> bool:
    if answer.status_code == 409:
        # The process that held the key died with it; after a while the key is free again.
        return bool(answer.json()["code"] == "request_in_progress")
    return answer.status_code in (429, 503)


async def play(caller: Caller, world_id: str, player_id: str, number: int, seed: int) -> Json:
    """Ask for a quest, take it to an end whatever dies meanwhile, and return it as it ended."""
    chance = random.Random(f"{seed}/{number}")
    kind = chance.choice(["side", "daily", "event", "main"])
    asked = await caller.call(
        "POST",
        f"/v1/worlds/{world_id}/quests",
        json={"player_id": player_id, "kind": kind},
        headers={"Idempotency-Key": f"quest-{number}"},
    )
    assert asked.status_code == 202, asked.text
    path = f"/v1/quests/{asked.json()['quest_id']}"
    quest = await _until(caller, path, lambda q: q["state"] != "designing")
    accepted = await caller.call(
        "POST", f"{path}/accept", headers={"Idempotency-Key": f"accept-{number}"}
    )
    assert accepted.status_code == 200, accepted.text
    for step, (act, body) in enumerate(acts(quest)):
        sent = {**body, "action_id": f"{number}-{step}"}
        answer = await caller.call("POST", f"{path}/{act}", json=sent)
        if answer.status_code == 409:
            # An objective that waits for its hour is not what this is about.
            assert answer.json()["code"] == "condition_unmet", answer.text
            abandoned = await caller.call(
                "POST", f"{path}/abandon", headers={"Idempotency-Key": f"abandon-{number}"}
            )
            assert abandoned.status_code == 200, abandoned.text
            break
        assert answer.status_code == 200, answer.text
    return await _until(caller, path, _is_over)


def acts(quest: Json) -> list[tuple[str, Json]]:
    """What fulfils a quest: what belongs to every way, the first choice, then what follows it."""
    first = quest["choices"][0]["choice_id"] if quest["choices"] else None
    ordered = sorted(
        quest["objectives"], key=lambda o: (o["branch"] is not None, o["kind"] == "choose")
    )
    found: list[tuple[str, Json]] = []
    for objective in ordered:
        if objective["kind"] == "choose":
            found.append(("choose", {"choice_id": first}))
        elif objective["branch"] in (None, first):
            body = {"objective_id": objective["objective_id"], "amount": 1}
            found += [("progress", body)] * objective["required"]
    return found


def _is_over(quest: Json) -> bool:
    told = quest["texts"]["epilogue"] is not None or quest["state"] in ("abandoned", "expired")
    return quest["state"] in ENDED and told


async def _until(caller: Caller, path: str, condition: Any) -> Json:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        quest: Json = (await caller.call("GET", path)).json()
        if condition(quest):
            return quest
        if time.monotonic() > deadline:
            raise Impatient(f"{path} stays {quest['state']}")
        await asyncio.sleep(0.2)
