"""Codings and character sets of bodies: what names none is ignored, and what cannot be read is refused by name."""

import gzip
import json

import pytest

from extractors.errors import ErrorLocation, ShapeError, Transient
from extractors.http.encodings import refuse_other_encoding
from tests.support.clock import FakeClock
from tests.support.http_session import download_thing, get_thing, run_session
from tests.support.scripted_server import ScriptedServer, raw_response

NO_CODINGS = ["utf-8", "UTF-8", "none", "identity", "aws-chunked", "", "utf-8, identity"]
BODY = '{"title": "Verfügbarkeit"}'
CSV = b"id,date\nc1,2025-03-01\n"
WHERE = ErrorLocation("cognigy", "acme", "stream")
NOT_KEPT = "the answer was not kept; run the same command again, and report this sentence if it comes again"


def download(server: ScriptedServer, link: str | None = None) -> bytes:
    content, _ = run_session(server.origin, FakeClock(), lambda s: download_thing(s, link or f"{server.origin}/file"))
    return bytes(content)


@pytest.mark.parametrize("word", NO_CODINGS)
def test_a_word_that_names_no_coding_changes_nothing(server: ScriptedServer, clock: FakeClock, word: str) -> None:
    server.script(raw_response(b'{"a": 1}', content_encoding=word))
    answer, _ = run_session(server.origin, clock, get_thing)
    assert answer.body == b'{"a": 1}'
    server.script(raw_response(CSV, content_encoding=word))
    assert download(server) == CSV


@pytest.mark.parametrize("word", ["gzip", "x-gzip", "GZIP", "aws-chunked, gzip"])
def test_gzip_is_undone_by_each_of_its_names(server: ScriptedServer, clock: FakeClock, word: str) -> None:
    server.script(raw_response(gzip.compress(b'{"a": 1}'), content_encoding=word))
    answer, _ = run_session(server.origin, clock, get_thing)
    assert answer.body == b'{"a": 1}'
    server.script(raw_response(gzip.compress(CSV), content_encoding=word))
    assert download(server) == CSV


@pytest.mark.parametrize("word", ["br", "zstd", "compress", "gzip, br"])
def test_a_coding_that_was_not_asked_for_is_refused_once(server: ScriptedServer, clock: FakeClock, word: str) -> None:
    server.script(raw_response(b"\x8b\x03", content_encoding=word))
    sentence = (
        rf"field content-encoding: is a coding that was not asked for \(Accept-Encoding\), and cannot be undone, "
        rf"saw '{word.removeprefix('gzip, ')}'; {NOT_KEPT}"
    )
    with pytest.raises(ShapeError, match=sentence):
        run_session(server.origin, clock, get_thing)
    with pytest.raises(ShapeError, match=sentence):
        download(server)
    assert len(server.requests) == 2


def test_a_relative_link_is_refused_and_nothing_is_said_to_be_kept(server: ScriptedServer) -> None:
    with pytest.raises(ShapeError, match=f"field download link: is no absolute http.* URL.*; {NOT_KEPT}"):
        download(server, "/exports/file.csv")


def test_a_byte_order_mark_of_utf_8_is_accepted(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(raw_response(b"\xef\xbb\xbf" + BODY.encode()))
    answer, _ = run_session(server.origin, clock, get_thing)
    assert answer.root == {"title": "Verfügbarkeit"}


def test_latin_1_is_refused_once_with_its_byte(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(raw_response(BODY.encode("latin-1")))
    with pytest.raises(ShapeError) as caught:
        run_session(server.origin, clock, get_thing)
    assert str(caught.value) == (
        'acme (cognigy.stream): field $: is not encoded in UTF-8 at byte 15, behind \'{"title": "Verf\', '
        f"saw b'\\xfc'; {NOT_KEPT}"
    )
    assert len(server.requests) == 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_another_unicode_encoding_is_refused_once(server: ScriptedServer, clock: FakeClock, encoding: str) -> None:
    server.script(raw_response(BODY.encode(encoding)))
    with pytest.raises(ShapeError, match=r"field \$: is encoded in UTF-\d\d.*; JSON is read in UTF-8 only, saw "):
        run_session(server.origin, clock, get_thing)
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [BODY.encode()[:16], "<p>Übergang</p>".encode("latin-1"), b"\0\0\0", b""])
def test_what_is_cut_short_or_a_gateways_page_stays_transient(
    server: ScriptedServer, clock: FakeClock, body: bytes
) -> None:
    refuse_other_encoding(WHERE, body)
    server.script(raw_response(body), raw_response(json.dumps([1]).encode()))
    answer, _ = run_session(server.origin, clock, get_thing)
    assert answer.root == [1]


def test_a_page_that_stays_is_transient(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(raw_response("<p>Übergang</p>".encode("latin-1")))
    with pytest.raises(Transient, match="no JSON"):
        run_session(server.origin, clock, get_thing)
