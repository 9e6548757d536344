"""Players who do not give up: a call is repeated until it is answered, as a game server would."""

import asyncio
import itertools
import random
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import httpx

PATIENCE_SECONDS = 120.0
FOLLOW_SECONDS = 0.1
MANY = 1000
PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)

Json = dict[str, Any]


class Impatient(AssertionError):
    """A call was not answered in all that time."""


@dataclass
class Caller:
    """Repeats a call while parts are away, with the same key, and counts the answers given.

    Of many callers at once each has its turn at the ``hands``.
    """

    http: httpx.AsyncClient
    hands: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MANY))
    answered: int = 0
    repeated: int = 0
    on_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def call(self, method: str, path: str, **request: Any) -> httpx.Response:
        """The first answer that is neither an outage nor a full gate."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        for pause in itertools.chain(PAUSES, itertools.repeat(1.0)):
            try:
                async with self.hands:
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


@dataclass
class Follower:
    """Follows a world's chronicle for all its players: what was told is asked for only once."""

    caller: Caller
    world_id: str
    told: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def follow(self) -> None:
        """Read entry after entry, until it is cancelled."""
        after = 0
        path = f"/v1/worlds/{self.world_id}/chronicle"
        while True:
            params = {"after": after, "limit": 200}
            page = (await self.caller.call("GET", path, params=params)).json()
            for entry in page["items"]:
                self.told[entry["subject"]].add(entry["kind"])
                after = entry["id"]
            async with self.news:
                self.news.notify_all()
            if page["next"] is None:
                await asyncio.sleep(FOLLOW_SECONDS)

    async def until(self, subject: str, *kinds: str) -> None:
        """Wait until one of the kinds was told of the subject."""
        async with asyncio.timeout(PATIENCE_SECONDS), self.news:
            await self.news.wait_for(lambda: not self.told[subject].isdisjoint(kinds))


@dataclass
class Player:
    """Plays quests of one world; what it does with the one of a number follows from the seed."""

    caller: Caller
    follower: Follower
    player_id: str
    seed: int

    async def accept(self, number: int) -> Json:
        """Ask for a quest, take it whatever dies meanwhile, and return it as it was offered."""
        chance = random.Random(f"{self.seed}/{number}")
        kind = chance.choice(["side", "daily", "event", "main"])
        asked = await self.caller.call(
            "POST",
            f"/v1/worlds/{self.follower.world_id}/quests",
            json={"player_id": self.player_id, "kind": kind},
            headers={"Idempotency-Key": f"quest-{number}"},
        )
        assert asked.status_code == 202, asked.text
        await self.follower.until(asked.json()["workflow_id"], "quest.offered")
        path = f"/v1/quests/{asked.json()['quest_id']}"
        quest: Json = (await self.caller.call("GET", path)).json()
        accepted = await self.caller.call(
            "POST", f"{path}/accept", headers={"Idempotency-Key": f"accept-{number}"}
        )
        assert accepted.status_code == 200, f"{path} was offered: {accepted.text}"
        return quest

    async def play(self, quest: Json, number: int) -> Json:
        """Take an accepted quest to an end whatever dies meanwhile, and return it as it ended.

        Every eighth is given up after its first step. Every third is pushed by two hands, which
        send all that an objective asks for at once, each act twice.
        """
        path, steps = f"/v1/quests/{quest['quest_id']}", acts(quest)
        for step, (act, body, count) in enumerate(steps):
            sent = [{**body, "action_id": f"{number}-{step}-{one}"} for one in range(count)]
            if number % 3 == 0:
                answers = await asyncio.gather(
                    *(self.caller.call("POST", f"{path}/{act}", json=one) for one in sent * 2)
                )
            else:
                answers = [await self.caller.call("POST", f"{path}/{act}", json=x) for x in sent]
            refused = {answer.json()["code"] for answer in answers if answer.status_code != 200}
            # An objective that waits for its hour is not what this is about.
            assert refused <= {"condition_unmet"}, [answer.text for answer in answers]
            if refused or (number % 8 == 0 and step < len(steps) - 1):
                await self._abandon(path, number)
                break
        await self.follower.until(quest["workflow_id"], "quest.epilogue", "quest.abandoned")
        ended: Json = (await self.caller.call("GET", path)).json()
        return ended

    async def _abandon(self, path: str, number: int) -> None:
        headers = {"Idempotency-Key": f"abandon-{number}"}
        abandoned = await self.caller.call("POST", f"{path}/abandon", headers=headers)
        assert abandoned.status_code == 200, abandoned.text


def acts(quest: Json) -> list[tuple[str, Json, int]]:
    """What fulfils a quest, and how often each is done: what belongs to every way, the first
    choice, then what follows it."""
    first = quest["choices"][0]["choice_id"] if quest["choices"] else None
    ordered = sorted(
        quest["objectives"], key=lambda o: (o["branch"] is not None, o["kind"] == "choose")
    )
    found: list[tuple[str, Json, int]] = []
    for objective in ordered:
        if objective["kind"] == "choose":
            found.append(("choose", {"choice_id": first}, 1))
        elif objective["branch"] in (None, first):
            body = {"objective_id": objective["objective_id"], "amount": 1}
            found.append(("progress", body, objective["required"]))
    return found
