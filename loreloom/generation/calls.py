"""One streamed call to one model server, with the bounds that tell a slow one from a dead one."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from openai import APIConnectionError, APIError, APIStatusError, AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam
from openai.types.shared_params import ResponseFormatJSONSchema

from loreloom.generation.outcomes import Outcome
from loreloom.generation.prompting import PromptText
from loreloom.generation.records import Message
from loreloom.generation.tiers import Purpose, Tier


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn."""

    seed: int
    temperature: float = 0.7
    top_p: float = 0.9
    frequency_penalty: float = 0.4
    presence_penalty: float = 0.3


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked of a server. ``schema`` is a JSON schema that the answer must keep to.

    Without ``max_tokens`` an answer may be as long as the server's tier allows.
    """

    prompt: PromptText
    schema: dict[str, object]
    sampling: Sampling
    max_tokens: int | None = None


PROBE = Call(
    PromptText(
        purpose=Purpose.PROBE,
        messages=(Message(role="user", content="Are you well?"),),
        prefix=0,
    ),
    {"enum": ["well"]},
    Sampling(seed=0),
    max_tokens=4,
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server sent, and when. Milliseconds count from the sending of the request."""

    outcome: Outcome
    text: str
    first_token_ms: int | None
    total_ms: int
    prompt_tokens: int
    completion_tokens: int
    error: str | None = None


class _Failure(Exception):
    def __init__(self, outcome: Outcome, error: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.error = error


@dataclass(slots=True)
class _Heard:
    """What has come so far; kept so that a call that fails still says how far it came."""

    started: float
    text: str = ""
    first: float | None = None
    last: float = 0.0
    chunks: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish: str | None = None

    def reply(self, outcome: Outcome, error: str | None = None) -> Reply:
        return Reply(
            outcome=outcome,
            text=self.text if outcome is Outcome.OK else "",
            first_token_ms=None if self.first is None else _ms(self.first - self.started),
            total_ms=_ms(time.monotonic() - self.started),
            prompt_tokens=self.prompt_tokens or 0,
            completion_tokens=self.completion_tokens or self.chunks,
            error=error,
        )


async def ask(
    client: AsyncOpenAI,
    tier: Tier,
    call: Call,
    *,
    answer_by: float,
    first_token_by: float,
    end_by: float,
    on_token: Callable[[], None],
) -> Reply:
    """Make one call. Never raises for what a server does or fails to do.

    ``answer_by``, ``first_token_by`` and ``end_by`` are moments of ``time.monotonic()`` that the
    call does not go past, whatever the tier's own budgets allow. ``on_token`` is called at every
    token.
    """
    heard = _Heard(started=time.monotonic())
    end_by = min(end_by, heard.started + tier.total_s)
    answer_by = min(answer_by, heard.started + tier.answer_s, end_by)
    first_token_by = min(first_token_by, heard.started + tier.first_token_s, end_by)
    try:
        stream = await _open(client, tier, call, heard.started, answer_by)
        async with stream:
            await _listen(stream, tier, heard, first_token_by, end_by, on_token)
    except _Failure as failure:
        return heard.reply(failure.outcome, failure.error)
    except APIConnectionError as error:
        outcome = Outcome.UNREACHABLE if heard.first is None else Outcome.BROKEN_OFF
        return heard.reply(outcome, _kind(error))
    except APIStatusError as error:
        gentle = 400 <= error.status_code < 500
        outcome = Outcome.REFUSED if gentle else Outcome.SERVER_ERROR
        return heard.reply(outcome, f"http {error.status_code}")
    except (APIError, OSError, ValueError, TypeError, AttributeError) as error:
        # The client library builds its chunks without validation, so garbage surfaces as any of
        # these where a field is first used.
        return heard.reply(Outcome.SERVER_ERROR, _kind(error))
    if heard.finish is None:
        return heard.reply(Outcome.BROKEN_OFF, "no finish reason")
    if heard.finish == "length":
        return heard.reply(Outcome.OVER_LENGTH, "max_tokens")
    return heard.reply(Outcome.OK)


def wire_messages(prompt: PromptText) -> list[ChatCompletionMessageParam]:
    """A prompt's messages as the client library takes them."""
    return [
        {"role": message.role, "content": message.content}  # type: ignore[misc]
        for message in prompt.messages
    ]


async def probe(client: AsyncOpenAI, tier: Tier, seconds: float) -> bool:
    """Whether a server gives a held answer within so many seconds.

    It is asked in the way in which texts are: one that breaks every stream off is not well,
    whatever else it answers.
    """
    by = time.monotonic() + seconds
    reply = await ask(
        client, tier, PROBE, answer_by=by, first_token_by=by, end_by=by, on_token=lambda: None
    )
    return reply.outcome is not Outcome.TOO_SLOW and not reply.outcome.blames_server


async def _open(
    client: AsyncOpenAI, tier: Tier, call: Call, started: float, answer_by: float
) -> AsyncStream[ChatCompletionChunk]:
    held: ResponseFormatJSONSchema = {
        "type": "json_schema",
        "json_schema": {"name": call.prompt.purpose, "strict": True, "schema": call.schema},
    }
    try:
        async with asyncio.timeout(answer_by - time.monotonic()):
            return await client.chat.completions.create(
                model=tier.model,
                messages=wire_messages(call.prompt),
                response_format=held,
                seed=call.sampling.seed,
                temperature=call.sampling.temperature,
                top_p=call.sampling.top_p,
                frequency_penalty=call.sampling.frequency_penalty,
                presence_penalty=call.sampling.presence_penalty,
                max_tokens=min(call.max_tokens or tier.max_tokens, tier.max_tokens),
                stream=True,
                stream_options={"include_usage": True},
            )
    except TimeoutError as error:
        mine = answer_by < started + tier.answer_s
        raise _Failure(Outcome.TOO_SLOW if mine else Outcome.NO_ANSWER, "timeout") from error


async def _listen(
    stream: AsyncStream[ChatCompletionChunk],
    tier: Tier,
    heard: _Heard,
    first_token_by: float,
    end_by: float,
    on_token: Callable[[], None],
) -> None:
    deadline = first_token_by
    chunks = aiter(stream)
    while True:
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                chunk = await anext(chunks, None)
        except TimeoutError as error:
            raise _Failure(_silence(heard, tier, deadline), "timeout") from error
        if chunk is None:
            return
        _take(chunk, heard, on_token)
        if heard.first is not None:
            heard.last = time.monotonic()
            deadline = min(end_by, heard.last + tier.first_token_s)
        if time.monotonic() > end_by:
            raise _Failure(Outcome.TOO_SLOW, "timeout")


def _take(chunk: ChatCompletionChunk, heard: _Heard, on_token: Callable[[], None]) -> None:
    if chunk.usage is not None:
        heard.prompt_tokens = chunk.usage.prompt_tokens
        heard.completion_tokens = chunk.usage.completion_tokens
    for choice in chunk.choices:
        heard.finish = choice.finish_reason or heard.finish
        if not choice.delta.content:
            continue
        if heard.first is None:
            heard.first = time.monotonic()
        on_token()
        heard.text += choice.delta.content
        heard.chunks += 1


def _silence(heard: _Heard, tier: Tier, deadline: float) -> Outcome:
    """Whose bound was reached: the server's own, or that of a caller with less time left."""
    if heard.first is None:
        mine = deadline < heard.started + tier.first_token_s
        return Outcome.TOO_SLOW if mine else Outcome.NO_FIRST_TOKEN
    mine = deadline < heard.last + tier.first_token_s
    return Outcome.TOO_SLOW if mine else Outcome.STALLED


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _kind(error: BaseException) -> str:
    return type(error).__name__
