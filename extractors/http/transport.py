"""One exchange over HTTP: sent to the account's own origin, redirected only within it, read within a size limit.

Retries and limits are not known here, and the meaning of a response is not read.
"""

import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import NamedTuple, cast

import httpx

from extractors.account import Credential
from extractors.errors import (
    CertificateRefused,
    ErrorLocation,
    ExtractionError,
    ForbiddenHost,
    NotSent,
    RequestRefused,
    ResponseTooLarge,
    ShapeError,
    Transient,
)
from extractors.http.decompression import open_unpacker, unpack
from extractors.http.encodings import read_codings
from extractors.http.messages import Request, Target, raise_for_status
from extractors.http.network import find_certificate_failure
from extractors.http.stats import RequestStats
from extractors.http.time_limits import Deadline
from extractors.redaction import redact

MAX_RESPONSE_BYTES = 256 * 2**20
"""Of one JSON response after decompression. Exports are streamed and have a limit of their own."""

MAX_REDIRECTS = 3
_MAX_ERROR_BYTES = 2**20
_PROXY_CREDENTIAL_STATUS = 407


class RawResponse(NamedTuple):
    """Status, headers and decoded body, not yet redacted."""

    status: int
    headers: httpx.Headers
    body: bytes


async def send_request(
    http: httpx.AsyncClient,
    deadline: Deadline,
    stats: RequestStats,
    where: ErrorLocation,
    target: Target,
    request: Request,
) -> RawResponse:
    """Send a request once and return the last response after redirects within the origin.

    Raises the errors of ``build_connection_error`` when no connection came about, Transient when no complete response
    arrived before the deadline, ForbiddenHost for a redirect that leaves the origin, ShapeError for a coding that was
    not asked for, and ResponseTooLarge.
    """
    try:
        async with deadline.limit_try():
            return await _follow_redirects(http, stats, where, target, request)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
        raise build_connection_error(where, error) from error
    except httpx.InvalidURL as error:
        raise _build_bad_redirect_error(where) from error
    except TimeoutError as error:
        problem = f"no whole answer in the {deadline.limit_seconds:g} seconds that a request and its tries may take"
        raise Transient(where, problem, "run the same command again later") from error
    except (httpx.TransportError, zlib.error) as error:
        raise Transient(
            where, f"no whole answer: {describe_error(error)}", "run the same command again later"
        ) from error


def build_connection_error(
    where: ErrorLocation, error: httpx.TransportError, address: str = "base_url"
) -> ExtractionError:
    """Return the error for a connection to ``address`` that did not come about: nothing was sent.

    CertificateRefused for a certificate that is not trusted, RequestRefused for a proxy that refuses its credential,
    else NotSent.
    """
    reason = find_certificate_failure(error)
    if reason is not None:
        return CertificateRefused(
            where,
            f"the certificate of {error.request.url.host} is not trusted ({redact(reason)})",
            "set network.ca_file to the authority that signed it, if that is your company's or your proxy's; "
            f"else check {address}",
        )
    if isinstance(error, httpx.ProxyError):
        problem = f"the proxy let no request through: {describe_error(error)}"
        if str(error).startswith(str(_PROXY_CREDENTIAL_STATUS)):
            advice = "check the credential in network.proxy"
            return RequestRefused(where, problem, advice, status=_PROXY_CREDENTIAL_STATUS)
        return NotSent(where, problem, "check network.proxy, or run again later")
    advice = f"check {address}, and network.proxy if a proxy is needed, or run again later"
    return NotSent(where, f"no connection: {describe_error(error)}", advice)


def describe_error(error: Exception) -> str:
    """Return the redacted text of an error, or the name of its class when it has none."""
    return redact(str(error)) or type(error).__name__


async def _follow_redirects(
    http: httpx.AsyncClient, stats: RequestStats, where: ErrorLocation, target: Target, request: Request
) -> RawResponse:
    # parsed once: to merge a query into a parsed URL takes longer, and neither a base URL nor a path has one
    url = httpx.URL(target.base_url + request.path, params={**request.query, **target.credential.query})
    for _hop in range(MAX_REDIRECTS + 1):
        async with _open_exchange(http, stats, url, target.credential, request) as response:
            if not response.has_redirect_location:
                read_body = read_limited_body if response.status_code < 300 else _read_error_body
                return RawResponse(response.status_code, response.headers, await read_body(response, where, stats))
        url = _check_redirect(where, target, request, response)
        if target.credential.query:
            url = url.copy_merge_params(target.credential.query)
    raise ForbiddenHost(where, f"more than {MAX_REDIRECTS} redirects", "check the account's base_url")


@asynccontextmanager
async def _open_exchange(
    http: httpx.AsyncClient, stats: RequestStats, url: httpx.URL, credential: Credential, request: Request
) -> AsyncIterator[httpx.Response]:
    headers = {"Accept": "application/json", **credential.headers}
    content = None
    if request.body is not None:
        content = json.dumps(request.body, separators=(",", ":")).encode()
        headers["Content-Type"] = "application/json"
    stats.requests += 1
    async with http.stream(request.method, url, content=content, headers=headers) as response:
        yield response


def _check_redirect(where: ErrorLocation, target: Target, request: Request, response: httpx.Response) -> httpx.URL:
    """Return the address of a redirect. Raises ForbiddenHost unless it stays in the origin and repeats the method.

    Raises UnexpectedStatus for a 303 after a POST: the request was carried out, and its answer lies elsewhere.
    """
    if response.status_code == 303 and request.method != "GET":
        raise_for_status(where, response.status_code, response.headers, b"", datetime.now(UTC))
    try:
        url = response.url.join(response.headers["location"])
    except (httpx.InvalidURL, ValueError) as error:
        raise _build_bad_redirect_error(where) from error
    if parse_origin(url) != parse_origin(target.base_url) or url.userinfo:
        raise ForbiddenHost(where, f"redirected to another host ({url.host})", "check the account's base_url")
    if response.status_code not in (307, 308) and request.method != "GET":
        raise ForbiddenHost(where, f"a {request.method} was redirected (HTTP {response.status_code})")
    return url


def _build_bad_redirect_error(where: ErrorLocation) -> ForbiddenHost:
    return ForbiddenHost(where, "redirected to an address that is no URL", "check the account's base_url")


async def read_limited_body(
    response: httpx.Response, where: ErrorLocation, stats: RequestStats, limit_bytes: int = MAX_RESPONSE_BYTES
) -> bytes:
    """Read and decode a body.

    Raises ResponseTooLarge as soon as it exceeds ``limit_bytes``, and ShapeError for a coding that was not asked for.
    """
    unpacker = open_unpacker(read_codings(where, response.headers))
    pieces: list[bytes] = []
    size = 0
    async for piece in unpack(aiter(cast("httpx.AsyncByteStream", response.stream)), unpacker):
        size += len(piece)
        stats.bytes += len(piece)
        if size > limit_bytes:
            raise ResponseTooLarge(where, f"an answer of more than {limit_bytes} bytes")
        pieces.append(piece)
    return b"".join(pieces)


async def _read_error_body(response: httpx.Response, where: ErrorLocation, stats: RequestStats) -> bytes:
    """Return the body of a refusal; nothing of one that is longer than 1 MiB or cannot be unpacked.

    Its status counts more than its words. Half of it is not kept: a secret that was cut would not be masked.
    """
    try:
        return await read_limited_body(response, where, stats, _MAX_ERROR_BYTES)
    except (ResponseTooLarge, ShapeError, zlib.error):
        return b""


def parse_origin(url: httpx.URL | str) -> tuple[str, str, int | None]:
    """Return scheme, host and port, to which a credential is bound.

    httpx parses the URL, as it does when it sends: two parsers could disagree about the host.
    """
    parsed = httpx.URL(url)
    return parsed.scheme, parsed.host, parsed.port or {"http": 80, "https": 443}.get(parsed.scheme)
