"""One exchange on the wire: sent to the account's own origin, followed within it, read within a size limit.

Retries, limits and credentials' owners are not known here; nothing is read of what an answer means.
"""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import httpx

from extractors.account import Credential
from extractors.clock import Clock
from extractors.errors import ErrorLocation, ForbiddenHost, ResponseTooLarge, Transient
from extractors.http.messages import Request
from extractors.redaction import redact

MAX_RESPONSE_BYTES = (
    256 * 2**20
)  # of one JSON answer after decompression; exports are streamed and have their own limit
MAX_REDIRECTS = 3
_SHOWN = 80  # characters of a body that is no JSON


@dataclass
class RequestStats:
    """What one account did on the wire: bytes of answers after decompression, seconds in which it waited for limits.

    ``requests`` are all that left, ``retries`` those among them that repeat another.
    """

    requests: int = 0
    retries: int = 0
    bytes: int = 0
    waited_seconds: float = 0.0
    _waiting: int = field(default=0, repr=False, compare=False)
    _since: float = field(default=0.0, repr=False, compare=False)

    def __add__(self, other: "RequestStats") -> "RequestStats":
        return RequestStats(
            self.requests + other.requests,
            self.retries + other.retries,
            self.bytes + other.bytes,
            self.waited_seconds + other.waited_seconds,
        )

    @contextmanager
    def measure_wait(self, clock: Clock) -> Iterator[None]:
        """Inside, a request waits for a limit. Several that wait at the same time are no longer wait than one."""
        if not self._waiting:
            self._since = clock.monotonic()
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self.waited_seconds += clock.monotonic() - self._since


@dataclass(frozen=True)
class Target:
    """Where an account's requests go, and the credential that goes there and nowhere else."""

    base_url: str
    credential: Credential


async def send_request(
    http: httpx.AsyncClient, counts: RequestStats, where: ErrorLocation, target: Target, asked: Request
) -> tuple[int, httpx.Headers, bytes]:
    """Status, headers and decoded body of the last answer after redirects within the origin.

    Raises ForbiddenHost for a redirect that leads elsewhere, AnswerTooLarge, and httpx's own errors.
    """
    url = httpx.URL(target.base_url + asked.path)
    query = {**asked.query, **target.credential.query}
    for _hop in range(MAX_REDIRECTS + 1):
        async with _sent(http, counts, url.copy_merge_params(query), target.credential, asked) as response:
            if not response.has_redirect_location:
                return response.status_code, response.headers, await read_limited_body(response, where, counts)
        url, query = _redirected(where, target, asked, response), dict(target.credential.query)
    raise ForbiddenHost(where, f"more than {MAX_REDIRECTS} redirects", "check the account's base_url")


@asynccontextmanager
async def _sent(
    http: httpx.AsyncClient, counts: RequestStats, url: httpx.URL, credential: Credential, asked: Request
) -> AsyncIterator[httpx.Response]:
    headers = {"Accept": "application/json", **credential.headers}
    content = None
    if asked.body is not None:
        content = json.dumps(asked.body, separators=(",", ":")).encode()
        headers["Content-Type"] = "application/json"
    counts.requests += 1
    async with http.stream(asked.method, url, content=content, headers=headers) as response:
        yield response


def _redirected(where: ErrorLocation, target: Target, asked: Request, response: httpx.Response) -> httpx.URL:
    try:
        url = response.url.join(response.headers["location"])
    except (httpx.InvalidURL, ValueError) as error:
        raise ForbiddenHost(where, "redirected to what is no URL", "check the account's base_url") from error
    if parse_origin(url) != parse_origin(target.base_url) or url.userinfo:
        raise ForbiddenHost(where, f"redirected to another host ({url.host})", "check the account's base_url")
    if response.status_code not in (307, 308) and asked.method != "GET":
        raise ForbiddenHost(where, f"a {asked.method} was redirected (HTTP {response.status_code})")
    return url


async def read_limited_body(
    response: httpx.Response, where: ErrorLocation, counts: RequestStats, limit: int = MAX_RESPONSE_BYTES
) -> bytes:
    """The decoded body; AnswerTooLarge as soon as it exceeds ``limit`` bytes."""
    pieces: list[bytes] = []
    size = 0
    async for piece in response.aiter_bytes():
        size += len(piece)
        counts.bytes += len(piece)
        if size > limit:
            raise ResponseTooLarge(where, f"an answer of more than {limit} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def check_json(where: ErrorLocation, body: bytes) -> None:
    """Transient for a body that does not parse: gateways answer HTML, and connections cut answers short."""
    try:
        json.loads(body)
    except (ValueError, RecursionError) as error:
        what = f"the answer is cut short or no JSON, saw {_begins(body)}" if body else "the answer is empty"
        raise Transient(where, what, "run the same command again later") from error


def _begins(body: bytes) -> str:
    text = redact(repr(body[:4096].decode(errors="replace")))  # before it is cut, lest half a secret is left
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def parse_origin(url: httpx.URL | str) -> tuple[str, str, int | None]:
    """Scheme, host and port: what a credential is bound to. Read by the library that sends, lest two differ."""
    parsed = httpx.URL(url)
    return parsed.scheme, parsed.host, parsed.port or {"http": 80, "https": 443}.get(parsed.scheme)
