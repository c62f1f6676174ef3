"""The HTTP client of a run: its connections, and the rate limiter of each origin. No provider is known here.

A request is sent by an account's ``Session`` (``extractors.http.session``). httpx is imported when a client is opened.
"""

import logging
from typing import Self

from extractors.account import A
from extractors.clock import SYSTEM_CLOCK, Clock
from extractors.errors import CredentialMissing, ErrorLocation
from extractors.http.limits import ConcurrencyLimiter, RateLimiter, RequestLimits
from extractors.http.network import DIRECT, Network
from extractors.http.session import Session
from extractors.http.settings import DEFAULT_HTTP_SETTINGS, HttpSettings
from extractors.http.shared_limits import Origin, account_limits, limiter_key
from extractors.http.stats import RequestStats

for _logger_name in ("httpx", "httpcore"):  # they log whole URLs, also those with a key in them
    logging.getLogger(_logger_name).setLevel(logging.WARNING)


class Client:
    """Connections and limits of one run. Use as ``async with Client() as client``, in the event loop that it serves."""

    def __init__(
        self, settings: HttpSettings = DEFAULT_HTTP_SETTINGS, clock: Clock = SYSTEM_CLOCK, network: Network = DIRECT
    ) -> None:
        from extractors.http.httpx_client import open_httpx_client

        self.settings = settings
        self.clock = clock
        self._session_stats: list[RequestStats] = []
        self._rate_limiters: dict[tuple[str, Origin], RateLimiter] = {}
        self.httpx_client = open_httpx_client(settings, network)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.httpx_client.aclose()

    @property
    def stats(self) -> RequestStats:
        """The sum of the counters of all sessions."""
        return sum(self._session_stats, RequestStats())

    def open_session(self, account: A, defaults: RequestLimits) -> Session[A]:
        """Open a session for one account. ``defaults`` are the provider's limits; the account may override them.

        Accounts of one provider and origin share a rate limiter. Where their limits disagree, the slowest rate counts.
        Raises CredentialMissing for an account whose credential has an unset variable: no request can go without it.
        """
        if account.unset_variables:
            raise CredentialMissing(ErrorLocation(account.provider, account.name), account.unset_variables)
        limits = account_limits(account, defaults)
        rate_limiter = self._rate_limiters.setdefault(limiter_key(account), RateLimiter(limits, self.clock))
        rate_limiter.apply_stricter(limits)
        concurrency_limiter = ConcurrencyLimiter(limits.concurrency)
        session = Session(account, self.httpx_client, self.settings, self.clock, rate_limiter, concurrency_limiter)
        self._session_stats.append(session.stats)
        return session
