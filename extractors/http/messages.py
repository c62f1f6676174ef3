"""Requests and responses as values, and the error that a response's status or body stands for. Nothing is sent here.

The meaning of a body is not read, except the message of an error.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from extractors.account import Credential
from extractors.errors import (
    CredentialRefused,
    ErrorLocation,
    ExtractionError,
    RateLimited,
    RequestRefused,
    ShapeError,
    Transient,
)
from extractors.http.encodings import refuse_other_encoding
from extractors.instants import parse_http_date
from extractors.json_body import AmbiguousJson, parse_json_body, parse_json_text
from extractors.provider_message import find_reported_failure, parse_error_message
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
_SHOWN_CHARACTERS = 80  # of a body that is no JSON
_DECIMAL_SECONDS = re.compile(r"\d+(\.\d*)?")
_LONGEST_RETRY_AFTER = timedelta(days=366).total_seconds()  # a cap, so that adding it to a date cannot overflow


@dataclass(frozen=True)
class Request:
    """A request without its credential, as it is landed."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True)
class Target:
    """The base URL of an account's requests, and the credential that goes there and nowhere else."""

    base_url: str
    credential: Credential


@dataclass
class Response:
    """One response of an API with its verbatim body (secrets masked).

    ``fetched_at`` is the instant (UTC) at which the request was sent. ``context`` holds the facts that a transform
    needs beside the body; each provider declares their types in its ``contexts`` module. ``place`` is where it was
    landed, set when it is; ``landed_body`` is the body that stands there, where it is another one.
    """

    request: Request
    status: int
    headers: Mapping[str, str]
    fetched_at: datetime
    body: bytes
    context: Mapping[str, Any] = field(default_factory=dict)
    place: Any = field(default=None, init=False, compare=False)
    landed_body: bytes | None = field(default=None, init=False, compare=False)

    @cached_property
    def root(self) -> Any:
        """The body as JSON in UTF-8 (``parse_json_text``). The session has checked it, unless it is empty."""
        return parse_json_text(self.body.decode().removeprefix("\ufeff"))


@dataclass(frozen=True)
class BodyRules:
    """What is accepted beside a body that is JSON and reports no failure.

    ``allow_empty``: no body at all. ``allow_failure``: a body that reports a failure, for callers that read it
    themselves, such as the state of a job. ``remove_secrets`` returns the body's JSON without fields that must not be
    kept.
    """

    allow_empty: bool = False
    allow_failure: bool = False
    remove_secrets: Callable[[Any], Any] | None = None


STRICT_BODY = BodyRules()


def select_kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that are landed, redacted."""
    return {name: redact(headers[name]) for name in _KEPT_HEADERS if name in headers}


def raise_for_status(where: ErrorLocation, status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raise the error of the taxonomy for a status that stands for no whole answer; return for any other below 300.

    401 and 403 raise CredentialRefused, 429 RateLimited, 408 and 5xx Transient, any other RequestRefused: 206 (a part
    of an answer) and a 3xx that leads nowhere too. ``now`` is an aware instant, from which a ``Retry-After`` date
    counts.
    """
    if status < 300 and status != 206:
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
        error = RequestRefused(where, problem, _advise_on_refusal(where, status, body), status=status, body=body)
    raise error


def _advise_on_refusal(where: ErrorLocation, status: int, body: bytes) -> str:
    if status == 409:
        return "the provider sees a conflict with another request; wait until that has ended, then run this again"
    if status == 407:
        return "check the credential in network.proxy"
    if status < 400:
        return "this is no whole answer of an API: check base_url, and what stands between here and the provider"
    if status in (404, 405) and not _is_json_object(body):
        return f"this is no answer of {where.provider}'s API (no JSON): check base_url, then the account's ids"
    return "check the account's ids and settings"


def _is_json_object(body: bytes) -> bool:
    try:
        return isinstance(parse_json_body(body), dict)
    except (ValueError, RecursionError):
        return False


def check_body(where: ErrorLocation, response: Response, rules: BodyRules) -> None:
    """Check that a body is JSON, and that it reports no failure in spite of its status.

    Raises Transient for a body that does not parse (gateways send HTML, and connections cut responses short),
    ShapeError for JSON that is ambiguous or not in UTF-8, and RequestRefused with the provider's words for a reported
    failure.
    """
    if not response.body and rules.allow_empty:
        return
    try:
        root = response.root
    except AmbiguousJson as error:
        raise ShapeError(where, error.field, error.problem, error.values, is_landed=False) from error
    except (ValueError, RecursionError) as error:
        body = response.body
        refuse_other_encoding(where, body)
        problem = f"the answer is cut short or no JSON, saw {_quote_start(body)}" if body else "the answer is empty"
        advice = "run the same command again later" + ("; if it stays, check base_url" if body else "")
        raise Transient(where, problem, advice) from error
    failure = None if rules.allow_failure else find_reported_failure(root)
    if failure:
        problem = f"HTTP {response.status}, but the provider says: {failure}"
        advice = "check the account's ids and settings"
        raise RequestRefused(where, problem, advice, status=response.status, body=response.body)


def _quote_start(body: bytes) -> str:
    # redact before truncating: a cut secret would not be matched
    text = redact(repr(body[:4096].decode(errors="replace")))
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def parse_retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds of ``Retry-After``, given as a number or as an HTTP date; None when it is neither.

    The result is capped at one year (366 days), so that adding it to a date cannot overflow.
    """
    text = headers.get("retry-after", "").strip()
    if _DECIMAL_SECONDS.fullmatch(text):
        return min(float(text), _LONGEST_RETRY_AFTER)
    at = parse_http_date(text)
    return None if at is None else min(max(0.0, (at - now).total_seconds()), _LONGEST_RETRY_AFTER)
