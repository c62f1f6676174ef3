"""What came back from a provider, and how its refusals are read. Nothing is sent from here."""

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

KEPT_HEADERS = (
    "content-type",
    "content-length",
    "content-encoding",
    "date",
    "etag",
    "last-modified",
    "location",
    "x-request-id",
)
_SECONDS = re.compile(r"\d+(\.\d*)?")
_LONGEST = timedelta(days=366).total_seconds()  # further away is as good as never, and no date can overflow


@dataclass(frozen=True)
class Request:
    """A request without its credential: what a manifest may say of it."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True)
class Response:
    """One answer of an API: its verbatim body, and ``context``, small facts a transform needs to place it."""

    request: Request
    status: int
    headers: Mapping[str, str]
    fetched_at: datetime
    body: bytes
    context: Mapping[str, Any] = field(default_factory=dict)

    def json(self) -> Any:
        """The body as JSON; the client has already made sure that it parses."""
        return json.loads(self.body)


def raise_for_status(where: ErrorLocation, status: int, headers: httpx.Headers, body: bytes, now: datetime) -> None:
    """Raise the error of the taxonomy that fits a status of 400 and above; return for any other."""
    if status < 400:
        return
    said = parse_error_message(body)
    what = f"HTTP {status}" + (f", the provider says: {said}" if said else "")
    error: ExtractionError
    if status in (401, 403):
        error = CredentialRefused(where, what, "check the account's credential and its permissions")
    elif status == 429:
        error = RateLimited(where, what, retry_after=parse_retry_after(headers, now))
    elif status == 408 or status >= 500:
        advice = "the provider has trouble; run the same command again later"
        error = Transient(where, what, advice, retry_after=parse_retry_after(headers, now))
    else:
        error = RequestRefused(where, what, "check the account's ids and settings", status=status, body=body)
    raise error


def parse_retry_after(headers: httpx.Headers, now: datetime) -> float | None:
    """Seconds that ``Retry-After`` asks for, given as a number or as an HTTP date; None when it says neither."""
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), _LONGEST)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(0.0, seconds), _LONGEST)


def parse_error_message(body: bytes) -> str:
    """The provider's own words in an error body, one printable line, without secrets; empty when there are none."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    line = " ".join(_words(told).split())
    return redact("".join(char if char.isprintable() else "?" for char in line))[:300]


def _words(told: Any) -> str:
    if isinstance(told, str):
        return told
    if not isinstance(told, dict):
        return ""
    for key in ("message", "detail", "title", "error", "error_description"):
        words = _words(told.get(key))
        if words:
            return words
    return ""
