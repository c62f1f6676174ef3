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
from extractors.errors import CredentialRefused, ErrorLocation, ForbiddenHost, NotSent, RateLimited, Transient
from extractors.http.limits import ConcurrencyLimiter, RateLimiter, RequestLimits
from extractors.http.messages import KEPT_HEADERS, Request, Response, parse_retry_after, raise_for_status
from extractors.http.retry import RetryPolicy
from extractors.http.transport import RequestStats, Target, check_json, parse_origin, send_request
from extractors.redaction import redact, redact_body

log = logging.getLogger("chatmart.http")

for _talkative in ("httpx", "httpcore"):  # they log whole URLs, also those with a key in them
    logging.getLogger(_talkative).setLevel(logging.WARNING)

USER_AGENT = "chatmart/0.1 (scheduled analytics export; httpx)"


def log_fields(where: ErrorLocation) -> dict[str, object]:
    """Whom a line of the log speaks of, as its fields."""
    return {"account": where.account, "provider": where.provider, "stream": where.stream}


def log_request(where: ErrorLocation, method: str, path: str, status: int, size: int, seconds: float) -> None:
    """The one line of a request that was answered with ``size`` bytes; it tells no query and no header."""
    log.debug(
        "%s %s %s -> %s, %d bytes, %.3f s",
        *(where, method, path, status, size, seconds),
        extra={
            **log_fields(where),
            "method": method,
            "path": path,
            "status": status,
            "bytes": size,
            "seconds": round(seconds, 3),
        },
    )


@dataclass(frozen=True)
class HttpSettings:
    """How a client behaves: seconds, attempts, back-off."""

    connect_timeout_seconds: float = 10
    read_timeout_seconds: float = 60
    total_timeout_seconds: float = 300
    max_attempts: int = 6
    backoff_seconds: float = 0.5
    backoff_cap_seconds: float = 20
    breaker_threshold: int = 3  # requests of one account given up in a row before the account is stopped


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that every client trusts; to read them takes longer than many a run's requests."""
    return httpx.create_ssl_context(trust_env=False)


class Client:
    """Connections and limits of one run. Use as ``async with Client() as client``."""

    def __init__(self, settings: HttpSettings = HttpSettings(), clock: Clock = SYSTEM_CLOCK) -> None:
        self.settings = settings
        self.clock = clock
        self._accounts: list[RequestStats] = []
        self._origins: dict[tuple[str, tuple[str, str, int | None]], RateLimiter] = {}
        self.httpx_client = httpx.AsyncClient(
            verify=_trusted(),
            follow_redirects=False,
            timeout=httpx.Timeout(settings.read_timeout_seconds, connect=settings.connect_timeout_seconds, pool=None),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=32),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"},
            trust_env=False,
            # accounts share the client: a cookie would carry one account's session to another, or to a storage host
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.httpx_client.aclose()

    @property
    def stats(self) -> RequestStats:
        """What all sessions did together."""
        return sum(self._accounts, RequestStats())

    def open_session(self, account: Account, defaults: RequestLimits) -> "Session":
        """A session for one account; ``defaults`` are the provider's limits, which the account may override.

        Accounts of one origin share its pace; where they disagree, the slowest counts.
        """
        asked = account.rate_limit
        limits = RequestLimits(
            asked.requests if asked.requests is not None else defaults.requests,
            asked.period_seconds if asked.period_seconds is not None else defaults.period_seconds,
            asked.concurrency if asked.concurrency is not None else defaults.concurrency,
        )
        # a provider's limit is its own, also where a proxy or a simulator serves several providers at one address
        key = (account.provider, parse_origin(account.base_url))
        origin = self._origins.setdefault(key, RateLimiter(limits, self.clock))
        origin.apply_stricter(limits)
        session = Session(self, account, origin, ConcurrencyLimiter(limits.concurrency))
        self._accounts.append(session.stats)
        return session


class Session:
    """One account's way to its provider. The first request goes alone; a refused credential ends all that follow."""

    def __init__(self, client: Client, account: Account, origin: RateLimiter, concurrency: ConcurrencyLimiter) -> None:
        self.client = client
        self.account = account
        self.clock = client.clock
        self.started_at = client.clock.now()
        self.stats = RequestStats()
        self.run_state: dict[str, Any] = {}  # what an extractor learnt and need not ask twice in a run
        self._target = Target(account.base_url, account.credential())
        self._origin = origin
        self._concurrency = concurrency
        self._scout = asyncio.Lock()
        self._proven = False
        self._stopped: CredentialRefused | Transient | None = None
        self._given_up = 0

    @property
    def is_stopped(self) -> bool:
        """Whether nothing more will be asked for this account in this run."""
        return self._stopped is not None

    def where(self, stream: str) -> ErrorLocation:
        """Names the account and stream in errors."""
        return ErrorLocation(self.account.provider, self.account.name, stream)

    async def request(
        self,
        stream: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        context: Mapping[str, Any] | None = None,
        send_once: bool = False,
        allow_empty: bool = False,
    ) -> Response:
        """Ask for one JSON answer and return it unread.

        ``once`` is for requests that create something: they reach the provider one single time, and are sent again
        only after a 429 or when nothing had left. Raises the errors of ``extractors.errors``; a body that is no JSON
        counts as transient, since gateways answer HTML when in trouble, unless it is empty and ``may_be_empty``.
        """
        asked = Request(method, path, dict(query or {}), body)
        if not self._proven:
            async with self._scout:
                if not self._proven:
                    answer = await self._persist(stream, asked, context, send_once, allow_empty)
                    self._proven = True
                    return answer
        return await self._persist(stream, asked, context, send_once, allow_empty)

    async def _persist(
        self, stream: str, asked: Request, context: Mapping[str, Any] | None, once: bool, may_be_empty: bool
    ) -> Response:
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
            answer: Response = await retrying(self._attempt, where, asked, context or {}, may_be_empty)
        except CredentialRefused as error:
            self._stopped = error
            raise
        except RateLimited as error:
            raise patience.build_deferred_error(error.retry_after or 0.0) from error
        except Transient as error:
            self._given_up += 1
            if self._given_up >= self.client.settings.breaker_threshold:
                self._stopped = error
            raise
        self._given_up = 0
        return answer

    def _patience(self, where: ErrorLocation) -> RetryPolicy:
        wire = self.client.settings
        return RetryPolicy(
            where,
            self.clock,
            self.stats,
            max_attempts=wire.max_attempts,
            backoff_seconds=wire.backoff_seconds,
            backoff_cap_seconds=wire.backoff_cap_seconds,
            max_wait_seconds=self.account.max_wait_seconds,
            on_hold=self._origin.hold,
        )

    def _log_retry(self, where: ErrorLocation, state: RetryCallState) -> None:
        pause = state.next_action.sleep if state.next_action else 0.0
        why = state.outcome.exception() if state.outcome else None
        log.debug("%s: asked again in %.1f s: %s", where, pause, why, extra=log_fields(where))

    async def _attempt(
        self, where: ErrorLocation, asked: Request, context: Mapping[str, Any], may_be_empty: bool
    ) -> Response:
        async with self._concurrency.acquire_slot():
            self._refuse_when_stopped()
            with self.stats.measure_wait(self.clock):
                may_leave = await self._origin.acquire(self.account.max_wait_seconds)
            if not may_leave:
                raise self._patience(where).build_deferred_error(self._origin.remaining_hold_seconds())
            self._refuse_when_stopped()  # another request may have been refused while this one waited
            fetched_at, began = self.clock.now(), self.clock.monotonic()
            status, headers, told = await self._exchange(where, asked)
            self._learn(status, headers)
        body = redact_body(told)
        log_request(where, asked.method, asked.path, status, len(told), self.clock.monotonic() - began)
        raise_for_status(where, status, headers, body, self.clock.now())
        if body or not may_be_empty:
            check_json(where, body)
        kept = {name: redact(headers[name]) for name in KEPT_HEADERS if name in headers}
        return Response(asked, status, kept, fetched_at, body, context)

    def _refuse_when_stopped(self) -> None:
        if isinstance(self._stopped, Transient):
            raise NotSent(self._stopped.where, self._stopped.problem, self._stopped.advice)
        if self._stopped:
            raise self._stopped

    async def _exchange(self, where: ErrorLocation, asked: Request) -> tuple[int, httpx.Headers, bytes]:
        try:
            async with asyncio.timeout(self.client.settings.total_timeout_seconds):
                return await send_request(self.client.httpx_client, self.stats, where, self._target, asked)
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
            self._origin.record_success()
            self._concurrency.record_success()
            return
        if not self._origin.remaining_hold_seconds():  # the 429s of requests that left together are one event
            self._origin.slow_down()
            self._concurrency.slow_down()
        self._origin.hold(parse_retry_after(headers, self.clock.now()) or 0.0)
