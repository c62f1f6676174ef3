"""The accounts that share a rate limiter, and the limits that count for an account. Nothing is sent here."""

from extractors.account import Account
from extractors.http.limits import RequestLimits

Origin = tuple[str, str, int | None]
"""Scheme, host and port."""


def account_limits(account: Account, defaults: RequestLimits) -> RequestLimits:
    """Return the limits of an account: its own, and the provider's ``defaults`` where it has none."""
    own = account.rate_limit
    return RequestLimits(
        own.requests if own.requests is not None else defaults.requests,
        own.period_seconds if own.period_seconds is not None else defaults.period_seconds,
        own.concurrency if own.concurrency is not None else defaults.concurrency,
    )


def limiter_key(account: Account) -> tuple[str, Origin]:
    """Return the key of an account's rate limiter: accounts of one provider and origin share it.

    By provider too: a proxy or a simulator may serve several providers at one address.
    """
    from extractors.http.transport import parse_origin  # imported late: it imports httpx

    return account.provider, parse_origin(account.base_url)
