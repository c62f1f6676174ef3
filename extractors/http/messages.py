"""Requests and responses as values, and the error that a response's status stands for. Nothing is sent here.

The meaning of a body is not read, except the message of an error.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from extractors.errors import CredentialRefused, ErrorLocation, ExtractionError, RateLimited, RequestRefused, Transient
from extractors.redaction import redact

_KEPT_HEADERS = (
    "content-type",
    "content-length",
    "content-encoding",
    "date",
    "etag",
    "last-modified",
    "location",
    "x-request-id",
)
_DECIMAL_SECONDS = re.compile(r"\d+(\.\d*)?")
_LONGEST_RETRY_AFTER = timedelta(days=366).total_seconds()  # a cap, so that adding it to a date cannot overflow
_MESSAGE_LENGTH = 300  # characters
_MESSAGE_KEYS = ("message", "detail", "title", "error", "error_description")


@dataclass(frozen=True)
class Request:
    """A request without its credential, as it is written into a manifest."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True)
class Response:
    """One response of an API with its verbatim body (secrets masked).

    ``fetched_at`` is the instant (UTC) at which the request was sent. ``context`` holds the facts that a transform
    needs beside the body; each provider declares their types in its ``contexts`` module.
    """

    request: Request
    status: int
    headers: Mapping[str, str]
    fetched_at: datetime
    body: bytes
    context: Mapping[str, Any] = field(default_factory=dict)

    def json(self) -> Any:
        """Return the body as JSON. The session has checked that it parses, unless it is empty."""
        return json.loads(self.body)


def select_kept_headers(headers: httpx.Headers) -> dict[str, str]:
    """Return the headers that a manifest keeps, redacted."""
    return {name: redact(headers[name]) for name in _KEPT_HEADERS if name in headers}


def raise_for_status(where: ErrorLocation, status: int, headers: httpx.Headers, body: bytes, now: datetime) -> None:
    """Raise the error of the taxonomy for a status of 400 and above; return for any other.

    401 and 403 raise CredentialRefused, 429 RateLimited, 408 and 5xx Transient, any other RequestRefused. ``now`` is
    an aware instant, from which a ``Retry-After`` date counts.
    """
    if status < 400:
        return
    message = parse_error_message(body)
    problem = f"HTTP {status}" + (f", the provider says: {message}" if message else "")
    error: ExtractionError
    if status in (401, 403):
        error = CredentialRefused(where, problem, "check the account's credential and its permissions")
    elif status == 429:
        error = RateLimited(where, problem, retry_after=parse_retry_after(headers, now))
    elif status == 408 or status >= 500:
        advice = "the provider has trouble; run the same command again later"
        error = Transient(where, problem, advice, retry_after=parse_retry_after(headers, now))
    else:
        error = RequestRefused(where, problem, "check the account's ids and settings", status=status, body=body)
    raise error


def parse_retry_after(headers: httpx.Headers, now: datetime) -> float | None:
    """Return the seconds of ``Retry-After``, given as a number or as an HTTP date; None when it is neither.

    The result is capped at one year (366 days), so that adding it to a date cannot overflow.
    """
    text = headers.get("retry-after", "").strip()
    if _DECIMAL_SECONDS.fullmatch(text):
        return min(float(text), _LONGEST_RETRY_AFTER)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(0.0, seconds), _LONGEST_RETRY_AFTER)


def parse_error_message(body: bytes) -> str:
    """Return the provider's message in an error body as one printable line without secrets; empty when it has none."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    line = " ".join(_find_message(parsed).split())
    return redact("".join(char if char.isprintable() else "?" for char in line))[:_MESSAGE_LENGTH]


def _find_message(value: Any) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return ""
    for key in _MESSAGE_KEYS:
        message = _find_message(value.get(key))
        if message:
            return message
    return ""
