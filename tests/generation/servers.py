"""Small real servers that fail as model servers do: on a socket, with the protocol they break."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
Handle = Callable[[asyncio.StreamWriter], Awaitable[None]]


class FailingServer:
    """What a server at `url` was asked, and how it behaves; `handle` may be changed on the way."""

    def __init__(self, handle: Handle) -> None:
        self.handle = handle
        self.url = ""
        self.bodies: list[bytes] = []
        self.at_once = 0
        self.most_at_once = 0

    @property
    def asked(self) -> int:
        """How many requests came."""
        return len(self.bodies)


@asynccontextmanager
async def serving(handle: Handle) -> AsyncIterator[FailingServer]:
    """A server that reads each request whole and then leaves it to `handle`."""
    server = FailingServer(handle)
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        server.at_once += 1
        try:
            server.bodies.append(await _read_request(reader))
            server.most_at_once = max(server.most_at_once, server.at_once)
            await server.handle(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            tasks.discard(task)
            server.at_once -= 1
            writer.close()

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    server.url = f"http://127.0.0.1:{port}/v1"
    try:
        yield server
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()


async def hangs(writer: asyncio.StreamWriter) -> None:
    """Takes the request and never answers."""
    await _until_closed(writer)


async def answers_and_hangs(writer: asyncio.StreamWriter) -> None:
    """Sends the head of an answer and no token."""
    writer.write(HEAD)
    await writer.drain()
    await _until_closed(writer)


async def stalls(writer: asyncio.StreamWriter) -> None:
    """Sends a few tokens and then nothing more."""
    writer.write(HEAD)
    for _ in range(3):
        writer.write(_event(_delta("word ")))
    await writer.drain()
    await _until_closed(writer)


async def breaks_off(writer: asyncio.StreamWriter) -> None:
    """Closes the connection in the middle of its answer."""
    writer.write(HEAD + _event(_delta("half")))
    await writer.drain()


async def garbage(writer: asyncio.StreamWriter) -> None:
    """Answers with what is no event stream of the protocol."""
    writer.write(HEAD + _chunk(b'data: {"choices": 7}\n\n') + _chunk(b"data: [DONE]\n\n"))
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def no_json(writer: asyncio.StreamWriter) -> None:
    """Answers with events that are no JSON."""
    writer.write(HEAD + _chunk(b"data: }{ \xff\n\n") + b"0\r\n\r\n")
    await writer.drain()


async def unfinished(writer: asyncio.StreamWriter) -> None:
    """Ends its stream without a reason to finish."""
    writer.write(HEAD + _event(_delta("half")) + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
    await writer.drain()


def status(code: int) -> Handle:
    """Answers with an HTTP error."""

    async def handle(writer: asyncio.StreamWriter) -> None:
        body = b'{"error": {"message": "no"}}'
        head = f"HTTP/1.1 {code} No\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()

    return handle


def says(text: str, *, gap: float = 0, finish: str = "stop") -> Handle:
    """Answers well, a word at a time with a gap in seconds after each."""

    async def handle(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        for word in text.split(" "):
            writer.write(_event(_delta(f"{word} ")))
            await writer.drain()
            await asyncio.sleep(gap)
        writer.write(_event({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}))
        usage = {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}
        writer.write(_event({"choices": [], "usage": usage}))
        writer.write(_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
        await writer.drain()

    return handle


async def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Return once a condition holds. Raises ``TimeoutError`` after so many seconds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 -- what changes is in another process or library
            await asyncio.sleep(0.01)


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = next(line for line in head.split("\r\n") if line.startswith("content-length:"))
    return await reader.readexactly(int(length.split(":")[1]))


async def _until_closed(writer: asyncio.StreamWriter) -> None:
    # The loop closes the transport when the other side goes.
    await until(writer.transport.is_closing, seconds=60)


def _delta(text: str) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}


def _event(data: dict[str, object]) -> bytes:
    whole = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m", **data}
    return _chunk(b"data: " + json.dumps(whole).encode() + b"\n\n")


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"
