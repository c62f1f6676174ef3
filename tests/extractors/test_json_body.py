import time
from decimal import Decimal

import pytest

from extractors.json_body import AmbiguousJson, format_json, has_too_many_values, parse_json_body


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"conversations": 5, "conversations": 7}', "conversations stands twice in one object"),
        (b'{"items": [{"day": 1, "day": 1}]}', "day stands twice in one object"),
        (b'{"\\u0061": 1, "a": 2}', "a stands twice in one object"),
        (b'{"a": NaN}', "$ is no JSON (NaN is no JSON number)"),
        (b"[-Infinity]", "$ is no JSON (-Infinity is no JSON number)"),
        (b"[1e9999999999999999999]", "$ holds a number that cannot be kept"),
    ],
)
def test_json_whose_values_are_not_certain_is_refused(body: bytes, sentence: str) -> None:
    with pytest.raises(AmbiguousJson) as caught:
        parse_json_body(body)
    assert str(caught.value) == sentence


def test_the_values_of_a_key_that_stands_twice_are_shown() -> None:
    with pytest.raises(AmbiguousJson) as caught:
        parse_json_body(b'{"day": 1, "n": 5, "n": 7}')
    assert (caught.value.field, caught.value.values) == ("n", [5, 7])


def test_equal_keys_of_different_objects_are_no_matter() -> None:
    assert parse_json_body(b'[{"n": 1}, {"n": {"n": 2}}]') == [{"n": 1}, {"n": {"n": 2}}]


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xe4", b"{", b"[" * 50_000])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        parse_json_body(body)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_the_encodings_of_json_are_read(encoding: str) -> None:
    assert parse_json_body('{"name": "Käse"}'.encode(encoding)) == {"name": "Käse"}


@pytest.mark.parametrize(
    "text",
    [
        '{"a":[1,2.50,-0.0,null,true,"ä\\n"],"b":{}}',
        "[1E+400]",
        '["\\ud83d"]',
        "[]",
        '{"":""}',
    ],
)
def test_a_parsed_value_is_written_back_digit_for_digit(text: str) -> None:
    assert format_json(parse_json_body(text.encode())) == text
    assert format_json(parse_json_body(text.encode())).encode()


def test_a_number_beyond_every_float_stays_json() -> None:
    text = format_json({"cost": Decimal("1e400")})
    assert text == '{"cost":1E+400}'
    assert parse_json_body(text.encode()) == {"cost": Decimal("1e400")}


def test_values_are_counted_before_a_long_body_is_parsed() -> None:
    assert not has_too_many_values(b"," * 10 * 2**20)  # too short to need it
    assert not has_too_many_values(b'"' + b"x" * 20_000_000 + b'"')
    assert not has_too_many_values(b"[" + b"1 ," * 4_999_998 + b"1]")
    assert has_too_many_values(b"[" + b"{}," * 5_000_000 + b"{}]")
    assert has_too_many_values(b"[" * 11_000_000)


def test_a_key_that_stands_twice_among_many_is_found_at_once() -> None:
    body = b"{" + b",".join(b'"%d":1' % number for number in [*range(200_000), 199_999]) + b"}"
    began = time.process_time()
    with pytest.raises(AmbiguousJson, match="199999 stands twice"):
        parse_json_body(body)
    assert time.process_time() - began < 5  # not the square of the keys: that takes minutes
