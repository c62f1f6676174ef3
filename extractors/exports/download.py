"""Downloads behind signed links: streamed, never held in memory, without any credential, from allowed hosts only.

The link is a secret of its own: it stands in no error, log or manifest. What the file says is not read here.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn, Protocol
from urllib.parse import parse_qsl, urlsplit

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential

from extractors import redaction
from extractors.errors import (
    Deferred,
    ErrorLocation,
    ForbiddenHost,
    LinkExpired,
    RateLimited,
    RequestRefused,
    ResponseTooLarge,
    ShapeError,
    Transient,
)
from extractors.exports.csv_lines import CsvRecordCounter
from extractors.http.messages import KEPT_HEADERS, raise_for_status
from extractors.http.session import Session, log_request
from extractors.http.transport import MAX_REDIRECTS

MAX_BYTES = 16 * 2**30  # of one file after decompression: about a hundred million conversations
MAX_SECONDS = 2 * 3600
_PIECE = 2**20
_ERROR_BYTES = 2**16
_STALE = (403, 404, 410)
_LATER = "run the same command again later"
_SIGNATURE_LENGTH = 16  # what a link's query holds besides is shorter: dates, numbers, names of algorithms


class Sink(Protocol):
    """Where the decoded bytes go; beginning again takes back what was written."""

    def begin_body(self) -> None:
        """Begin the file, or begin it anew."""

    def write(self, piece: bytes) -> None:
        """Append decoded bytes."""


@dataclass(frozen=True)
class AllowedHosts:
    """Host names that may serve a file, at any port; ``plain_http`` where the account's own base_url is plain."""

    names: frozenset[str]
    plain_http: bool

    def validate_link(self, where: ErrorLocation, link: str) -> httpx.URL:
        """The link as a URL; ForbiddenHost when it leads elsewhere, ShapeError when it is no URL."""
        try:
            url = httpx.URL(link)
        except httpx.InvalidURL as error:
            raise ShapeError(where, "download link", "is no URL") from error
        if url.scheme not in ("http", "https") or not url.host:
            raise ShapeError(where, "download link", "is no absolute http(s) URL")
        if url.host.rstrip(".").casefold() not in self.names:
            raise ForbiddenHost(
                where,
                f"the file lies on {url.host}, which is none of {', '.join(sorted(self.names))}",
                "add it to the account's download_hosts if you trust it",
            )
        if url.userinfo:
            raise ForbiddenHost(where, f"the link to {url.host} carries a user name or password")
        if url.scheme == "http" and not self.plain_http:
            raise ForbiddenHost(where, f"the link to {url.host} is plain http", "only an http base_url allows that")
        return url


@dataclass(frozen=True)
class DownloadedFile:
    """A whole file: decoded and coded bytes, records below the header, and the headers that matter."""

    bytes: int
    encoded_bytes: int
    rows: int
    headers: dict[str, str]
    fetched_at: datetime


def register_link_secrets(link: str) -> None:
    """Keep a link's signature out of every text; also of what is no URL that could be followed."""
    try:
        query = urlsplit(link).query
    except ValueError:
        query = link
    redaction.register_signatures(query, *(value for _, value in parse_qsl(query) if len(value) >= _SIGNATURE_LENGTH))


async def download_file(session: Session, stream: str, link: str, hosts: AllowedHosts, sink: Sink) -> DownloadedFile:
    """Stream a CSV file into ``sink``, decoded; trouble on the way is retried from the start.

    Raises LinkExpired, ForbiddenHost, AnswerTooLarge, ShapeError, RequestRefused; Transient when no whole file came:
    fewer bytes than promised, or, where no length vouches for the end, an end in the middle of a line.
    """
    where, wire, clock = session.where(stream), session.client.settings, session.clock
    register_link_secrets(link)
    waited, held = 0.0, False

    def wait(state: RetryCallState) -> float:
        nonlocal waited, held
        error = state.outcome.exception() if state.outcome else None
        held = isinstance(error, RateLimited)
        backoff: float = wait_random_exponential(wire.backoff_seconds, wire.backoff_cap_seconds)(state)
        if not isinstance(error, RateLimited):
            return backoff
        asked_for = max(error.retry_after or 0.0, backoff)
        waited += asked_for
        if waited > session.account.max_wait_seconds:
            _defer(session, where, asked_for, error)
        return asked_for

    async def pause(seconds: float) -> None:
        session.stats.retries += 1
        with session.stats.measure_wait(clock) if held else nullcontext():
            await clock.sleep(seconds)

    async def attempt() -> DownloadedFile:
        try:
            async with asyncio.timeout(MAX_SECONDS):
                return await _once(session, where, link, hosts, sink)
        except (httpx.TransportError, zlib.error, TimeoutError) as error:
            what = redaction.redact(str(error)) or type(error).__name__
            raise Transient(where, f"the file did not come whole: {what}", _LATER) from error

    retrying = AsyncRetrying(
        retry=retry_if_exception_type((Transient, RateLimited)),
        stop=stop_after_attempt(wire.max_attempts),
        wait=wait,
        sleep=pause,
        reraise=True,
    )
    try:
        found: DownloadedFile = await retrying(attempt)
    except RateLimited as error:
        _defer(session, where, error.retry_after or 0.0, error)
    return found


def _defer(session: Session, where: ErrorLocation, seconds: float, error: RateLimited) -> NoReturn:
    until = session.clock.now() + timedelta(seconds=seconds)
    raise Deferred(
        where,
        f"the file's host lets nobody in until {until:%Y-%m-%d %H:%M:%S} UTC, longer than a run waits",
        "run the same command again after that; what is loaded stays",
        until=until,
    ) from error


async def _once(session: Session, where: ErrorLocation, link: str, hosts: AllowedHosts, sink: Sink) -> DownloadedFile:
    url = hosts.validate_link(where, link)
    for _hop in range(MAX_REDIRECTS + 1):
        session.stats.requests += 1
        headers = {"Accept": "text/csv, */*", "Accept-Encoding": "gzip"}
        async with session.client.httpx_client.stream("GET", url, headers=headers) as response:
            if not response.has_redirect_location:
                began = session.clock.monotonic()
                file = await _receive(session, where, response, sink)
                seconds = session.clock.monotonic() - began
                log_request(where, "GET", url.host, response.status_code, file.bytes, seconds)  # not more of the link
                return file
            url = url.join(response.headers["location"])
            register_link_secrets(str(url))
            url = hosts.validate_link(where, str(url))
    raise ForbiddenHost(where, f"the download took more than {MAX_REDIRECTS} redirects")


async def _receive(session: Session, where: ErrorLocation, response: httpx.Response, sink: Sink) -> DownloadedFile:
    now = session.clock.now()
    if response.status_code != 200:
        await _refuse(where, response, now)
    lines, size, coded = CsvRecordCounter(), 0, _Coded(response)
    sink.begin_body()
    async for piece in coded.pieces(where):
        size += len(piece)
        if size > MAX_BYTES:
            raise ResponseTooLarge(where, f"a file of more than {MAX_BYTES} bytes")
        session.stats.bytes += len(piece)
        lines.feed(piece)
        sink.write(piece)
    promised = response.headers.get("content-length", "")
    if promised.isdecimal() and int(promised) != coded.size:
        raise Transient(where, f"{coded.size} of {promised} bytes of the file came", _LATER)
    if not (promised or coded.gzipped or lines.is_at_record_end):
        raise Transient(
            where,
            f"the file ends in the middle of line {max(lines.record_count, 1)} and no length says that this is its end",
            _LATER,
        )
    kept = {name: redaction.redact(response.headers[name]) for name in KEPT_HEADERS if name in response.headers}
    return DownloadedFile(size, coded.size, max(lines.record_count - 1, 0), kept, now)


async def _refuse(where: ErrorLocation, response: httpx.Response, now: datetime) -> NoReturn:
    said = b""
    async for piece in response.aiter_raw():
        said += piece
        if len(said) > _ERROR_BYTES:
            break
    status = response.status_code
    if status in _STALE:
        raise LinkExpired(where, f"the link to the file leads nowhere (HTTP {status})", _LATER, status=status)
    if status != 401:  # no credential was sent, so none was refused
        raise_for_status(where, status, response.headers, said, now)
    raise RequestRefused(where, f"the file's host answers HTTP {status}", "run again for a fresh link", status=status)


class _Coded:
    """The bytes of an answer as they travel, and decoded in pieces of limited size."""

    def __init__(self, response: httpx.Response) -> None:
        self.size = 0
        self.gzipped = False
        self._response = response

    async def pieces(self, where: ErrorLocation) -> AsyncIterator[bytes]:
        coding = self._response.headers.get("content-encoding", "identity").strip().casefold()
        if coding not in ("", "identity", "gzip", "x-gzip"):
            raise ShapeError(where, "content-encoding", "of the file is not accepted", coding)
        self.gzipped = coding.endswith("gzip")
        unpacked = _Gunzip() if self.gzipped else None
        async for raw in self._response.aiter_raw():
            self.size += len(raw)
            if unpacked is None:
                yield raw
                continue
            unpacked.take(raw)
            while piece := unpacked.next():
                yield piece
        if unpacked and not unpacked.ended:
            raise Transient(where, "the compressed file ends too early", _LATER)


class _Gunzip:
    """Members of a gzip stream, unpacked in pieces that stay small however well they were packed."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._waiting = b""
        self._cut = False
        self.ended = False

    def take(self, raw: bytes) -> None:
        self._waiting += raw

    def next(self) -> bytes:
        while self._waiting or self._cut:
            if self._member.eof:
                self._member = zlib.decompressobj(wbits=31)
            piece = self._member.decompress(self._waiting, _PIECE)
            self._waiting = self._member.unconsumed_tail or self._member.unused_data
            self._cut = len(piece) == _PIECE and not self._member.eof
            self.ended = self._member.eof
            if piece:
                return piece
        return b""
