"""Answers of the sandbox in memory, by request; one of them can be replaced. No expectations.

The product sends its requests through its own client; only the last step, the connection, is replaced. A request that
was not sent before goes to the sandbox, and its answer is kept.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch

import httpx

from extractors.http.direct_transport import DirectTransport

RequestKey = tuple[str, str, bytes]
"""Method, URL and body of a request."""

Replacements = Mapping[tuple[RequestKey, int | None], "Answer"]
"""Other answers, by request and turn; turn None: whenever it is sent."""

SendChanged = Callable[[DirectTransport, httpx.Request, "Answer"], Awaitable[httpx.Response]]
"""Sends a changed answer."""

send_over_network = DirectTransport.handle_async_request


@dataclass(frozen=True)
class Answer:
    """A response as it travels. ``announced_length`` replaces its Content-Length."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    announced_length: int | None = None

    @property
    def plain_headers(self) -> dict[str, str]:
        """The headers without those of its length and of the connection."""
        dropped = ("content-length", "transfer-encoding", "connection")
        return {name: value for name, value in self.headers.items() if name not in dropped}

    def as_response(self, request: httpx.Request) -> httpx.Response:
        headers = self.plain_headers
        length = len(self.body) if self.announced_length is None else self.announced_length
        headers["content-length"] = str(length)
        return httpx.Response(self.status, headers=headers, stream=httpx.ByteStream(self.body), request=request)


@dataclass(frozen=True)
class Exchange:
    """A request and its answer. ``turn`` counts the equal requests before it."""

    key: RequestKey
    turn: int
    answer: Answer

    @property
    def url(self) -> httpx.URL:
        return httpx.URL(self.key[1])


@dataclass
class RecordedAnswers:
    """The answers by request, in order of arrival; the last one is repeated.

    ``send_changed`` sends an answer that replaces another; without it, all of it stays in memory.
    """

    send_changed: SendChanged | None = None
    _answers: dict[RequestKey, list[Answer]] = field(default_factory=dict)
    _turns: Counter[RequestKey] = field(default_factory=Counter)
    _replacements: Replacements = field(default_factory=dict)
    _log: list[Exchange] = field(default_factory=list)

    @contextmanager
    def replay(self, replacements: Replacements) -> Iterator[list[Exchange]]:
        """Answer the requests of this process; yield the list that collects them."""
        self._turns.clear()
        self._log = []
        self._replacements = replacements
        answer_request = self._answer_request

        async def send(transport: DirectTransport, request: httpx.Request) -> httpx.Response:
            return await answer_request(transport, request)

        with patch.object(DirectTransport, "handle_async_request", send):
            yield self._log

    async def _answer_request(self, transport: DirectTransport, request: httpx.Request) -> httpx.Response:
        key = (request.method, str(request.url), await request.aread())
        turn = self._turns[key]
        self._turns[key] += 1
        answers = self._answers.setdefault(key, [])
        replacement = self._replacements.get((key, turn)) or self._replacements.get((key, None))
        if replacement is not None:
            if self.send_changed is not None:
                return await self.send_changed(transport, request, replacement)
            return replacement.as_response(request)
        if turn >= len(answers) and (not answers or may_change(key)):
            answers.append(await _ask_sandbox(transport, request))
        answer = answers[min(turn, len(answers) - 1)]
        self._log.append(Exchange(key, turn, answer))
        return answer.as_response(request)


def may_change(key: RequestKey) -> bool:
    """Return whether an equal request may have another answer: the status of a job has, until it is done."""
    return "/statistics/export/" in key[1]


async def _ask_sandbox(transport: DirectTransport, request: httpx.Request) -> Answer:
    response = await send_over_network(transport, request)
    assert isinstance(response.stream, httpx.AsyncByteStream)
    body = b"".join([piece async for piece in response.stream])
    await response.aclose()
    return Answer(response.status_code, dict(response.headers), body)
