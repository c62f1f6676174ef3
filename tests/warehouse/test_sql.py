import hashlib

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from warehouse.sql import literal, member_key, member_key_sql, surrogate_key, surrogate_key_sql

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


def answer(sql: str) -> tuple[object, ...] | None:
    with duckdb.connect() as con:
        return con.execute("SELECT " + sql).fetchone()


def first_60_bits(natural: str) -> int:
    return int(hashlib.md5(natural.encode()).hexdigest()[:15], 16)


def test_keys_are_what_any_engine_computes() -> None:
    with duckdb.connect() as con:  # one for all names: opening it costs more than asking

        @given(NAMES)
        def compare(name: str) -> None:
            assert con.execute("SELECT " + surrogate_key_sql(literal(name))).fetchone() == (first_60_bits(name),)
            assert surrogate_key(name) == first_60_bits(name)

        compare()


def test_natural_keys_of_members() -> None:
    scope = {"account": literal("acme"), "provider": literal("inkeep")}
    expected = {
        "dim_channel": "inkeep|x'y",
        "dim_intent": "acme|x'y",
        "dim_language": "x'y",
        "dim_country": "x'y",
        "dim_metric": "x'y",
    }
    for dimension, natural in expected.items():
        sql = member_key_sql(dimension, literal("x'y"), **scope)
        assert answer(sql) == (first_60_bits(natural),)
        assert member_key(dimension, "x'y", account="acme", provider="inkeep") == first_60_bits(natural)
        assert answer(member_key_sql(dimension, "'unknown'", **scope)) == (0,)
