"""Requests and responses as values, and the error that a response's status or body stands for. Nothing is sent here.

The meaning of a body is not read, except the message of an error.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
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
    ResponseTooLarge,
    ShapeError,
    Transient,
    UnexpectedStatus,
)
from extractors.http.encodings import refuse_other_encoding
from extractors.instants import parse_http_date
from extractors.json_body import MAX_VALUES, AmbiguousJson, has_too_many_values, parse_json_body, parse_json_text
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
_NO_ANSWER_ADVICE = "this is no whole answer of an API: check base_url, and what stands between here and the provider"
_SHOWN_CHARACTERS = 80  # of a body that is no JSON
_DECIMAL_SECONDS = re.compile(r"\d+(\.\d*)?")
_LONGEST_RETRY_AFTER = timedelta(days=366).total_seconds()  # a cap, so that adding it to a date cannot overflow


ONLY_200 = (200,)


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
    landed, set when it is, and ``body_file`` the name of the file of a long body.
    """

    request: Request
    status: int
    headers: Mapping[str, str]
    fetched_at: datetime
    body: bytes
    context: Mapping[str, Any] = field(default_factory=dict)
    place: Any = field(default=None, init=False, compare=False)
    body_file: str | None = field(default=None, init=False, compare=False)
    _measured: tuple[int, bytes] | None = field(default=None, init=False, compare=False, repr=False)

    @cached_property
    def root(self) -> Any:
        """The body as JSON in UTF-8 (``parse_json_text``). The session has checked it, unless it is empty."""
        return parse_json_text(self.body.decode().removeprefix("\ufeff"))

    def mark_landed(self, place: Any, measured: tuple[int, bytes] | None = None, body_file: str | None = None) -> None:
        """Note where this was landed. ``measured``: size and SHA-256 of what stands there, if that is another body."""
        self.place, self.body_file, self._measured = place, body_file, measured

    def measure_body(self) -> tuple[int, bytes]:
        """Return the bytes of the landed body in number, and their SHA-256, also when it was released."""
        return self._measured or (len(self.body), hashlib.sha256(self.body).digest())

    def release_body(self) -> None:
        """Free the body and its parsed value, if it is landed. For those who read many pages of one list."""
        if self.place is not None:
            self._measured, self.body = self.measure_body(), b""
            self.__dict__.pop("root", None)


@dataclass(frozen=True)
class BodyRules:
    """What is accepted beside a body that is JSON, reports no failure, and comes with HTTP 200.

    ``statuses`` are the accepted ones. ``allow_empty``: no body at all. ``allow_failure``: a body that reports a
    failure, for callers that read it themselves, such as the state of a job. ``is_listing``: the body lists objects of
    the provider's configuration, of which no credential is kept (``extractors.secret_fields``).
    """

    statuses: Collection[int] = ONLY_200
    allow_empty: bool = False
    allow_failure: bool = False
    is_listing: bool = False


STRICT_BODY = BodyRules()


def select_kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that are landed, redacted."""
    return {name: redact(headers[name]) for name in _KEPT_HEADERS if name in headers}


def raise_for_status(
    where: ErrorLocation,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    accepted: Collection[int] = ONLY_200,
) -> None:
    """Raise the error of the taxonomy for a status that is none of those ``accepted``.

    401 and 403 raise CredentialRefused, 429 RateLimited, 408 and 5xx Transient, any other RequestRefused; below 400
    that is UnexpectedStatus: 204 (no answer), 206 (a part of one), a 3xx that leads nowhere. ``now`` is an aware
    instant, from which a ``Retry-After`` date counts.
    """
    if status in accepted:
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
    elif status < 400:
        problem = (
            f"HTTP {status}, where only {' or '.join(map(str, accepted))} is an answer" + problem[len("HTTP 200") :]
        )
        error = UnexpectedStatus(where, problem, _NO_ANSWER_ADVICE, status=status, body=body)
    else:
        error = RequestRefused(where, problem, _advise_on_refusal(where, status, body), status=status, body=body)
    raise error


def _advise_on_refusal(where: ErrorLocation, status: int, body: bytes) -> str:
    if status == 409:
        return "the provider sees a conflict with another request; wait until that has ended, then run this again"
    if status == 407:
        return "check the credential in network.proxy"
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
    ShapeError for JSON that is ambiguous or not in UTF-8, ResponseTooLarge for JSON that would take gigabytes to parse,
    and RequestRefused with the provider's words for a reported failure.
    """
    if not response.body and rules.allow_empty:
        return
    if has_too_many_values(response.body):
        raise ResponseTooLarge(where, f"an answer of more than {MAX_VALUES} values, in {len(response.body)} bytes")
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
