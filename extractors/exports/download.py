"""Downloads behind signed links: streamed, never held in memory, without any credential, from allowed hosts only.

The link is a secret of its own: it appears in no error, log or manifest. The contents of the file are not read here.
"""

import hashlib
import re
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn, Protocol

import httpx

from extractors.account import Account
from extractors.errors import (
    ErrorLocation,
    ForbiddenHost,
    LinkExpired,
    RequestRefused,
    ResponseTooLarge,
    Transient,
)
from extractors.exports.csv_lines import CsvCounts, CsvRecordCounter
from extractors.exports.hosts import AllowedHosts, register_link_secrets
from extractors.http.decompression import Unpacker, open_unpacker, unpack
from extractors.http.encodings import read_codings
from extractors.http.messages import raise_for_status, select_kept_headers
from extractors.http.retry import RetryPolicy
from extractors.http.session import Session
from extractors.http.stats import log_request
from extractors.http.time_limits import Deadline
from extractors.http.transport import MAX_REDIRECTS, build_connection_error, describe_error
from extractors.provider_message import parse_error_message
from extractors.redaction import FileRedactor, redact

MAX_BYTES = 16 * 2**30  # of one file after decompression: about a hundred million conversations
MAX_SECONDS = 2 * 3600  # of one file, all tries together
_REQUESTED_CODINGS = ("gzip",)
_ERROR_BYTES = 2**16
_GZIP_MAGIC = b"\x1f\x8b"
_RETRIED_STATUSES = (408, 429)  # any other 4xx is the link's: stores answer an expired one with 400, 403, 404 or 410
_XML_CODE = re.compile(rb"<Code>\s*([A-Za-z0-9._-]{1,60})\s*</Code>")
_RETRY_ADVICE = "run the same command again later"


class Sink(Protocol):
    """The receiver of the decoded bytes. A second ``begin_body`` discards the bytes written so far."""

    def begin_body(self) -> None:
        """Begin the file, or begin it anew."""

    def write(self, piece: bytes) -> None:
        """Append decoded bytes."""


@dataclass(frozen=True)
class DownloadedFile:
    """A complete file: decoded and encoded bytes, its counts as a CSV file, kept headers, and the instant (UTC).

    ``is_end_confirmed`` if something said where the file ends: its length, the last chunk, or the end mark of gzip.
    A file without such a mark came twice, with the same bytes.
    """

    bytes: int
    encoded_bytes: int
    is_end_confirmed: bool
    counts: CsvCounts
    headers: dict[str, str]
    fetched_at: datetime

    @property
    def rows(self) -> int:
        """The records below the header."""
        return max(self.counts.record_count - 1, 0)


async def download_file(
    session: Session[Account], stream: str, link: str, hosts: AllowedHosts, sink: Sink
) -> DownloadedFile:
    """Stream a CSV file into ``sink``, decoded. After a failure it is downloaded again from the start.

    A file that is packed with gzip is unpacked, whether or not ``Content-Encoding`` names it. A file whose end nothing
    marks (``DownloadedFile``) may have been cut at the end of a line: it is downloaded until it comes twice alike.
    Raises LinkExpired, ForbiddenHost, ResponseTooLarge, ShapeError, RequestRefused, BudgetUsedUp, Deferred, and
    Transient when no complete file came: fewer bytes than announced, or, where nothing marks the end, an end in the
    middle of a line or downloads that differ.
    """
    where = session.where(stream)
    register_link_secrets(link)
    policy = RetryPolicy(
        where,
        session.clock,
        session.stats,
        session.settings,
        session.account.max_wait_seconds,
        limit_owner="the file host",
        deadline_seconds=MAX_SECONDS,
    )
    unmarked_hash = ""

    async def download(deadline: Deadline) -> DownloadedFile:
        nonlocal unmarked_hash
        file, content_hash = await _download_once(session, where, link, hosts, sink, deadline)
        if not file.is_end_confirmed and content_hash != unmarked_hash:
            unmarked_hash = content_hash
            problem = (
                f"nothing says that the {file.bytes} bytes that came are the whole file, and no other try brought them"
            )
            raise Transient(where, problem, _RETRY_ADVICE)
        return file

    return await policy.run(download)


async def _download_once(
    session: Session[Account],
    where: ErrorLocation,
    link: str,
    hosts: AllowedHosts,
    sink: Sink,
    deadline: Deadline,
) -> tuple[DownloadedFile, str]:
    session.raise_if_budget_is_used(where)
    try:
        async with deadline.limit_try():
            return await _follow_redirects(session, where, link, hosts, sink)
    except TimeoutError as error:
        problem = f"the file did not come whole in the {MAX_SECONDS} seconds that a download and its tries may take"
        raise Transient(where, problem, _RETRY_ADVICE) from error
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
        raise build_connection_error(where, error, "the file's host") from error
    except (httpx.TransportError, zlib.error) as error:
        raise Transient(where, f"the file did not come whole: {describe_error(error)}", _RETRY_ADVICE) from error


async def _follow_redirects(
    session: Session[Account], where: ErrorLocation, link: str, hosts: AllowedHosts, sink: Sink
) -> tuple[DownloadedFile, str]:
    url = hosts.validate_link(where, link)
    for _hop in range(MAX_REDIRECTS + 1):
        session.stats.requests += 1
        headers = {"Accept": "text/csv, */*", "Accept-Encoding": ", ".join(_REQUESTED_CODINGS)}
        async with session.httpx_client.stream("GET", url, headers=headers) as response:
            if not response.has_redirect_location:
                began = session.clock.monotonic()
                file, content_hash = await _receive_file(session, where, response, sink)
                seconds = session.clock.monotonic() - began
                log_request(where, "GET", url.host, response.status_code, file.bytes, seconds)  # the host alone
                return file, content_hash
            url = url.join(response.headers["location"])
            register_link_secrets(str(url))
            url = hosts.validate_link(where, str(url))
    raise ForbiddenHost(where, f"the download took more than {MAX_REDIRECTS} redirects")


async def _receive_file(
    session: Session[Account], where: ErrorLocation, response: httpx.Response, sink: Sink
) -> tuple[DownloadedFile, str]:
    """Receive a file whole. Its hash is for a file without a length only; hashing costs as much as unpacking."""
    fetched_at = session.clock.now()
    if response.status_code != 200:
        await _raise_for_refusal(where, response, fetched_at)
    records, size, encoded, digest = CsvRecordCounter(), 0, _EncodedBody(response), hashlib.sha256()
    redactor = FileRedactor()
    sink.begin_body()
    async for piece in encoded.iter_decoded(where):
        size += len(piece)
        if size > MAX_BYTES:
            raise ResponseTooLarge(where, f"a file of more than {MAX_BYTES} bytes")
        session.stats.bytes += len(piece)
        records.feed(piece)
        if not encoded.has_framed_end:
            digest.update(piece)
        sink.write(redactor.feed(piece))
    sink.write(redactor.finish())
    _check_complete(where, encoded, records)
    headers = select_kept_headers(response.headers)
    file = DownloadedFile(size, encoded.size, encoded.is_end_confirmed, records.counts, headers, fetched_at)
    return file, digest.hexdigest()


def _check_complete(where: ErrorLocation, encoded: "_EncodedBody", records: CsvRecordCounter) -> None:
    """Raise Transient for a file that is shorter than announced, or that ends in a line.

    A last line without its line end is whole where the length or gzip says so. Chunks say less: a gateway ends them
    properly although its own source broke off.
    """
    if encoded.announced_size not in (None, encoded.size):
        raise Transient(where, f"{encoded.size} of {encoded.announced_size} bytes of the file came", _RETRY_ADVICE)
    if encoded.announced_size is None and not (encoded.is_gzip or records.is_at_record_end):
        line = max(records.record_count, 1)
        problem = f"the file ends in the middle of line {line} and no length says that this is its end"
        raise Transient(where, problem, _RETRY_ADVICE)


async def _raise_for_refusal(where: ErrorLocation, response: httpx.Response, now: datetime) -> NoReturn:
    """Raise the error of a status other than 200, with the start of the body for its message."""
    body = b""
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > _ERROR_BYTES:
            break
    status = response.status_code
    if 400 <= status < 500 and status not in _RETRIED_STATUSES:
        code = _XML_CODE.search(body)
        reason = redact(code[1].decode()) if code else parse_error_message(body)
        problem = f"the link to the file leads nowhere (HTTP {status}{', ' + reason if reason else ''})"
        raise LinkExpired(where, problem, _RETRY_ADVICE, status=status)
    if status >= 400:
        raise_for_status(where, status, response.headers, body, now)
    raise RequestRefused(where, f"the file's host answers HTTP {status}", "run again for a fresh link", status=status)


class _EncodedBody:
    """The bytes of a response as they travel, decoded in pieces of limited size.

    A file that is itself packed with gzip is unpacked too. ``has_framed_end`` if its length was announced or it comes
    in chunks: the transport sees to it that it is whole.
    """

    def __init__(self, response: httpx.Response) -> None:
        length = response.headers.get("content-length", "")
        self.size = 0
        self.announced_size = int(length) if length.isdecimal() else None
        self.has_framed_end = bool(length) or "chunked" in response.headers.get("transfer-encoding", "").casefold()
        self._response = response
        self._unpacker: Unpacker | None = None

    @property
    def is_end_confirmed(self) -> bool:
        """Whether the end of the file was marked. A gzip file of several members may have been cut between two."""
        return self.has_framed_end or (self._unpacker is not None and self._unpacker.member_count == 1)

    @property
    def is_gzip(self) -> bool:
        """Whether the file was packed; its last member was whole."""
        return self._unpacker is not None

    async def iter_decoded(self, where: ErrorLocation) -> AsyncIterator[bytes]:
        """Yield the file piece by piece. Raises ShapeError for another coding, zlib.error for a damaged file."""
        self._unpacker = open_unpacker(read_codings(where, self._response.headers, _REQUESTED_CODINGS))
        pieces, start = unpack(self._iter_raw(), self._unpacker), b""
        async for piece in pieces:
            start += piece
            if len(start) >= len(_GZIP_MAGIC):
                break
        file_unpacker = Unpacker("gzip") if start.startswith(_GZIP_MAGIC) else None
        self._unpacker = self._unpacker or file_unpacker
        async for piece in unpack(_prepend(start, pieces), file_unpacker):
            yield piece

    async def _iter_raw(self) -> AsyncIterator[bytes]:
        async for raw in self._response.aiter_raw():
            self.size += len(raw)
            yield raw


async def _prepend(start: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield start
    async for piece in pieces:
        yield piece
