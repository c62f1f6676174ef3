"""Pseudonyms: in SQL the same as in Python, and no key in a statement or an error."""

import duckdb
import pytest

from tests.support.exported_files import build_account
from transforms.privacy import pseudonym_parameters, pseudonym_sql, pseudonymize_user_id

IDS = ["user-1", "", None, "Zoë 😀", "x" * 500, "'; --", " "]


@pytest.mark.parametrize("key", ["k", "k" * 63, "k" * 64, "k" * 65, "k" * 300, "schlüssel", "'\\x00"])
def test_sql_and_python_agree(key: str) -> None:
    account = build_account(privacy={"key": key})
    with duckdb.connect() as engine:
        engine.execute("CREATE TABLE users (number INTEGER, id VARCHAR)")
        engine.executemany("INSERT INTO users VALUES (?, ?)", [*enumerate(IDS)])
        query = f"SELECT {pseudonym_sql('id')} FROM users ORDER BY number"
        pseudonyms = [value for (value,) in engine.execute(query, pseudonym_parameters(account)).fetchall()]
    assert pseudonyms == [pseudonymize_user_id(account, user_id) for user_id in IDS]


def test_there_are_no_parameters_where_ids_are_dropped() -> None:
    assert pseudonym_parameters(build_account()) is None
    assert pseudonym_parameters(build_account(privacy={"key": "planted", "user_ids": "drop"})) is None


@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT {0} FROM (SELECT 'x' AS id)) TO '/no/such/folder/file.parquet'",
        "SELECT {0}, CAST(id AS INTEGER) FROM (SELECT 'x' AS id)",
        "SELECT {0} FROM nothing",
        "SELECT error({0}[:0] || id) FROM (SELECT 'x' AS id)",
    ],
)
def test_an_error_shows_no_key(statement: str) -> None:
    parameters = pseudonym_parameters(build_account(privacy={"key": "planted"}))
    assert parameters
    with duckdb.connect() as engine, pytest.raises(duckdb.Error) as caught:
        engine.execute(statement.format(pseudonym_sql("id")), parameters).fetchall()
    for pad in parameters.values():
        assert pad.hex() not in str(caught.value).casefold()
        assert pad[:8].decode("latin-1") not in str(caught.value)
