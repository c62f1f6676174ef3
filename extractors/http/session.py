"""The one HTTP client: credentials, limits, retries and size limits for every provider. No provider is known here.

One ``Client`` per run keeps the connections; one ``Session`` per account carries its credential, and only to its own
origin. Every retry goes by the taxonomy of ``extractors.errors``.
"""

import asyncio
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Self

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from extractors.account import Account
from extractors.clock import SYSTEM_CLOCK, Clock
from extractors.errors import CredentialRefused, ForbiddenHost, NotSent, RateLimited, Transient, Where
from extractors.http.limits import Concurrency, Limits, Origin
from extractors.http.messages import KEPT_HEADERS, Answer, Asked, raise_for_refusal, retry_after
from extractors.http.retry import Patience
from extractors.http.transport import Counts, Target, check_json, exchange, origin_of
from extractors.redaction import redact, redact_body

log = logging.getLogger("chatmart.http")

for _talkative in ("httpx", "httpcore"):  # they log whole URLs, also those with a key in them
    logging.getLogger(_talkative).setLevel(logging.WARNING)

USER_AGENT = "chatmart/0.1 (scheduled analytics export; httpx)"


def named(where: Where) -> dict[str, object]:
    """Whom a line of the log speaks of, as its fields."""
    return {"account": where.account, "provider": where.provider, "stream": where.stream}


def log_request(where: Where, method: str, path: str, status: int, size: int, seconds: float) -> None:
    """The one line of a request that was answered with ``size`` bytes; it tells no query and no header."""
    log.debug(
        "%s %s %s -> %s, %d bytes, %.3f s",
        *(where, method, path, status, size, seconds),
        extra={
            **named(where),
            "method": method,
            "path": path,
            "status": status,
            "bytes": size,
            "seconds": round(seconds, 3),
        },
    )


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


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that every client trusts; to read them takes longer than many a run's requests."""
    return httpx.create_ssl_context(trust_env=False)


class Client:
    """Connections and limits of one run. Use as ``async with Client() as client``."""

    def __init__(self, wire: Wire = Wire(), clock: Clock = SYSTEM_CLOCK) -> None:
        self.wire = wire
        self.clock = clock
        self._accounts: list[Counts] = []
        self._origins: dict[tuple[str, tuple[str, str, int | None]], Origin] = {}
        self.http = httpx.AsyncClient(
            verify=_trusted(),
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
        await self.http.aclose()

    @property
    def counts(self) -> Counts:
        """What all sessions did together."""
        return sum(self._accounts, Counts())

    def session(self, account: Account, defaults: Limits) -> "Session":
        """A session for one account; ``defaults`` are the provider's limits, which the account may override.

        Accounts of one origin share its pace; where they disagree, the slowest counts.
        """
        asked = account.rate_limit
        limits = Limits(
            asked.requests if asked.requests is not None else defaults.requests,
            asked.period_seconds if asked.period_seconds is not None else defaults.period_seconds,
            asked.concurrency if asked.concurrency is not None else defaults.concurrency,
        )
        # a provider's limit is its own, also where a proxy or a simulator serves several providers at one address
        key = (account.provider, origin_of(account.base_url))
        origin = self._origins.setdefault(key, Origin(limits, self.clock))
        origin.tighten(limits)
        session = Session(self, account, origin, Concurrency(limits.concurrency))
        self._accounts.append(session.counts)
        return session


class Session:
    """One account's way to its provider. The first request goes alone; a refused credential ends all that follow."""

    def __init__(self, client: Client, account: Account, origin: Origin, concurrency: Concurrency) -> None:
        self.client = client
        self.account = account
        self.clock = client.clock
        self.began = client.clock.now()
        self.counts = Counts()
        self.memory: dict[str, Any] = {}  # what an extractor learnt and need not ask twice in a run
        self._target = Target(account.base_url, account.credential())
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
        where, patience = self.where(stream), self._patience(self.where(stream))
        again = (NotSent, RateLimited) if once else (Transient, RateLimited)
        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, again) and self._stopped is None),
            stop=patience.stop,
            wait=patience.wait,
            before_sleep=partial(self._log_retry, where),
            sleep=patience.sleep,
            reraise=True,
        )
        try:
            answer: Answer = await retrying(self._attempt, where, asked, context or {}, may_be_empty)
        except CredentialRefused as error:
            self._stopped = error
            raise
        except RateLimited as error:
            raise patience.deferred(error.retry_after or 0.0) from error
        except Transient as error:
            self._given_up += 1
            if self._given_up >= self.client.wire.breaker_after:
                self._stopped = error
            raise
        self._given_up = 0
        return answer

    def _patience(self, where: Where) -> Patience:
        wire = self.client.wire
        return Patience(
            where,
            self.clock,
            self.counts,
            attempts=wire.attempts,
            backoff_seconds=wire.backoff_seconds,
            backoff_cap_seconds=wire.backoff_cap_seconds,
            max_wait_seconds=self.account.max_wait_seconds,
            on_hold=self._origin.hold,
        )

    def _log_retry(self, where: Where, state: RetryCallState) -> None:
        pause = state.next_action.sleep if state.next_action else 0.0
        why = state.outcome.exception() if state.outcome else None
        log.debug("%s: asked again in %.1f s: %s", where, pause, why, extra=named(where))

    async def _attempt(self, where: Where, asked: Asked, context: Mapping[str, Any], may_be_empty: bool) -> Answer:
        async with self._concurrency.slot():
            self._refuse_when_stopped()
            with self.counts.waiting(self.clock):
                may_leave = await self._origin.turn(self.account.max_wait_seconds)
            if not may_leave:
                raise self._patience(where).deferred(self._origin.held_for())
            self._refuse_when_stopped()  # another request may have been refused while this one waited
            fetched_at, began = self.clock.now(), self.clock.monotonic()
            status, headers, told = await self._exchange(where, asked)
            self._learn(status, headers)
        body = redact_body(told)
        log_request(where, asked.method, asked.path, status, len(told), self.clock.monotonic() - began)
        raise_for_refusal(where, status, headers, body, self.clock.now())
        if body or not may_be_empty:
            check_json(where, body)
        kept = {name: redact(headers[name]) for name in KEPT_HEADERS if name in headers}
        return Answer(asked, status, kept, fetched_at, body, context)

    def _refuse_when_stopped(self) -> None:
        if isinstance(self._stopped, Transient):
            raise NotSent(self._stopped.where, self._stopped.what, self._stopped.advice)
        if self._stopped:
            raise self._stopped

    async def _exchange(self, where: Where, asked: Asked) -> tuple[int, httpx.Headers, bytes]:
        try:
            async with asyncio.timeout(self.client.wire.total_seconds):
                return await exchange(self.client.http, self.counts, where, self._target, asked)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            what = redact(str(error)) or type(error).__name__
            raise NotSent(where, f"no connection: {what}", "check base_url, or run again later") from error
        except httpx.InvalidURL as error:
            raise ForbiddenHost(where, "redirected to what is no URL", "check the account's base_url") from error
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            what = redact(str(error)) or type(error).__name__
            raise Transient(where, f"no whole answer: {what}", "run the same command again later") from error

    def _learn(self, status: int, headers: httpx.Headers) -> None:
        """Slow down or recover before anything else may leave."""
        if status != 429:
            self._origin.answered()
            self._concurrency.answered()
            return
        if not self._origin.held_for():  # the 429s of requests that left together are one event
            self._origin.shrink()
            self._concurrency.shrink()
        self._origin.hold(retry_after(headers, self.clock.now()) or 0.0)
