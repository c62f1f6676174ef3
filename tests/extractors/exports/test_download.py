"""Downloads behind signed links: where they may lead, what is sent along, and what counts as a whole file."""

import asyncio
import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest

from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.chatcaptain.provider import PROVIDER
from extractors.errors import (
    Deferred,
    ErrorLocation,
    ForbiddenHost,
    LinkExpired,
    RequestRefused,
    ResponseTooLarge,
    ShapeError,
    Transient,
)
from extractors.exports import download as downloads
from extractors.exports.download import DownloadedFile, download_file
from extractors.exports.hosts import AllowedHosts
from extractors.http.client import Client
from extractors.http.stats import RequestStats
from extractors.redaction import MASK, register_secrets
from tests.support.chatcaptain import FakeTime
from tests.support.http_session import MemorySink

CSV = b"id,date\n" + b"".join(b"c%d,2025-03-01\n" % number for number in range(5000))
WHERE = ErrorLocation("chatcaptain", "a", "export")
LOCAL = AllowedHosts(frozenset({"127.0.0.1", "localhost"}), plain_http=True)


Reply = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def run_file_host(*replies: Reply) -> Iterator[tuple[str, list[httpx.Headers]]]:
    """A host whose answers are written byte by byte; the last reply is given again and again."""
    seen: list[httpx.Headers] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            seen.append(httpx.Headers(dict(self.headers)))
            replies[min(len(seen), len(replies)) - 1](self)

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/file.csv?signature=secret-signature", seen
        finally:
            server.shutdown()
            thread.join()


def build_reply(body: bytes = CSV, status: int = 200, length: int | None = -1, **headers: str) -> Reply:
    """An answer; ``length`` -1 is the true one, None leaves it out and closes the connection at the end."""

    def send_reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        if length is not None:
            handler.send_header("Content-Length", str(len(body) if length < 0 else length))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True

    return send_reply


def download(
    link: str, hosts: AllowedHosts = LOCAL, time: FakeTime | None = None, stats: list[RequestStats] | None = None
) -> tuple[DownloadedFile, bytes]:
    account = ChatcaptainAccount(
        name="a", chatbot_id="c", api_key="planted-secret", base_url="http://127.0.0.1:1", max_wait_seconds=60
    )  # type: ignore[arg-type]

    async def run() -> tuple[DownloadedFile, bytes]:
        sink = MemorySink()
        async with Client(clock=(time or FakeTime()).as_clock()) as client:
            file = await download_file(client.open_session(account, PROVIDER.limits), "export", link, hosts, sink)
            if stats is not None:
                stats.append(client.stats)
            return file, sink.content

    return asyncio.run(run())


@pytest.mark.parametrize(
    "send_reply",
    [
        build_reply(),
        build_reply(length=None),
        build_reply(gzip.compress(CSV), Content_Encoding="gzip"),
        build_reply(gzip.compress(CSV), length=None, Content_Encoding="gzip"),
        build_reply(gzip.compress(CSV[:100]) + gzip.compress(CSV[100:]), Content_Encoding="x-gzip"),
        build_reply(CSV[:-1]),
        build_reply(gzip.compress(CSV)),
        build_reply(gzip.compress(CSV[:-1]), length=None),
        build_reply(gzip.compress(CSV[:100]) + gzip.compress(CSV[100:]), Content_Type="text/csv"),
        build_reply(gzip.compress(gzip.compress(CSV)), Content_Encoding="gzip"),
        build_reply(CSV.replace(b"\n", b"\r"), length=None),
    ],
)
def test_a_whole_file(send_reply: Reply) -> None:
    with run_file_host(send_reply) as (link, _):
        file, content = download(link)
    assert content in (CSV, CSV[:-1], CSV.replace(b"\n", b"\r"))
    assert (file.rows, file.bytes) == (5000, len(content))


def test_a_credential_in_a_file_is_masked() -> None:
    register_secrets("planted-credential")
    content, rows = CSV.replace(b"c77,", b"planted-credential,"), CSV.count(b"\n") - 1
    with run_file_host(build_reply(content)) as (link, _seen):
        file, landed = download(link)
    assert landed == content.replace(b"planted-credential", MASK.encode())
    assert (file.bytes, file.rows) == (len(content), rows)


@pytest.mark.parametrize(
    "send_reply",
    [
        build_reply(length=len(CSV) + 1),
        build_reply(CSV[:-4], length=None),
        build_reply(CSV[:-1], length=None),
        build_reply(CSV + b'"open\n', length=None),
        build_reply(gzip.compress(CSV)[:-12], length=None, Content_Encoding="gzip"),
        build_reply(gzip.compress(CSV)[:-12], Content_Encoding="gzip"),
        build_reply(CSV, Content_Encoding="gzip"),
        build_reply(gzip.compress(CSV)[:-12]),
        build_reply(gzip.compress(CSV) + b"\n"),
        build_reply(b"", length=None),
    ],
)
def test_a_file_cut_short(send_reply: Reply) -> None:
    with run_file_host(send_reply) as (link, seen), pytest.raises(Transient) as caught:
        download(link)
    assert len(seen) == 6
    assert "secret-signature" not in str(caught.value)


def test_no_credential_and_no_cookie_is_sent() -> None:
    with run_file_host(build_reply(status=503, Set_Cookie="a=b; Path=/"), build_reply()) as (link, seen):
        download(link)
    assert len(seen) == 2
    for headers in seen:
        assert not {"authorization", "cookie", "x-chatcaptain-key"} & set(headers)
        assert "planted-secret" not in str(headers)


def test_redirects_stay_on_allowed_hosts() -> None:
    with run_file_host(build_reply()) as (target, _):
        allowed = target.replace("127.0.0.1", "localhost")
        with run_file_host(build_reply(b"", 302, Location=allowed)) as (link, _):
            assert download(link)[1] == CSV
    wrong_redirect = build_reply(b"", 302, Location="http://elsewhere.example.test/x")
    with run_file_host(wrong_redirect) as (link, _), pytest.raises(ForbiddenHost, match="elsewhere"):
        download(link)
    with run_file_host(build_reply(b"", 302, Location="/again")) as (link, seen):
        with pytest.raises(ForbiddenHost, match="redirects"):
            download(link)
        assert len(seen) == 4


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 410, 412, 416, 451])
def test_an_expired_link(status: int) -> None:
    with run_file_host(build_reply(b"<Error/>", status)) as (link, seen), pytest.raises(LinkExpired):
        download(link)
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<?xml version='1.0'?><Error><Code>ExpiredToken</Code><Message>m</Message></Error>", ", ExpiredToken"),
        (b"<Error><Code> AuthenticationFailed </Code></Error>", ", AuthenticationFailed"),
        (b'{"error": {"message": "the link is too old"}}', ", the link is too old"),
        (b"<Code>planted &amp; odd</Code>", ""),
        (b"", ""),
    ],
)
def test_a_dead_link_says_why_the_host_refuses_it(body: bytes, reason: str) -> None:
    with run_file_host(build_reply(body, 400)) as (link, _), pytest.raises(LinkExpired) as caught:
        download(link)
    assert f"the link to the file leads nowhere (HTTP 400{reason}); run the same" in str(caught.value)


@pytest.mark.parametrize("status", [204, 206])
def test_other_refusals(status: int) -> None:
    with run_file_host(build_reply(b"", status)) as (link, seen), pytest.raises(RequestRefused) as caught:
        download(link)
    assert len(seen) == 1
    assert not isinstance(caught.value, LinkExpired)


@pytest.mark.parametrize("status", [408, 500, 503])
def test_a_host_in_trouble_is_asked_again(status: int) -> None:
    with run_file_host(build_reply(b"", status), build_reply()) as (link, seen):
        assert download(link)[1] == CSV
    assert len(seen) == 2


def test_a_429_is_waited_for_or_put_off() -> None:
    time = FakeTime()
    with run_file_host(build_reply(b"", 429, Retry_After="9"), build_reply()) as (link, _):
        download(link, time=time)
    assert max(time.sleeps_seconds) >= 9
    with run_file_host(build_reply(b"", 429, Retry_After="900")) as (link, _), pytest.raises(Deferred):
        download(link)


def test_a_download_is_counted_with_its_repeats() -> None:
    time, stats = FakeTime(), []
    cut = build_reply(CSV[:-5], length=len(CSV))
    with run_file_host(build_reply(b"", 429, Retry_After="9"), cut, build_reply()) as (link, _):
        download(link, time=time, stats=stats)
    (counts,) = stats
    assert (counts.requests, counts.retries, counts.bytes) == (3, 2, 2 * len(CSV) - 5)
    assert counts.waited_seconds == max(time.sleeps_seconds) >= 9


def test_an_unknown_coding_is_refused() -> None:
    deflated = build_reply(zlib.compress(CSV), Content_Encoding="deflate")
    with run_file_host(deflated) as (link, _), pytest.raises(ShapeError, match="content-encoding"):
        download(link)


def test_a_file_that_unpacks_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "MAX_BYTES", 3 * 2**20)
    bomb = build_reply(gzip.compress(bytes(2**26)), Content_Encoding="gzip")
    with run_file_host(bomb) as (link, _), pytest.raises(ResponseTooLarge):
        download(link)


@pytest.mark.parametrize("size", [2**20 - 1, 2**20, 2**20 + 1, 3 * 2**20])
def test_pieces_of_well_packed_files_lose_nothing(size: int) -> None:
    content = b"\n" * size
    with run_file_host(build_reply(gzip.compress(content), Content_Encoding="gzip")) as (link, _):
        assert download(link)[1] == content
