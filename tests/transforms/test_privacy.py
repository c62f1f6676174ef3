"""Pseudonyms: in SQL the same as in Python, another one in every account, and no key in a statement or an error."""

import hashlib
import hmac
from itertools import combinations

import duckdb
import pytest
from pydantic import ValidationError

from extractors.account import LEAST_KEY_LENGTH
from tests.support.exported_files import build_account
from transforms.privacy import Kind, conceal, conceal_parameters, conceal_sql, mark_privacy

KEY = "fake-key-of-pseudonyms-1"
OTHER_KEY = "fake-key-of-pseudonyms-2"
TEXTS = ["user-1", "", None, "Zoë 😀", "x" * 500, "'; --", " "]
KINDS: tuple[Kind, ...] = ("user_id", "conversation_id", "transfer_target")
HASH_ALL = {"conversation_ids": "hash", "transfer_targets": "hash"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("privacy", [{}, {"key": KEY}, {"key": KEY, **HASH_ALL}, {"key": KEY, "user_ids": "drop"}])
@pytest.mark.parametrize("key", [KEY, "k" * 63, "k" * 64, "k" * 65, "k" * 300, "schlüssel" * 3, "'\\x00" * 6])
def test_sql_and_python_agree(key: str, privacy: dict[str, str], kind: Kind) -> None:
    account = build_account(privacy={**privacy, "key": key} if privacy else {})
    with duckdb.connect() as engine:
        engine.execute("CREATE TABLE texts (number INTEGER, text VARCHAR)")
        engine.executemany("INSERT INTO texts VALUES (?, ?)", [*enumerate(TEXTS)])
        query = f"SELECT {conceal_sql(account, kind, 'text')} FROM texts ORDER BY number"
        concealed = [value for (value,) in engine.execute(query, conceal_parameters(account, kind)).fetchall()]
    assert concealed == [conceal(account, kind, text) for text in TEXTS]


def test_a_pseudonym_is_a_keyed_hash_under_a_key_of_the_account() -> None:
    account = build_account(privacy={"key": KEY})
    derived = hmac.new(KEY.encode(), f"chatcaptain\0{account.name}\0user_id".encode(), hashlib.sha256).digest()
    assert conceal(account, "user_id", "user-1") == hmac.new(derived, b"user-1", hashlib.sha256).hexdigest()


def test_a_person_has_another_pseudonym_in_every_account_under_every_key_and_in_every_column() -> None:
    accounts = [
        build_account(name=name, privacy={"key": key, **HASH_ALL}) for name in ("a", "b") for key in (KEY, OTHER_KEY)
    ]
    pseudonyms = {conceal(account, kind, "user-1") for account in accounts for kind in KINDS}
    assert len(pseudonyms) == 12
    assert None not in pseudonyms


def test_user_ids_are_never_kept() -> None:
    assert conceal(build_account(), "user_id", "user-1") is None
    assert conceal(build_account(privacy={"key": KEY, "user_ids": "drop"}), "user_id", "user-1") is None
    assert [conceal(build_account(), kind, "x") for kind in KINDS[1:]] == ["x", "x"]


def test_there_are_no_parameters_where_nothing_is_hashed() -> None:
    assert conceal_parameters(build_account(), *KINDS) == {}
    assert conceal_parameters(build_account(privacy={"key": KEY, "user_ids": "drop"}), *KINDS) == {}


def test_a_short_key_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValidationError, match=f"shorter than {LEAST_KEY_LENGTH} characters.*openssl rand"):
        build_account(privacy={"key": "k" * (LEAST_KEY_LENGTH - 1)})
    assert build_account(privacy={"key": "k" * LEAST_KEY_LENGTH}).privacy.key


@pytest.mark.parametrize("name", HASH_ALL)
def test_a_hash_without_a_key_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(ValidationError, match=f"{name}: hash needs a key"):
        build_account(privacy={name: "hash"})


def test_the_mark_differs_where_facts_would() -> None:
    settings = [{}, {"key": KEY}, {"key": OTHER_KEY}, {"key": KEY, **HASH_ALL}]
    marks = [mark_privacy(build_account(privacy=privacy)) for privacy in settings]
    assert marks[0] is None
    assert all(first != second for first, second in combinations(marks, 2))
    same = [{"key": KEY, "user_ids": "drop"}, {"message_texts": "keep"}, {"properties": "keep"}]
    assert {mark_privacy(build_account(privacy=privacy)) for privacy in same} == {None}
    assert mark_privacy(build_account(privacy={"key": KEY})) == marks[1]
    assert marks[1] is not None
    assert KEY not in marks[1]


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
    account = build_account(privacy={"key": KEY})
    parameters = conceal_parameters(account, "user_id")
    assert parameters
    with duckdb.connect() as engine, pytest.raises(duckdb.Error) as caught:
        engine.execute(statement.format(conceal_sql(account, "user_id", "id")), parameters).fetchall()
    for pad in parameters.values():
        assert pad.hex() not in str(caught.value).casefold()
        assert pad[:8].decode("latin-1") not in str(caught.value)
