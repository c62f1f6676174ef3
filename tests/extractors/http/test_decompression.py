"""Packed bodies: whatever few bytes stand for, the memory that they take is bounded, and nothing of them is lost."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from functools import partial

import httpx
import pytest

from extractors.errors import ErrorLocation, ResponseTooLarge, ShapeError, Transient
from extractors.exports import download as downloads
from extractors.http import decompression
from extractors.http.decompression import Unpacker, unpack
from extractors.http.stats import RequestStats
from extractors.http.transport import read_limited_body
from tests.support.clock import FakeClock
from tests.support.http_session import download_thing, get_thing, run_session
from tests.support.scripted_server import ScriptedServer, raw_response

pack_gzip = partial(gzip.compress, mtime=0)  # the same bytes, so that tests have the same names in every process
WHERE = ErrorLocation("cognigy", "acme", "stream")
BODY = b'{"items": [' + b", ".join(b"%d" % number for number in range(5000)) + b"]}"
_COMPRESSOR = zlib.compressobj(wbits=-15)
RAW_DEFLATE = _COMPRESSOR.compress(BODY) + _COMPRESSOR.flush()


class _Pieces(httpx.AsyncByteStream):
    def __init__(self, packed: bytes, size: int) -> None:
        self._packed, self._size = packed, size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._packed), self._size):
            yield self._packed[start : start + self._size]


def unpack_whole(packed: bytes, coding: str, size: int = 65536) -> bytes:
    async def run() -> bytes:
        return b"".join([piece async for piece in unpack(aiter(_Pieces(packed, size)), Unpacker(coding))])

    return asyncio.run(run())


def read_bomb(packed: bytes, coding: str, limit_bytes: int) -> int:
    """Read a body that is refused, and return the most megabytes that this took."""
    response = httpx.Response(200, headers={"content-encoding": coding}, stream=_Pieces(packed, 65536))
    tracemalloc.start()
    try:
        with pytest.raises((ResponseTooLarge, ShapeError)):
            asyncio.run(read_limited_body(response, WHERE, RequestStats(), limit_bytes))
        return tracemalloc.get_traced_memory()[1] >> 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [1, 3, 65536])
@pytest.mark.parametrize(
    ("packed", "coding"),
    [
        (pack_gzip(BODY), "gzip"),
        (pack_gzip(BODY[:7]) + pack_gzip(b"") + pack_gzip(BODY[7:]), "gzip"),
        (zlib.compress(BODY), "deflate"),
        (RAW_DEFLATE, "deflate"),
    ],
)
def test_each_way_of_packing_is_undone(packed: bytes, coding: str, size: int) -> None:
    assert unpack_whole(packed, coding, size) == BODY


@pytest.mark.parametrize(
    ("packed", "coding"),
    [
        (pack_gzip(BODY)[:-1], "gzip"),
        (zlib.compress(BODY)[:-1], "deflate"),
        (RAW_DEFLATE[:-1], "deflate"),
        (b"", "gzip"),
        (b"x", "deflate"),
        (pack_gzip(BODY) + b"HTTP/1.1 200 OK", "gzip"),
        (zlib.compress(BODY) + b"x", "deflate"),
    ],
)
def test_what_is_not_whole_or_goes_on_is_refused(packed: bytes, coding: str) -> None:
    with pytest.raises(zlib.error):
        unpack_whole(packed, coding)


@pytest.mark.parametrize("packed", [pack_gzip(b'{"a": 1}')[:-8], pack_gzip(b'{"a": 1}') + b"surplus"])
def test_an_answer_without_its_end_mark_is_asked_for_again(
    server: ScriptedServer, clock: FakeClock, packed: bytes
) -> None:
    whole = raw_response(pack_gzip(b'{"a": 2}'), content_encoding="gzip")
    server.script(raw_response(packed, content_encoding="gzip"), whole)
    answer, _ = run_session(server.origin, clock, get_thing)
    assert answer.root == {"a": 2}


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_packed_bomb_takes_little_more_than_the_limit(coding: str) -> None:
    pack = pack_gzip if coding == "gzip" else zlib.compress
    assert read_bomb(pack(bytes(2**28)), coding, 2**20) < 6


def test_a_bomb_inside_a_bomb_is_not_unpacked_at_all() -> None:
    assert read_bomb(pack_gzip(pack_gzip(bytes(2**28))), "gzip, gzip", 2**20) < 2


@pytest.mark.parametrize("word", ["gzip, gzip", "gzip, deflate", "gzip, x-gzip"])
def test_more_than_one_coding_is_refused_by_name(server: ScriptedServer, clock: FakeClock, word: str) -> None:
    server.script(raw_response(pack_gzip(pack_gzip(b"{}")), content_encoding=word))
    with pytest.raises(ShapeError, match=f"names more than one coding, and only one is undone, saw '{word}'"):
        run_session(server.origin, clock, get_thing)
    with pytest.raises(ShapeError, match="content-encoding"):
        run_session(server.origin, clock, lambda s: download_thing(s, f"{server.origin}/file"))
    assert len(server.requests) == 2


def test_a_file_packed_twice_keeps_its_pieces_small(monkeypatch: pytest.MonkeyPatch, server: ScriptedServer) -> None:
    monkeypatch.setattr(downloads, "MAX_BYTES", 3 * 2**20)
    packed = pack_gzip(pack_gzip(bytes(2**28)))
    server.script(raw_response(packed, content_encoding="gzip"))
    tracemalloc.start()
    with pytest.raises(ResponseTooLarge, match="a file of more than 3145728 bytes"):
        run_session(server.origin, FakeClock(), lambda s: download_thing(s, f"{server.origin}/file"))
    peak_megabytes = tracemalloc.get_traced_memory()[1] >> 20
    tracemalloc.stop()
    assert peak_megabytes < 16


def test_members_without_a_byte_come_to_an_end(monkeypatch: pytest.MonkeyPatch, server: ScriptedServer) -> None:
    monkeypatch.setattr(decompression, "_MOST_MEMBERS", 1000)
    server.script(raw_response(pack_gzip(b"") * 2000, content_encoding="gzip"))
    with pytest.raises(Transient, match="more than 1000 members"):
        run_session(server.origin, FakeClock(), get_thing)
