"""JSON keeps every digit, and instants are read strictly."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sandbox.http import ApiContext, dump_json, format_instant, parse_basic_credential, parse_instant
from sandbox.shapes import ResponseShapes
from sandbox.world import World


def test_a_decimal_is_written_digit_by_digit():
    body = {"a": [Decimal("123456789012.345678"), None, 'é\n"x"'], 1: True}
    assert dump_json(body) == '{"a":[123456789012.345678,null,"é\\n\\"x\\""],"1":true}'
    assert json.loads(dump_json(body), parse_float=Decimal)["a"][0] == Decimal("123456789012.345678")


@pytest.mark.parametrize(("form", "expected"), [("int", 3), ("float", 3.0), ("string", "3")])
def test_counts_come_in_each_form(form, expected):
    count = ApiContext(World(), ResponseShapes(numbers=form)).format_count(3)
    assert (count, type(count)) == (expected, type(expected))
    assert ApiContext(World(), ResponseShapes(numbers=form)).format_count(None) is None


def test_money_comes_in_each_form():
    assert ApiContext(World(), ResponseShapes()).format_decimal(Decimal("1.500")) == Decimal("1.5")
    assert ApiContext(World(), ResponseShapes(money="string")).format_decimal(Decimal(100)) == "100"
    assert ApiContext(World(), ResponseShapes()).format_decimal(Decimal(0)) == 0


@pytest.mark.parametrize(
    "text", [None, "", "2025-01-01", "2025-01-01T00:00:00", "2025-13-01T00:00:00Z", "2025-01-01T00:00:00 01:00"]
)
def test_a_text_without_date_time_and_offset_is_no_instant(text):
    assert parse_instant(text) is None


def test_instants_are_utc_with_milliseconds():
    moment = parse_instant("2025-03-30T01:59:59.999+01:00")
    assert moment == datetime(2025, 3, 30, 0, 59, 59, 999_000, tzinfo=UTC)
    assert format_instant(moment) == "2025-03-30T00:59:59.999Z"


@pytest.mark.parametrize(
    ("header", "pair"), [(None, None), ("Bearer x", None), ("Basic !", None), ("Basic YTpi", "a:b")]
)
def test_a_basic_credential_is_read_or_none(header, pair):
    assert parse_basic_credential(header) == pair
