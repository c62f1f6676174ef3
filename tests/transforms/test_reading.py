import json
import re
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from extractors.errors import ErrorLocation, ShapeError
from transforms.breakdowns import read_breakdown, refuse_repeated_entries, unwrap_scalar
from transforms.reading import Node, parse_json, read_calendar_day
from warehouse.model.columns import UNKNOWN

WHERE = ErrorLocation("cognigy", "acme", "conversation_counter")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def read(text: str | bytes) -> Node:
    return parse_json(text if isinstance(text, bytes) else text.encode(), WHERE)


def field(value: str) -> Node:
    return read(f'{{"n": {value}}}')["n"]


@given(st.integers(-(10**18) + 1, 10**18 - 1))
def test_whole_numbers_in_all_their_forms(value: int) -> None:
    for form in (str(value), f'"{value}"', f"{value}.0", f'"{value}.00"', f"{value}e0", f'" {value} "'):
        assert field(form).number() == value
        if value >= 0:
            assert field(form).count() == field(form).amount() == value
            continue
        with pytest.raises(ShapeError, match=r"\$\.n: is negative"):
            field(form).count()
        with pytest.raises(ShapeError, match=r"\$\.n: is negative"):
            field(form).amount()


@pytest.mark.parametrize("text", ["1.000", "12.000", "999.000", "1.234"])
def test_a_count_in_text_that_may_be_with_thousands_is_refused(text: str) -> None:
    with pytest.raises(ShapeError, match=r"\$\.n: is not certain: it may be with or without thousands, saw '"):
        field(f'"{text}"').count()
    assert field(f'"{text}"').number() == Decimal(text)  # money and minutes may have three decimals
    assert field("1.000").count() == field('"0.000"').count() + 1 == field('"1000.000"').count() - 999 == 1


def test_entries_that_differ_in_nothing_but_their_number_are_refused() -> None:
    entries = '{"a": "x", "n": 1}, {"a": "y", "n": 1}, {"a": "x", "b": 2, "n": 1}, {"n": 3}'
    refuse_repeated_entries(read(f"[{entries}]"), "n")
    with pytest.raises(ShapeError, match=r"field \$\[4\]: comes a second time, saw \{'a': 'x', 'n': 7\}"):
        refuse_repeated_entries(read(f'[{entries}, {{"a": "x", "n": 7}}]'), "n")


@given(st.decimals(-(10**17), 10**17, places=6))
def test_fractions_keep_their_digits(value: Decimal) -> None:
    for form in (f"{value:f}", f'"{value:f}"'):
        assert field(form).number() == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_read_as_it_is_written_or_refused(value: float) -> None:
    node = field(json.dumps(value))
    if abs(Decimal(repr(value))) >= 10**18:
        with pytest.raises(ShapeError, match=r"\$\.n: is not a number that can be kept"):
            node.number()
    else:
        assert node.number() == Decimal(repr(value))


@pytest.mark.parametrize(
    "form",
    [
        "true",
        "false",
        '""',
        '" "',
        '"abc"',
        '"NaN"',
        '"Infinity"',
        '"-inf"',
        '"1_000"',
        '"1,5"',
        '"１２"',
        '"0x10"',
        '"1 2"',
        '"--1"',
        '"1e"',
        '"."',
        "1e400",
        '"1e400"',
        "1e18",
        "1000000000000000000",
        '"1e99999999999999999999"',
        "[]",
        "[1]",
        "{}",
        '{"value": 1}',
    ],
)
def test_what_is_no_number_is_refused_by_name(form: str) -> None:
    with pytest.raises(ShapeError, match=r"^acme \(cognigy\.conversation_counter\): field \$\.n: is not a number"):
        field(form).number()


@pytest.mark.parametrize("body", ["NaN", '{"n": Infinity}', '{"n": -Infinity}', "1e99999999999999999999", "9" * 5000])
def test_numbers_that_json_does_not_have_are_refused(body: str) -> None:
    with pytest.raises(ShapeError, match=r"field \$: (is no JSON|holds a number that cannot be kept)"):
        read(body)


@given(st.text(max_size=12) | st.from_regex(r"[-+0-9eE.,_ ]{1,12}", fullmatch=True))
@example("1E1000000")
def test_any_text_is_the_right_number_or_a_named_error(text: str) -> None:
    node = Node(text, "$.n", WHERE)
    number = None
    with suppress(ShapeError):
        number = node.number()
    if number is not None:
        assert number == Decimal(text)
        assert number.is_finite()
        assert text.isascii()
        assert "_" not in text
    assert (number is None) == (not re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", text, re.ASCII)) or (
        number is None and Decimal(text).copy_abs() >= 10**18
    )


def test_a_count_is_whole() -> None:
    assert field("null").count() is None
    with pytest.raises(ShapeError, match=r"is not a whole number, saw Decimal\('1.5'\)"):
        field("1.5").count()
    with pytest.raises(ShapeError, match="is missing"):
        field("null").required_count()


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_body_is_a_surprise(body: bytes) -> None:
    try:
        root = parse_json(body, WHERE)
    except ShapeError:
        return
    for ask in (root.number, root.count, root.text, root.member, root.instant, root.object, root.array):
        with suppress(ShapeError):
            ask()


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": 1', b"\xff\xfe\x00", b"[" * 100_000])
def test_what_is_no_json_is_named(body: bytes) -> None:
    with pytest.raises(ShapeError, match="is no JSON"):
        parse_json(body, WHERE)


def test_paths_name_what_was_refused() -> None:
    root = read('{"items": [{"day": 1}, {"day": "x"}]}')
    with pytest.raises(ShapeError, match=r"field \$\.items\[1\]\.day: is not a number, saw 'x'"):
        [item["day"].count() for item in root["items"].elements()]
    with pytest.raises(ShapeError, match=r"\$\.items: is not an object"):
        root["items"]["day"]
    with pytest.raises(ShapeError, match=r"\$\.nothing: is not an array, saw None"):
        list(root["nothing"].elements())
    assert "items" in root
    assert root["nothing"].is_null


def test_a_long_value_is_shortened_in_the_error() -> None:
    with pytest.raises(ShapeError) as caught:
        Node("x" * 10_000, "$", WHERE).number()
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["null", "NA", " padded ", "Öffnungszeiten", "o\u0308", "a\0b", "🙂", "0", "false"])
def test_members_are_kept_code_point_for_code_point(name: str) -> None:
    assert field(json.dumps(name)).member() == name


def test_only_nothing_is_unknown() -> None:
    assert [field(form).member() for form in ("null", '""', "7", "1.50")] == [UNKNOWN, UNKNOWN, "7", "1.50"]
    assert read("{}")["absent"].member() == UNKNOWN
    with pytest.raises(ShapeError):
        field("true").member()


def test_half_a_character_does_not_stop_a_load() -> None:
    assert field(r'"cut \ud83d"').member() == "cut \N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("form", "instant"),
    [
        ('"2025-03-01 10:00:00 UTC"', datetime(2025, 3, 1, 10, tzinfo=UTC)),
        ('"2025-03-01T10:00:00utc"', datetime(2025, 3, 1, 10, tzinfo=UTC)),
        ('"2025-03-30T00:59:59.999Z"', datetime(2025, 3, 30, 0, 59, 59, 999000, UTC)),
        ('"2025-03-30t00:59:59z"', datetime(2025, 3, 30, 0, 59, 59, 0, UTC)),
        ('"2025-03-30T02:00:00+02:00"', datetime(2025, 3, 30, 0, 0, 0, 0, UTC)),
        ('"2025-03-30 00:00:00+00"', datetime(2025, 3, 30, 0, 0, 0, 0, UTC)),
        ('"2025-03-30T00:00:00.123456789Z"', datetime(2025, 3, 30, 0, 0, 0, 123456, UTC)),
        ("1743292800", datetime(2025, 3, 30, tzinfo=UTC)),
        ("1743292800123", datetime(2025, 3, 30, 0, 0, 0, 123000, UTC)),
        ('"1743292800000"', datetime(2025, 3, 30, tzinfo=UTC)),
        ("1743292800.5", datetime(2025, 3, 30, 0, 0, 0, 500000, UTC)),
    ],
)
def test_instants_in_all_their_forms(form: str, instant: datetime) -> None:
    assert field(form).instant() == instant


@pytest.mark.parametrize("offset", ["+18:01", "-19:00", "+23:59", "+99:00"])
def test_an_offset_beyond_eighteen_hours_is_refused(offset: str) -> None:
    with pytest.raises(ShapeError, match="is not an instant"):
        field(f'"2025-03-30T12:00:00{offset}"').instant()


def test_a_time_without_an_offset_needs_a_zone() -> None:
    node = field('"2025-03-01T12:00:00"')
    assert node.instant(ZoneInfo("Europe/Berlin")) == datetime(2025, 3, 1, 11, tzinfo=UTC)
    with pytest.raises(ShapeError, match="without an offset"):
        node.instant()
    assert field("null").instant() is None


@pytest.mark.parametrize(
    "form",
    [
        "true",
        '""',
        '"yesterday"',
        "1e400",
        '"99999999999999999999"',
        f'"{"9" * 5000}"',
        "[]",
        '"2025-03-01 UTC"',
        '"0001-01-01T00:00+14:00"',
    ],
)
def test_a_value_that_is_no_instant_is_refused(form: str) -> None:
    with pytest.raises(ShapeError):
        field(form).instant()


def test_scalars_are_bare_or_wrapped() -> None:
    assert [unwrap_scalar(field(form)).number() for form in ("5", '{"value": 5}', '{"count": "5"}', "null")] == [
        5,
        5,
        5,
        None,
    ]
    assert unwrap_scalar(field('{"value": null}')).number() is None
    for form in ('{"a": 5}', '{"value": 5, "count": 5}', "{}"):
        with pytest.raises(ShapeError, match="neither a number nor an object"):
            unwrap_scalar(field(form))


def test_breakdowns_are_maps_or_lists() -> None:
    members = [("a", 1), (UNKNOWN, 2), ("A", 3)]
    forms = (
        '[{"key": "a", "count": 1}, {"key": "", "count": 2}, {"key": "A", "count": 3}]',
        '[{"id": "a", "value": 1}, {"id": null, "value": "2"}, {"name": "A", "value": 3.0}]',
    )
    for form in forms:
        assert [(name, value.count()) for name, value in read_breakdown(field(form))] == members
    assert [(n, v.count()) for n, v in read_breakdown(field('{"a": 1, "": {"count": 2}}'))] == members[:2]
    assert read_breakdown(field("null")) == []
    for form in ('[{"key": "a"}]', '[{"count": 1}]', '["a"]', '"a"', "[[]]"):
        with pytest.raises(ShapeError):
            read_breakdown(field(form))


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ('[{"key": "a", "count": 1}, {"key": "a", "count": 1}]', r"\$\.n\[1\]: names a member a second time"),
        ('[{"key": null, "count": 1}, {"count": 2, "key": null}]', r"\$\.n\[1\]: names a member a second time"),
    ],
)
def test_a_breakdown_that_repeats_a_member_is_refused(form: str, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        read_breakdown(field(form))


def test_a_bare_date() -> None:
    assert read_calendar_day(field('"2025-03-30"')) == date(2025, 3, 30)
    assert [read_calendar_day(field(form)) for form in ('"2025-03-30T00:00Z"', "20250330", '"2025-13-30"', "null")] == [
        None
    ] * 4
