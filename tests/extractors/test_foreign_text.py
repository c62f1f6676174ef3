"""Text from outside, made safe to show, and the errors that carry it."""

import pytest

from extractors import redaction
from extractors.errors import ErrorLocation, ExportFailed, NotUnderstood, Permanent, RateLimited, ShapeError, Transient
from extractors.foreign_text import MAX_SENTENCE, clean_line, clean_lines, shorten
from extractors.provider_message import find_reported_failure, parse_error_message

WHERE = ErrorLocation("cognigy", "acme", "counter")
STEERING = "\x1b[2J\x07\x9b1m\u202e\u2066\u200e\x00\x7f\ud83d"


def test_a_line_is_printable_and_short() -> None:
    assert clean_line("a\r\nb\tc") == "a  b c"
    assert clean_line(STEERING) == "?[2J??1m" + "?" * 6
    assert clean_line("w" * 5_000) == "w" * 499 + " … " + "w" * 498
    assert len(clean_line("w" * 10**6)) == MAX_SENTENCE
    assert shorten("abcdefghij", 10) == "abcdefghij"
    assert shorten("abcdefghijk", 10) == "abcd … ijk"


def test_a_trace_keeps_its_lines() -> None:
    assert clean_lines("a\r\n\tb\x1b[2J\n") == "a\n\tb?[2J\n"


@pytest.mark.parametrize("length", range(30, 60))
def test_no_part_of_a_secret_is_left_where_a_text_is_cut(length: int) -> None:
    redaction.register_secrets("Geheim+7-und-mehr")
    assert "Geh" not in clean_line("Geheim+7-und-mehr" * 5, length)


@pytest.mark.parametrize(
    "error",
    [
        Permanent(WHERE, f"field {STEERING} {'w' * 10**6}", f"{STEERING} {'w' * 10**6}"),
        Transient(WHERE, STEERING + "w" * 10**6),
        RateLimited(WHERE, STEERING),
        ExportFailed(WHERE, f"export {STEERING} ended"),
        ShapeError(WHERE, f"$.data[{STEERING}{'k' * 10**6}]", f"is {STEERING}", STEERING + "w" * 10**6),
        ShapeError(WHERE, "$", "is no object", {STEERING: ["w" * 10**6]}),
        NotUnderstood(WHERE, KeyError(STEERING + "w" * 10**6)),
    ],
)
def test_an_error_is_one_short_printable_sentence(error: Permanent) -> None:
    assert str(error).isprintable()
    assert len(str(error)) < 2_200
    if isinstance(error, ShapeError):
        assert len(error.field) <= 200
        assert error.field.isprintable()


@pytest.mark.parametrize("depth", [10, 400, 900, 3_000, 50_000])
@pytest.mark.parametrize(("opening", "closing"), [('{"message":', "}"), ('{"error":', "}"), ('{"errors":[', "]}")])
def test_a_message_is_found_or_not_however_deep_it_lies(depth: int, opening: str, closing: str) -> None:
    body = opening * depth + '"x"' + closing * depth
    assert parse_error_message(body.encode()) in ("", "x")


def test_a_failure_that_is_nested_deeply_is_one() -> None:
    failure: object = "x"
    for _ in range(5_000):
        failure = [failure]
    assert find_reported_failure({"errors": failure}) == "an error that is nested too deeply to be shown"
