"""Whatever the OpenAPI page allows and forbids, on the engine as it is deployed: no 5xx, the
answers that the page promises, and no change by a request that is refused."""

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from loreloom.state.keys import Scope
from tests.api.one_of_each import ARC, OneOfEach, Rows, changed, one_of_each

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
PLAIN, WITH_BODY = 2, 6
"""How many requests an operation is tried with: where only an address varies, and where a body."""
THOROUGH = 16
SEED = 412
THERE = 0.75
"""The share of names that are of something that there is."""
TRIES = 3

OPEN = {"healthz", "readyz", "metrics", "receive_webhook"}
"""These need no key: the last is signed instead."""
TO_OPS = {
    "reconcile_payments",
    "refund_payment",
    "list_provider_events",
    "get_provider_event",
    "resend_provider_event",
}
"""And all that lies under ``/v1/ops``."""
TO_DESIGNERS = {
    "get_arc_history", "migrate_arcs", "add_entity", "correct_entity", "hide_entity",
    "merge_entity", "post_document", "list_documents", "get_document", "delete_document",
    "get_quest_history", "ask_what_if", "get_what_if", "ask_what_if_set", "get_what_if_set",
    "change_world",
}  # fmt: skip
TO_GAMES = {
    "accept_quest", "abandon_quest", "progress_quest", "choose_in_quest", "choose_in_arc",
    "contribute_to_arc", "create_payment", "get_payment", "get_payment_ledger",
    "get_payment_receipt", "create_player", "create_quest", "list_subscriptions",
    "get_subscription", "change_subscription", "cancel_subscription",
}  # fmt: skip
TO_ALL = {
    "create_world", "list_worlds", "get_world", "change_clock", "get_weather", "make_weather",
    "clear_weather", "get_forecast", "list_factions", "list_rumours", "list_prices",
    "get_character", "list_facts", "make_known", "get_player", "list_quests", "get_quest",
    "create_arc", "list_arcs", "get_arc", "cancel_arc", "read_chronicle", "list_entities",
    "search_lore", "list_store_items",
}  # fmt: skip
CLOSED = {Scope.GAME: TO_DESIGNERS, Scope.DESIGNER: TO_GAMES}
"""What a key of the scope may not do, beside what is left to ops."""

BROKEN = (
    b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe{}", b'{"\\ud800": 1}', b'{"a": NaN}',
    b"[" * 50_000,
)  # fmt: skip
ODD = ("a\x00b", "'; --\r\n\u202e", "9" * 30)
LONE = "\ud800"
"""A half of a character, which JSON can hold and an address cannot."""
JSON = "application/json"

AHEAD = "advance_hours"
"""A day is enough: a world lives through each that it skips, and of a century it is never quiet."""
STARTS_A_CLOCK = {"POST /v1/worlds", "PATCH /v1/worlds/{world_id}/clock"}

Case = schemathesis.Case[Any]


@dataclass
class Watch:
    """Sends requests, and knows how everything stood after the last one if that was refused."""

    each: OneOfEach
    session: requests.Session
    stood: Rows | None = None

    def check(self, case: Case) -> None:
        """Send the case; it is answered as the page says, and changes nothing if it is refused."""
        answer = self._sent(case)
        case.validate_response(answer, checks=CHECKS)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"]
        elif case.operation.label in STARTS_A_CLOCK:
            self.each.pause(answer.json()["world_id"])

    def _sent(self, case: Case) -> Response:
        """What an earlier request set going may go on behind this one: where something changed,
        another like it is sent once all is quiet."""
        before, self.stood = self.stood or self.each.state(), None
        what = set[str]()
        for number in range(TRIES):
            answer = case.call(session=self.session, headers=bearer(self.each.keys.ops))
            if answer.status_code < 400:
                return answer
            after = self.each.state()
            if after == before:
                self.stood = after
                return answer
            what, before = changed(before, after), self.each.settled()
            self._vary(case, number)
        raise AssertionError(f"{answer.status_code}, and yet it changed {what}")

    def _vary(self, case: Case, number: int) -> None:
        """Give other names to what is not there: the same ones might be written only once."""
        body: Any = case.body
        for name, value in body.items() if isinstance(body, dict) else ():
            if isinstance(value, str) and value not in self.each.ids.values():
                body[name] = f"{value}{number}"


@pytest.fixture(scope="module")
def each(
    _template_url: str,
    temporal_address: str,
    temporal_namespace: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[OneOfEach]:
    """The engine, with one of everything in it."""
    home = tmp_path_factory.mktemp("fuzzed")
    with one_of_each(_template_url, temporal_address, temporal_namespace, home) as made:
        yield made


@pytest.fixture(scope="module")
def operations(each: OneOfEach) -> list[Any]:
    """What the OpenAPI page says can be asked, as it is served."""
    page = schemathesis.openapi.from_url(f"{each.url}/openapi.json")
    found = [operation.ok() for operation in page.get_all_operations() if isinstance(operation, Ok)]
    assert len(found) > 70
    return found


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """One connection for all requests."""
    with requests.Session() as opened:
        yield opened


@pytest.fixture
def watch(each: OneOfEach, session: requests.Session) -> Watch:
    """What sends the requests."""
    return Watch(each, session)


@pytest.mark.parametrize("secret", [None, "ll_unknown", Scope.GAME, Scope.DESIGNER])
def test_a_key_that_does_not_fit_changes_nothing(
    operations: list[Any], each: OneOfEach, session: requests.Session, secret: str | None
) -> None:
    before = each.settled()
    key = getattr(each.keys, secret) if isinstance(secret, Scope) else secret
    for operation in operations:
        if is_closed(operation, secret):
            case = an_example(operation)
            aim(case, each.ids)
            answer = case.call(session=session, headers=bearer(key))
            assert answer.status_code == (403 if isinstance(secret, Scope) else 401), case
            after = each.state()
            assert after == before, f"{operation.label} changed {changed(before, after)}"


def test_every_name_that_the_page_refers_to_is_on_it(each: OneOfEach) -> None:
    page = requests.get(f"{each.url}/openapi.json").json()
    named = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(page)))
    assert named <= set(page["components"]["schemas"])


def test_it_is_said_of_every_operation_whom_it_is_for(operations: list[Any]) -> None:
    named = {
        name_of(operation) for operation in operations if not operation.path.startswith("/v1/ops/")
    }
    assert named == OPEN | TO_ALL | TO_OPS | TO_DESIGNERS | TO_GAMES


def name_of(operation: Any) -> str:
    """The operation's id."""
    return str(operation.definition.raw["operationId"])


def is_closed(operation: Any, secret: str | None) -> bool:
    """Whether the operation is not for whoever has that secret, or a key of that scope."""
    name = name_of(operation)
    if not isinstance(secret, Scope):
        return name not in OPEN
    for_ops = name in TO_OPS or operation.path.startswith("/v1/ops/")
    return for_ops or name in CLOSED[secret]


def test_a_body_that_is_broken_or_too_large_changes_nothing(
    operations: list[Any], each: OneOfEach, session: requests.Session
) -> None:
    before = each.settled()
    json_type, text_type = ({"Content-Type": kind} for kind in (JSON, "text/plain"))
    for operation in operations:
        if JSON not in bodies_of(operation):
            continue
        case = an_example(operation)
        aim(case, each.ids)
        url, headers = f"{each.url}{case.formatted_path}", bearer(each.keys.ops)
        big = 11_000_000 if "text/markdown" in bodies_of(operation) else 70_000
        large = b'{"name": "' + b"x" * big + b'"}'
        tries = [(body, json_type, {422}) for body in BROKEN]
        tries += [(large, json_type, {413}), (b"{}", text_type, {415})]
        for body, kind, expected in tries:
            answer = session.request(case.method, url, data=body, headers={**headers, **kind})
            assert answer.status_code in expected, f"{operation.label} {body[:20]!r}: {answer.text}"
        after = each.state()
        assert after == before, f"{operation.label} changed {changed(before, after)}"


def bodies_of(operation: Any) -> set[str]:
    """The media types that an operation reads."""
    return set(operation.definition.raw.get("requestBody", {}).get("content", ()))


def test_ids_of_another_world_change_nothing(each: OneOfEach, session: requests.Session) -> None:
    world, others = f"/v1/worlds/{each.ids['world_id']}", each.others
    stranger = {"player_id": others["player_id"]}
    there = f"/v1/worlds/{others['world_id']}"
    repairs = f"/v1/ops{world}"
    tries: list[tuple[str, str, Any, int]] = [
        ("POST", f"{world}/quests", stranger, 404),
        ("POST", f"{world}/arcs", {"arc": ARC, **stranger}, 404),
        ("POST", f"{world}/facts", {"fact": "bells_are_rung", **stranger}, 404),
        ("POST", f"{there}/quests", {"player_id": "mara"}, 404),
        ("POST", f"/v1/arcs/{others['arc_id']}/contribute",
         {"action_id": "a", "player_id": "mara"}, 404),
        ("POST", "/v1/payments",
         {"world_id": each.ids["world_id"], "item": "coin-300", **stranger}, 404),
        ("POST", f"/v1/ops{world}/players/stranger/erase", {"reason": "asked"}, 404),
        ("PATCH", f"/v1/ops{world}/players/stranger", {"coin": 9, "reason": "asked"}, 404),
        ("POST", f"/v1/lore/entities/{each.ids['entity_id']}/merge",
         {"into": others["entity_id"]}, 422),
        ("DELETE", f"/v1/lore/documents/{each.ids['document_id']}?canon=others", None, 404),
        ("GET", f"{world}/players/stranger", None, 404),
        ("GET", f"{world}/players/stranger/subscriptions", None, 404),
        ("GET", f"{repairs}/players/stranger/repairs", None, 404),
        ("GET", f"{repairs}/players/stranger/export", None, 404),
        ("GET", f"/v1/lore/search?q=ash&world_id={each.ids['world_id']}&player_id=stranger",
         None, 404),
        ("POST", "/v1/worlds/world_none/players", {"player_id": "x", "name": "X"}, 404),
        ("POST", "/v1/quests/quest_none/accept", None, 404),
        ("PUT", f"{there}/regions/Nowhere/weather", {"state": "fog"}, 404),
    ]  # fmt: skip
    before = each.settled()
    for method, path, body, status in tries:
        answer = session.request(method, each.url + path, json=body, headers=bearer(each.keys.ops))
        assert answer.status_code == status, f"{method} {path}: {answer.text}"
        after = each.state()
        assert after == before, f"{method} {path} changed {changed(before, after)}"


@pytest.mark.parametrize("times", [1, pytest.param(THOROUGH, marks=pytest.mark.soak)])
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_request_breaks_anything(
    operations: list[Any], watch: Watch, mode: GenerationMode, times: int
) -> None:
    chance = random.Random(SEED)
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not takes_anything(operation):
            continue
        examples = times * (WITH_BODY if bodies_of(operation) else PLAIN)

        def holds(case: Case) -> None:
            aim(case, watch.each.ids, chance)
            watch.check(case)

        tried(operation, holds, mode, examples)


def test_no_odd_string_breaks_anything(operations: list[Any], watch: Watch) -> None:
    for operation in operations:
        case = an_example(operation)
        aim(case, watch.each.ids)
        ways: dict[str, Any] = {
            "path": case.path_parameters,
            "query": case.query,
            "body": case.body,
        }
        for where, name in texts_of(operation):
            kept = dict(ways[where])
            for odd in (*ODD, LONE) if where == "body" else ODD:
                ways[where][name] = odd
                watch.check(case)
            ways[where].clear()
            ways[where].update(kept)


def texts_of(operation: Any) -> list[tuple[str, str]]:
    """Where an operation takes text, in its address, its query or its body, and by which name."""
    raw = operation.definition.raw
    found = [(p["in"], p["name"]) for p in raw.get("parameters", ()) if is_text(p["schema"])]
    if JSON in bodies_of(operation):
        model = raw["requestBody"]["content"][JSON]["schema"]["$ref"].rpartition("/")[2]
        fields = operation.schema.raw_schema["components"]["schemas"][model]["properties"]
        found += [("body", name) for name, schema in fields.items() if is_text(schema)]
    return [(where, name) for where, name in found if where != "header"]


def is_text(schema: dict[str, Any]) -> bool:
    """Whether a text may be given."""
    return any(way.get("type") == "string" for way in (schema, *schema.get("anyOf", ())))


def takes_anything(operation: Any) -> bool:
    """Whether there is something in the operation's requests that can be wrong."""
    return bool(operation.definition.raw.get("parameters") or bodies_of(operation))


def tried(
    operation: Any, holds: Callable[[Case], None], mode: GenerationMode, examples: int
) -> None:
    """Let it hold for so many cases, the same in every run."""
    bounded: Any = settings(
        max_examples=examples,
        phases=(Phase.generate,),
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    cases: Any = given(operation.as_strategy(generation_mode=mode))
    bounded(cases(holds))()


def an_example(operation: Any) -> Case:
    """The simplest request that the page allows."""
    found: list[Case] = []

    def keep(case: Case) -> None:
        found.append(case)

    tried(operation, keep, GenerationMode.POSITIVE, 1)
    return found[0]


def aim(case: Case, ids: dict[str, str], chance: random.Random | None = None) -> None:
    """Let all names, or as chance has it most, be of what is there, in address, query and body."""
    for given_as in (case.path_parameters, case.query, case.body):
        if isinstance(given_as, dict):
            for name in sorted(given_as.keys() & ids.keys()):
                if chance is None or chance.random() < THERE:
                    given_as[name] = ids[name]
    body: Any = case.body
    if isinstance(body, dict) and isinstance(body.get(AHEAD), int | float):
        body[AHEAD] = min(body[AHEAD], 24)


def bearer(secret: str | None) -> dict[str, str]:
    """The header that says who calls."""
    return {} if secret is None else {"Authorization": f"Bearer {secret}"}
