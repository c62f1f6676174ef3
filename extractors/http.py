"""The one HTTP client: credentials, limits, retries and size limits for every provider. No provider is known here.

One ``Client`` per run keeps the connections; one ``Session`` per account carries its credential, and only to its own
origin. Every retry goes by the taxonomy of ``extractors.errors``.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random_exponential

from extractors.accounts import Account, Credential
from extractors.answers import KEPT_HEADERS, Answer, Asked, raise_for_refusal
from extractors.clock import SYSTEM_CLOCK, Clock
from extractors.errors import (
    AnswerTooLarge,
    CredentialRefused,
    Deferred,
    ForbiddenHost,
    NotSent,
    RateLimited,
    Transient,
    Where,
)
from extractors.limits import Concurrency, Limits, Origin
from extractors.redaction import redact

log = logging.getLogger("chatmart.http")

USER_AGENT = "chatmart/0.1 (scheduled analytics export; httpx)"
MAX_ANSWER_BYTES = 256 * 2**20  # of one JSON answer after decompression; exports are streamed and have their own limit
MAX_REDIRECTS = 3


@dataclass(frozen=True)
class Wire:
    """How a client behaves: seconds, attempts, back-off."""

    connect_seconds: float = 10
    read_seconds: float = 60
    total_seconds: float = 300
    attempts: int = 6
    backoff_seconds: float = 0.5
    backoff_cap_seconds: float = 20
    breaker_after: int = 3  # requests of one account given up in a row before the account is stopped


@dataclass
class Counts:
    """What a run did on the wire; ``waited_seconds`` is time spent waiting for limits."""

    requests: int = 0
    retries: int = 0
    bytes: int = 0
    waited_seconds: float = 0.0


class Client:
    """Connections and limits of one run. Use as ``async with Client() as client``."""

    def __init__(self, wire: Wire = Wire(), clock: Clock = SYSTEM_CLOCK) -> None:
        self.wire = wire
        self.clock = clock
        self.counts = Counts()
        self._origins: dict[str, Origin] = {}
        self.http = httpx.AsyncClient(
            follow_redirects=False,
            timeout=httpx.Timeout(wire.read_seconds, connect=wire.connect_seconds, pool=None),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=32),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"},
            trust_env=False,
            # accounts share the client: a cookie would carry one account's session to another, or to a storage host
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self.counts.waited_seconds = sum(origin.waited_seconds for origin in self._origins.values())
        await self.http.aclose()

    def session(self, account: Account, defaults: Limits) -> "Session":
        """A session for one account; ``defaults`` are the provider's limits, which the account may override."""
        asked = account.rate_limit
        limits = Limits(
            asked.requests if asked.requests is not None else defaults.requests,
            asked.period_seconds if asked.period_seconds is not None else defaults.period_seconds,
            asked.concurrency if asked.concurrency is not None else defaults.concurrency,
        )
        origin = self._origins.setdefault(origin_of(account.base_url), Origin(limits, self.clock))
        return Session(self, account, origin, Concurrency(limits.concurrency))


class Session:
    """One account's way to its provider. The first request goes alone; a refused credential ends all that follow."""

    def __init__(self, client: Client, account: Account, origin: Origin, concurrency: Concurrency) -> None:
        self.client = client
        self.account = account
        self.clock = client.clock
        self.memory: dict[str, Any] = {}  # what an extractor learnt and need not ask twice in a run
        self._credential: Credential = account.credential()
        self._origin = origin
        self._concurrency = concurrency
        self._scout = asyncio.Lock()
        self._proven = False
        self._stopped: CredentialRefused | Transient | None = None
        self._given_up = 0

    @property
    def stopped(self) -> bool:
        """Whether nothing more will be asked for this account in this run."""
        return self._stopped is not None

    def where(self, stream: str) -> Where:
        """Names the account and stream in errors."""
        return Where(self.account.provider, self.account.name, stream)

    async def ask(
        self,
        stream: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        context: Mapping[str, Any] | None = None,
        once: bool = False,
        may_be_empty: bool = False,
    ) -> Answer:
        """Ask for one JSON answer and return it unread.

        ``once`` is for requests that create something: they reach the provider one single time, and are sent again
        only after a 429 or when nothing had left. Raises the errors of ``extractors.errors``; a body that is no JSON
        counts as transient, since gateways answer HTML when in trouble, unless it is empty and ``may_be_empty``.
        """
        asked = Asked(method, path, dict(query or {}), body)
        if not self._proven:
            async with self._scout:
                if not self._proven:
                    answer = await self._persist(stream, asked, context, once, may_be_empty)
                    self._proven = True
                    return answer
        return await self._persist(stream, asked, context, once, may_be_empty)

    async def _persist(
        self, stream: str, asked: Asked, context: Mapping[str, Any] | None, once: bool, may_be_empty: bool
    ) -> Answer:
        wire, where = self.client.wire, self.where(stream)
        again = (NotSent, RateLimited) if once else (Transient, RateLimited)
        waited = 0.0

        def wait(state: RetryCallState) -> float:
            nonlocal waited
            error = state.outcome.exception() if state.outcome else None
            self.client.counts.retries += 1
            backoff = wait_random_exponential(wire.backoff_seconds, wire.backoff_cap_seconds)(state)
            if not isinstance(error, RateLimited):
                return backoff
            asked_for = max(error.retry_after or 0.0, backoff)
            waited += asked_for
            if waited > self.account.max_wait_seconds:
                raise self._deferred(where, asked_for) from error
            self._origin.hold(asked_for)
            self._concurrency.shrink()
            return asked_for

        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, again) and self._stopped is None),
            stop=stop_after_attempt(wire.attempts),
            wait=wait,
            sleep=self.clock.sleep,
            reraise=True,
        )
        try:
            answer: Answer = await retrying(self._attempt, where, asked, context or {}, may_be_empty)
        except CredentialRefused as error:
            self._stopped = error
            raise
        except RateLimited as error:
            raise self._deferred(where, error.retry_after or 0.0) from error
        except Transient as error:
            self._given_up += 1
            if self._given_up >= wire.breaker_after:
                self._stopped = error
            raise
        self._given_up = 0
        return answer

    def _deferred(self, where: Where, seconds: float) -> Deferred:
        until = self.clock.now() + timedelta(seconds=seconds)
        return Deferred(
            where,
            f"the provider's limit is used up until {until:%Y-%m-%d %H:%M:%S} UTC, longer than a run waits "
            f"(max_wait_seconds: {self.account.max_wait_seconds:g})",
            "run the same command again after that; what is loaded stays",
            until=until,
        )

    async def _attempt(self, where: Where, asked: Asked, context: Mapping[str, Any], may_be_empty: bool) -> Answer:
        async with self._concurrency.slot():
            if isinstance(self._stopped, Transient):
                raise NotSent(self._stopped.where, self._stopped.what, self._stopped.advice)
            if self._stopped:
                raise self._stopped
            if self._origin.held_for() > self.account.max_wait_seconds:
                raise self._deferred(where, self._origin.held_for())
            await self._origin.turn()
            fetched_at = self.clock.now()
            try:
                async with asyncio.timeout(self.client.wire.total_seconds):
                    status, headers, body = await self._exchange(where, asked)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
                what = redact(str(error)) or type(error).__name__
                raise NotSent(where, f"no connection: {what}", "check base_url, or run again later") from error
            except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
                what = redact(str(error)) or type(error).__name__
                raise Transient(where, f"no whole answer: {what}", "run the same command again later") from error
        log.debug("%s %s %s -> %s, %d bytes", where, asked.method, asked.path, status, len(body))
        if status != 429:
            self._origin.answered()
            self._concurrency.answered()
        raise_for_refusal(where, status, headers, body, self.clock.now())
        if body or not may_be_empty:
            _check_json(where, body)
        kept = {name: redact(headers[name]) for name in KEPT_HEADERS if name in headers}
        return Answer(asked, status, kept, fetched_at, body, context)

    async def _exchange(self, where: Where, asked: Asked) -> tuple[int, httpx.Headers, bytes]:
        url = self.account.base_url + asked.path
        query = {**asked.query, **self._credential.query} or None
        for _hop in range(MAX_REDIRECTS + 1):
            async with self._send(asked.method, url, query, asked.body) as response:
                target = response.headers.get("location") if response.is_redirect else None
                if target is None:
                    return response.status_code, response.headers, await read_limited(response, where)
            url, query = urljoin(str(response.url), target), None
            if origin_of(url) != origin_of(self.account.base_url):
                raise ForbiddenHost(
                    where, f"redirected to another host ({urlsplit(url).hostname})", "check the account's base_url"
                )
            if response.status_code not in (307, 308) and asked.method != "GET":
                raise ForbiddenHost(where, f"a {asked.method} was redirected (HTTP {response.status_code})")
        raise ForbiddenHost(where, f"more than {MAX_REDIRECTS} redirects", "check the account's base_url")

    @asynccontextmanager
    async def _send(
        self, method: str, url: str, query: Mapping[str, str] | None, body: Any
    ) -> AsyncIterator[httpx.Response]:
        headers = {"Accept": "application/json", **self._credential.headers}
        content = None
        if body is not None:
            content = json.dumps(body, separators=(",", ":")).encode()
            headers["Content-Type"] = "application/json"
        self.client.counts.requests += 1
        async with self.client.http.stream(method, url, params=query, content=content, headers=headers) as response:
            yield response


async def read_limited(response: httpx.Response, where: Where, limit: int = MAX_ANSWER_BYTES) -> bytes:
    """The decoded body; AnswerTooLarge as soon as it exceeds ``limit`` bytes."""
    pieces: list[bytes] = []
    size = 0
    async for piece in response.aiter_bytes():
        size += len(piece)
        if size > limit:
            raise AnswerTooLarge(where, f"an answer of more than {limit} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL: what a credential is bound to."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _check_json(where: Where, body: bytes) -> None:
    try:
        json.loads(body)
    except ValueError as error:
        what = "the answer is cut short or no JSON" if body else "the answer is empty"
        raise Transient(where, what, "run the same command again later") from error
