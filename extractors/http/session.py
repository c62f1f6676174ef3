"""One account's requests: its credential, limits and retries. The credential goes to the account's own origin only.

No provider is known here. Retries follow the taxonomy of ``extractors.errors``.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic

from extractors.account import A_co
from extractors.clock import Clock
from extractors.errors import (
    BudgetUsedUp,
    CertificateRefused,
    CredentialRefused,
    ErrorLocation,
    NotSent,
    RateLimited,
    ShapeError,
    Transient,
)
from extractors.http.answers import CURRENT_ANSWERS
from extractors.http.limits import ConcurrencyLimiter, RateLimiter
from extractors.http.messages import (
    STRICT_BODY,
    BodyRules,
    Request,
    Response,
    Target,
    check_body,
    parse_retry_after,
    raise_for_status,
    select_kept_headers,
)
from extractors.http.retry import Retriable, RetryPolicy
from extractors.http.settings import HttpSettings
from extractors.http.stats import RequestStats, log_request
from extractors.http.time_limits import Deadline
from extractors.json_body import format_json
from extractors.redaction import redact_body
from extractors.secret_fields import may_hold_secret_fields, remove_secret_fields

if TYPE_CHECKING:
    import httpx


class Session(Generic[A_co]):
    """The requests of one account in one run.

    The first request goes alone; the others wait until its credential is accepted. A refused credential, a certificate
    of the provider that is not trusted, or ``settings.breaker_threshold`` requests given up in a row, stop the account
    for the rest of the run.
    """

    def __init__(
        self,
        account: A_co,
        httpx_client: "httpx.AsyncClient",
        settings: HttpSettings,
        clock: Clock,
        rate_limiter: RateLimiter,
        concurrency_limiter: ConcurrencyLimiter,
    ) -> None:
        self.account = account
        self.httpx_client = httpx_client
        self.settings = settings
        self.clock = clock
        self.started_at = clock.now()
        self.stats = RequestStats()
        self.run_state: dict[str, Any] = {}  # facts that an extractor learnt and need not request twice in a run
        self._target = Target(account.base_url, account.credential())
        self._rate_limiter = rate_limiter
        self._concurrency_limiter = concurrency_limiter
        self._first_request_lock = asyncio.Lock()
        self._credential_accepted = False
        self._stop_error: CredentialRefused | CertificateRefused | Transient | None = None
        self._given_up_in_a_row = 0

    @property
    def is_stopped(self) -> bool:
        """Whether no more requests are sent for this account in this run."""
        return self._stop_error is not None

    def where(self, stream: str) -> ErrorLocation:
        """Return the names of account and stream for errors."""
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
        body_rules: BodyRules = STRICT_BODY,
        is_landed: bool = True,
    ) -> Response:
        """Request one JSON response and return it, its body checked by ``body_rules`` (``check_body``).

        ``send_once`` is for requests that create something: they are repeated only after a 429, or when nothing had
        been sent. Unless ``is_landed`` is false, the response is kept at once (``extractors.http.answers``), and one
        that a killed run got to the same request takes its place. Raises the errors of ``extractors.errors``.
        """
        request = Request(method, path, dict(query or {}), body)
        store = CURRENT_ANSWERS.get() if is_landed else None
        response = store.recall(stream, request) if store else None
        if response is None:
            response = await self._send_in_turn(stream, request, context, send_once, body_rules)
            if store:
                store.record(stream, response)
        return response

    async def _send_in_turn(
        self, stream: str, request: Request, context: Mapping[str, Any] | None, send_once: bool, body_rules: BodyRules
    ) -> Response:
        """Send a request; until the credential is accepted, one at a time."""
        if not self._credential_accepted:
            async with self._first_request_lock:
                if not self._credential_accepted:
                    response = await self._send_with_retries(stream, request, context, send_once, body_rules)
                    self._credential_accepted = True
                    return response
        return await self._send_with_retries(stream, request, context, send_once, body_rules)

    async def _send_with_retries(
        self, stream: str, request: Request, context: Mapping[str, Any] | None, send_once: bool, body_rules: BodyRules
    ) -> Response:
        """Send a request by the retry policy, and stop the account when its credential or its provider fails."""
        retriable = (NotSent, RateLimited) if send_once else (Transient, RateLimited)

        def can_retry(error: Retriable) -> bool:
            return isinstance(error, retriable) and not self.is_stopped

        policy = RetryPolicy(
            self.where(stream),
            self.clock,
            self.stats,
            self.settings,
            self.account.max_wait_seconds,
            can_retry=can_retry,
            on_rate_limited=self._rate_limiter.hold,
        )
        try:
            response = await policy.run(
                lambda deadline: self._send_once(policy, deadline, request, context or {}, body_rules)
            )
        except (CredentialRefused, CertificateRefused) as error:
            self._stop_error = error
            raise
        except Transient as error:
            self._given_up_in_a_row += 1
            if self._given_up_in_a_row >= self.settings.breaker_threshold:
                self._stop_error = error
            raise
        self._given_up_in_a_row = 0
        return response

    async def _send_once(
        self,
        policy: RetryPolicy,
        deadline: Deadline,
        request: Request,
        context: Mapping[str, Any],
        body_rules: BodyRules,
    ) -> Response:
        """Wait for the limits, send a request once, and return its redacted response or raise its error."""
        from extractors.http.transport import send_request  # with httpx: it would hold up a command that sends nothing

        where = policy.where
        async with self._concurrency_limiter.acquire_slot():
            self._raise_if_stopped()
            with self.stats.measure_wait(self.clock):
                slot = await self._rate_limiter.acquire(self.account.max_wait_seconds)
            if slot is None:
                raise policy.build_deferred_error(self._rate_limiter.remaining_hold_seconds())
            self._raise_if_stopped()  # another request may have been refused while this one waited
            self.raise_if_budget_is_used(where)
            fetched_at, began = self.clock.now(), self.clock.monotonic()
            try:
                status, headers, raw_body = await send_request(
                    self.httpx_client, deadline, self.stats, where, self._target, request
                )
            finally:
                self._rate_limiter.record_end(slot)
            self._adapt_limits(status, headers)
        body = redact_body(raw_body)
        log_request(where, request.method, request.path, status, len(raw_body), self.clock.monotonic() - began)
        raise_for_status(where, status, headers, body, self.clock.now(), body_rules.statuses)
        response = Response(request, status, select_kept_headers(headers), fetched_at, body, context)
        check_body(where, response, body_rules)
        return _leave_out_secret_fields(where, response, body_rules)

    def raise_if_budget_is_used(self, where: ErrorLocation) -> None:
        """Raise BudgetUsedUp when the account has asked for as much as a run may. Call it before sending only.

        A request under way goes on: its own limits bound it, and what it was to create may exist.
        """
        budget, stats = self.account.budget, self.stats
        if stats.requests >= budget.requests:
            name, used = "requests", f"{stats.requests} requests were sent (budget.requests: {budget.requests})"
        elif stats.bytes >= budget.megabytes * 10**6:
            name, used = "megabytes", f"{stats.bytes / 10**6:.1f} MB have come (budget.megabytes: {budget.megabytes})"
        else:
            return
        raise BudgetUsedUp(
            where,
            f"the account's budget of one run is used up: {used}",
            "no more is sent for it in this run, and what is landed stays; if that is no more than you expect, set a "
            f"higher budget.{name} for {where.account} and run the same command again",
        )

    def _raise_if_stopped(self) -> None:
        if isinstance(self._stop_error, Transient):
            raise NotSent(self._stop_error.where, self._stop_error.problem, self._stop_error.advice)
        if self._stop_error:
            raise self._stop_error

    def _adapt_limits(self, status: int, headers: Mapping[str, str]) -> None:
        """Slow down after a 429, or recover, before the next request may be sent."""
        if status != 429:
            self._rate_limiter.record_success()
            self._concurrency_limiter.record_success()
            return
        if not self._rate_limiter.remaining_hold_seconds():  # 429s of requests that were sent together are one event
            self._rate_limiter.slow_down()
            self._concurrency_limiter.slow_down()
        self._rate_limiter.hold(parse_retry_after(headers, self.clock.now()) or 0.0)


def _leave_out_secret_fields(where: ErrorLocation, response: Response, rules: BodyRules) -> Response:
    """Return a response without the credentials of the objects in its body; the response itself when it has none.

    Raises ShapeError for a body that is nested too deeply to be searched.
    """
    if not response.body or not (rules.is_listing or may_hold_secret_fields(response.body)):
        return response
    try:
        root = remove_secret_fields(response.root, is_listing=rules.is_listing)
        return response if root is response.root else replace(response, body=format_json(root).encode())
    except RecursionError as error:
        raise ShapeError(where, "$", "is nested too deeply", response.body, is_landed=False) from error
