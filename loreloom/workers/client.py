"""A small client of the public API, for the command line and the demo."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

import httpx

from loreloom.workers.settings import Settings

Json = dict[str, Any]
POLL_SECONDS = 0.2
REQUEST_SECONDS = 60.0
AWAY_SECONDS = 1.0
DATA = "data: "


class ApiProblem(Exception):
    """The API refused a request. ``code`` is the problem's stable code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class ApiUnreachable(Exception):
    """Nothing answers at the API's address."""

    def __init__(self, url: str) -> None:
        super().__init__(f"nothing answers at {url}; `loreloom up` starts the API")


class NoKey(Exception):
    """There is no key to call with."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            f"no key: set LORELOOM_KEY, or start `loreloom up`, which keeps its keys in"
            f" {settings.keys_file}"
        )


class ApiClient:
    """Calls the API with one key. Use it as a context manager."""

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=REQUEST_SECONDS
        )

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """A client with ``LORELOOM_KEY``, or the ops key of the stack under ``LORELOOM_HOME``."""
        key = settings.loreloom_key
        if key is not None:
            return cls(settings.api_url, key.get_secret_value())
        if not settings.keys_file.exists():
            raise NoKey(settings)
        return cls(settings.api_url, json.loads(settings.keys_file.read_text())["ops"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Json:
        """Read. Raises ``ApiProblem`` or ``ApiUnreachable``."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._send("GET", path, params=given)

    def post(self, path: str, body: Json | None = None) -> Json:
        """Create or act. Raises ``ApiProblem`` or ``ApiUnreachable``."""
        key = {"Idempotency-Key": secrets.token_urlsafe(16)}
        return self._send("POST", path, json=body, headers=key)

    def patch(self, path: str, changes: Json) -> Json:
        """Change a resource. Raises ``ApiProblem`` or ``ApiUnreachable``."""
        return self._send("PATCH", path, json=changes)

    def post_markdown(self, path: str, content: bytes, **query: Any) -> Json:
        """Hand in a file as it is. Raises ``ApiProblem`` or ``ApiUnreachable``."""
        headers = {"Content-Type": "text/markdown"}
        return self._send("POST", path, params=query, content=content, headers=headers)

    def pages(self, path: str, **query: Any) -> Iterator[Json]:
        """Every item of a list, page by page."""
        after = None
        while True:
            page = self.get(path, after=after, **query)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def follow(self, path: str, after: int) -> Iterator[Json]:
        """Every entry of a chronicle after one, as they happen, also past a broken connection.

        Raises ``ApiProblem``.
        """
        while True:
            headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
            try:
                with self._http.stream("GET", path, headers=headers) as answer:
                    if answer.is_error:
                        answer.read()
                        raise _problem(answer)
                    for line in answer.iter_lines():
                        if line.startswith(DATA):
                            entry: Json = json.loads(line.removeprefix(DATA))
                            after = entry["id"]
                            yield entry
            except httpx.TransportError:
                pass
            time.sleep(AWAY_SECONDS)

    def wait(
        self, path: str, until: Callable[[Json], bool], what: str, seconds: float = 120
    ) -> Json:
        """Read a resource until it is as wanted. Raises ``TimeoutError`` if it stays otherwise."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.get(path)
            if until(found):
                return found
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} took more than {seconds:.0f} s")
            time.sleep(POLL_SECONDS)

    def _send(self, method: str, path: str, **request: Any) -> Json:
        try:
            answer = self._http.request(method, path, **request)
        except httpx.TransportError as error:
            raise ApiUnreachable(str(self._http.base_url)) from error
        if answer.is_error:
            raise _problem(answer)
        read: Json = answer.json()
        return read


def _problem(answer: httpx.Response) -> ApiProblem:
    try:
        problem = answer.json()
    except ValueError:
        return ApiProblem(answer.status_code, "unreadable", answer.text[:300])
    fields = "".join(f"; {e['field']}: {e['message']}" for e in problem.get("errors") or ())
    message = f"{problem.get('detail') or problem.get('title')}{fields}"
    return ApiProblem(answer.status_code, problem.get("code", "unknown"), message)
