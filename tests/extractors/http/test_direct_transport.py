"""The own transport and httpx's give the same answer or the same error for each byte that a server may send."""

import asyncio
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from extractors.http.direct_transport import DirectTransport
from tests.support.certificates import Authority, create_authority
from tests.support.raw_server import RawRequest, RawServer, encode_response, reset_connection, run_raw_server

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWERS = {
    "a length": WHOLE,
    "a short body": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello",
    "surplus bytes": WHOLE + WHOLE,
    "chunks": CHUNKED + b"2;name=value\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: x\r\n\r\n",
    "chunks cut off": CHUNKED + b"2\r\nhe\r\n3\r\nl",
    "chunks without an end": CHUNKED + b"5\r\nhello\r\n",
    "a chunk size that is none": CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n",
    "until the end": b"HTTP/1.1 200 OK\r\n\r\nhello",
    "version 1.0": b"HTTP/1.0 200 OK\r\n\r\nhello",
    "version 2": b"HTTP/2 200 OK\r\n\r\nhello",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\nsurplus",
    "not modified": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
    "an unknown status": b"HTTP/1.1 999 Odd\r\nContent-Length: 5\r\n\r\nhello",
    "a status that is none": b"HTTP/1.1 20 OK\r\nContent-Length: 5\r\n\r\nhello",
    "to be continued": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + WHOLE,
    "another protocol": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello",
    "names in capitals": b"HTTP/1.1 200 OK\r\nCONTENT-LENGTH: 5\r\nX-Odd:no space\r\nx-empty:\r\n\r\nhello",
    "headers that come twice": b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 5\r\n\r\nhello",
    "a folded header": b"HTTP/1.1 200 OK\r\nX-A: 1\r\n  2\r\n\t3\r\nContent-Length: 5\r\n\r\nhello",
    "headers in latin-1": "HTTP/1.1 200 OK\r\nX-A: Käse\r\nContent-Length: 5\r\n\r\nhello".encode("latin-1"),
    "headers in UTF-8": "HTTP/1.1 200 Ökay\r\nX-A: Käse\r\nContent-Length: 5\r\n\r\nhello".encode(),
    "a space before the colon": b"HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length: 5\r\n\r\nhello",
    "a null byte": b"HTTP/1.1 200 OK\r\nX-A: 1\x002\r\nContent-Length: 5\r\n\r\nhello",
    "lines that end in LF": b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    "a length and chunks": CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 9\r\n\r\n") + b"5\r\nhello\r\n0\r\n\r\n",
    "a length twice": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 4\r\n\r\nhello",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
    "another transfer coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a long header": b"HTTP/1.1 200 OK\r\nX-A: " + b"x" * 90_000 + b"\r\nContent-Length: 5\r\n\r\nhello",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 500 + b"Content-Length: 5\r\n\r\nhello",
    "a header without an end": b"HTTP/1.1 200 OK\r\nX-A: " + b"x" * 300_000,
    "a head cut off": b"HTTP/1.1 200 OK\r\nContent-Le",
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
}
HEADERS = {"Connection": "close", "User-Agent": "chatmart", "X-Odd": "Käse".encode()}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return create_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module", params=["plain", "tls"])
def server(request: pytest.FixtureRequest, authority: Authority) -> Iterator[RawServer]:
    with run_raw_server(authority.server_context if request.param == "tls" else None) as running:
        yield running


@pytest.fixture(scope="module")
def authorities(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.ca_file)


def exchange(transport: httpx.AsyncBaseTransport, method: str, url: str, **options: Any) -> Any:
    """Return status, headers, text of the status and body of an answer, or class and text of the error."""

    async def run() -> Any:
        async with (
            httpx.AsyncClient(transport=transport, headers=HEADERS, timeout=5) as client,
            client.stream(method, url, **options) as response,
        ):
            body = b"".join([piece async for piece in response.aiter_raw()])
            return response.status_code, response.headers.raw, response.extensions["reason_phrase"], body

    try:
        return asyncio.run(run())
    except httpx.TransportError as error:
        return type(error), str(error)


def exchange_by_both(server: RawServer, authorities: ssl.SSLContext, method: str, path: str, **options: Any) -> Any:
    """Return what httpx's transport gives, after it was compared with what the own one gives and sends."""
    server.requests.clear()
    theirs = httpx.AsyncHTTPTransport(verify=authorities, limits=httpx.Limits(max_keepalive_connections=0))
    expected = exchange(theirs, method, server.origin + path, **options)
    assert exchange(DirectTransport(authorities, 4), method, server.origin + path, **options) == expected
    first, second = server.requests
    assert (second.head, second.body) == (first.head, first.body)
    return expected


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_every_answer_is_that_of_httpx(server: RawServer, authorities: ssl.SSLContext, method: str) -> None:
    results = {}
    for name, answer in ANSWERS.items():
        server.respond = lambda request, answer=answer: request.connection.sendall(answer) is not None  # type: ignore[misc]
        content = b'{"a": 1}' if method == "POST" else None
        results[name] = exchange_by_both(server, authorities, method, "/base/thing?x=1", content=content)
    if method != "HEAD":
        for name in ("a length", "surplus bytes", "chunks", "until the end", "to be continued"):
            assert (results[name][0], results[name][-1]) == (200, b"hello"), name
        for name in ("a short body", "chunks cut off", "chunks without an end", "nothing", "no HTTP"):
            assert results[name][0] is httpx.RemoteProtocolError, name


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", WHOLE[:-2], CHUNKED + b"5\r\nhe"])
def test_a_reset_is_an_answer_lost_and_no_connection_refused(
    server: RawServer, authorities: ssl.SSLContext, start: bytes
) -> None:
    def reset(request: RawRequest) -> bool:
        request.connection.sendall(start)
        reset_connection(request.connection)
        return False

    server.respond = reset
    result = exchange(DirectTransport(authorities, 4), "POST", server.origin, content=b"{}")
    assert result[0] in (httpx.ReadError, httpx.RemoteProtocolError)


def test_an_answer_before_a_reset_is_read(server: RawServer, authorities: ssl.SSLContext) -> None:
    def answer_and_reset(request: RawRequest) -> bool:
        request.connection.sendall(encode_response(b"x" * 50_000))
        reset_connection(request.connection)
        return False

    server.respond = answer_and_reset

    async def read_late() -> bytes:
        async with (
            httpx.AsyncClient(transport=DirectTransport(authorities, 4)) as client,
            client.stream("GET", server.origin) as response,
        ):
            await asyncio.sleep(0.05)  # the reset is noticed before the body is read
            return b"".join([piece async for piece in response.aiter_raw()])

    if server.scheme == "http":  # TLS drops what it has not handed on
        assert asyncio.run(read_late()) == b"x" * 50_000


LINKS = [
    "/bucket/a%2Fb/file%20name+x~.csv?X-Amz-Signature=ab%2Fc%3D&token=a+b%20c~;d=1;e",
    "/%7Etilde/%e4%f6?lower=%2f%2F&empty=&novalue&q=%25",
    "/ungesch\u00fctzt/\u65e5\u672c?n=\u00fc&x='()*!",
    "//double//slash/./dot/../up?a[]=1&b={x}|y",
    "/?%C3%BC=%FF&sig=A%2BB%2FC%3D%3D#fragment",
]


@pytest.mark.parametrize("link", LINKS)
def test_a_link_is_sent_byte_for_byte_as_httpx_sends_it(
    server: RawServer, authorities: ssl.SSLContext, link: str
) -> None:
    server.respond = lambda request: request.connection.sendall(WHOLE) is not None
    exchange_by_both(server, authorities, "GET", link)


def test_the_signature_of_a_link_is_not_quoted_anew(server: RawServer, authorities: ssl.SSLContext) -> None:
    server.respond = lambda request: request.connection.sendall(WHOLE) is not None
    exchange_by_both(server, authorities, "GET", LINKS[0])
    assert [request.path for request in server.requests] == [LINKS[0]] * 2


def test_a_body_is_sent_with_its_length_and_nothing_is_added(server: RawServer, authorities: ssl.SSLContext) -> None:
    server.respond = lambda request: request.connection.sendall(WHOLE) is not None
    exchange_by_both(server, authorities, "POST", "/empty")
    exchange_by_both(server, authorities, "POST", "/large", content=b"x" * 2_000_000)
    head = server.requests[-1].head.decode("latin-1").lower()
    names = [line.partition(":")[0] for line in head.split("\r\n")[1:]]
    assert sorted(names) == ["accept", "accept-encoding", "connection", "content-length", "host", "user-agent", "x-odd"]
    assert "accept-encoding: gzip, deflate" in head  # httpx's own, as the client sets none here
