"""A file whose end nothing marks may have been cut at the end of a line: it must come twice alike, and is remarked."""

import gzip
from collections.abc import Iterator
from functools import partial

import pytest

from extractors.errors import Transient
from extractors.exports.download import DownloadedFile, download_file
from extractors.exports.hosts import AllowedHosts
from extractors.http.session import Session
from tests.support.clock import FakeClock
from tests.support.http_session import MemorySink, run_session
from tests.support.raw_server import RawServer, encode_response, run_raw_server

pack_gzip = partial(gzip.compress, mtime=0)  # the same bytes, so that tests have the same names in every process
LINES = [b"id,date\n", *(b"c%d,2025-03-01\n" % number for number in range(24))]
WHOLE, HALF = b"".join(LINES), b"".join(LINES[:13])
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n\r\n"
OLD_HEAD = b"HTTP/1.0 200 OK\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def raw_server() -> Iterator[RawServer]:
    with run_raw_server() as server:
        yield server


def download(server: RawServer, *answers: bytes) -> tuple[DownloadedFile, bytes]:
    """Download a file; the last answer is given again and again, and every one ends with its connection."""

    def respond(request: object) -> bool:
        number = min(len(server.requests), len(answers)) - 1
        server.requests[-1].connection.sendall(answers[number])
        return False

    server.respond = respond
    sink = MemorySink()

    async def use(session: Session) -> DownloadedFile:
        hosts = AllowedHosts(frozenset({"127.0.0.1"}), plain_http=True)
        return await download_file(session, "export", f"{server.origin}/file", hosts, sink)

    file, _ = run_session(server.origin, FakeClock(), use)
    return file, sink.content


@pytest.mark.parametrize("head", [HEAD, OLD_HEAD])
def test_a_file_cut_at_a_line_end_once_is_downloaded_until_it_comes_twice_alike(
    raw_server: RawServer, head: bytes
) -> None:
    file, content = download(raw_server, head + HALF, head + WHOLE)
    assert (content, file.rows, file.is_end_confirmed) == (WHOLE, 24, False)
    assert len(raw_server.requests) == 3


def test_a_marked_end_settles_what_an_unmarked_one_left_open(raw_server: RawServer) -> None:
    file, content = download(raw_server, HEAD + HALF, encode_response(WHOLE))
    assert (content, file.is_end_confirmed) == (WHOLE, True)
    assert len(raw_server.requests) == 2


def test_a_file_that_never_comes_twice_alike_is_refused(raw_server: RawServer) -> None:
    cuts = [HEAD + b"".join(LINES[:length]) for length in range(3, 12)]
    with pytest.raises(Transient) as caught:
        download(raw_server, *cuts)
    assert str(caught.value) == (
        "acme (cognigy.export): nothing says that the 106 bytes that came are the whole file, and no other try brought "
        "them; run the same command again later"
    )
    assert len(raw_server.requests) == 6


def test_a_file_without_a_length_that_comes_twice_alike_is_kept_as_unconfirmed(raw_server: RawServer) -> None:
    file, content = download(raw_server, HEAD + HALF)
    assert (content, file.is_end_confirmed) == (HALF, False)
    assert len(raw_server.requests) == 2


@pytest.mark.parametrize(
    "answer",
    [
        encode_response(WHOLE),
        encode_response(pack_gzip(WHOLE), "Content-Encoding: gzip"),
        CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(WHOLE), WHOLE),
        HEAD + pack_gzip(WHOLE),
        HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n") + pack_gzip(WHOLE),
    ],
)
def test_a_marked_end_is_enough(raw_server: RawServer, answer: bytes) -> None:
    file, content = download(raw_server, answer)
    assert (content, file.is_end_confirmed) == (WHOLE, True)
    assert len(raw_server.requests) == 1


def test_a_packed_file_cut_between_two_members_is_not_taken_for_whole(raw_server: RawServer) -> None:
    members = [pack_gzip(b"".join(LINES[start : start + 5])) for start in range(0, 25, 5)]
    file, content = download(raw_server, HEAD + b"".join(members[:3]), HEAD + b"".join(members))
    assert (content, file.is_end_confirmed) == (WHOLE, False)
    assert len(raw_server.requests) == 3


@pytest.mark.parametrize(
    "cut", [CHUNKED + b"%x\r\n%s\r\n" % (len(HALF), HALF), encode_response(WHOLE)[: -len(LINES[1])]]
)
def test_a_cut_that_http_shows_is_downloaded_again(raw_server: RawServer, cut: bytes) -> None:
    file, content = download(raw_server, cut, encode_response(WHOLE))
    assert (content, file.is_end_confirmed) == (WHOLE, True)
