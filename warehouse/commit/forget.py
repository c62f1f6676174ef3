"""Search and removal of a person in the attached warehouse `wh`. Every row stays, so that every count stays.

A conversation of the person keeps its times, numbers and members; its id becomes a token, its user, its properties and
its transfer target go. Inside of texts the person's id becomes `forgotten`. All writes happen inside the caller's
transaction. What must not come in: files, locks, a provider.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date

import duckdb
import pyarrow as pa

from warehouse.engine import execute_and_count, first_row
from warehouse.model.schema import forgotten, metadata, table_schema
from warehouse.records import ForgottenRow, HeldRows, PersonInAccount
from warehouse.sql import day_literal, fill, ident, literal, surrogate_key

CONVERSATION_TABLES = ("fact_conversation", "fact_conversation_intent", "fact_flow_transition")
_TEXTS = (
    ("fact_conversation", "properties"),
    ("fact_conversation", "transfer_target"),
    ("fact_metric_daily", "member"),
    ("load_ledger", "error"),
    ("load_run", "error"),
    ("drift", "name"),
    ("restatement_log", "member"),
)
"""The columns with texts in which a person's id may stand."""

_KNOWN = """
CREATE OR REPLACE TEMP TABLE person_conversation AS
SELECT DISTINCT conversation_id, 'forgotten:' || md5($secret || conversation_id) AS token
FROM (
    SELECT unnest(CAST($conversations AS VARCHAR[])) AS conversation_id
    UNION
    SELECT conversation_id FROM wh.fact_conversation
    WHERE account_key = $account AND list_contains(CAST($pseudonyms AS VARCHAR[]), user_id)
)
WHERE NOT starts_with(conversation_id, 'forgotten:')
"""
_FORGET_CONVERSATION = """
UPDATE wh.fact_conversation AS f SET
    conversation_id = p.token, user_id = NULL, properties = NULL,
    transfer_target = CASE WHEN f.transfer_target IS NOT NULL THEN 'forgotten' END
FROM person_conversation AS p
WHERE f.account_key = $account AND f.conversation_id = p.conversation_id
"""
_FORGET_ID = """
UPDATE wh.$table AS f SET conversation_id = p.token$more FROM person_conversation AS p
WHERE f.account_key = $account AND f.conversation_id = p.conversation_id
"""
_FLOW_IDS = ", transition_id = replace(f.transition_id, f.conversation_id, p.token)"  # may be made from it
_FORGET_CONVERSATION_TEXT = """
UPDATE wh.$table AS f SET $column = replace(f.$column, p.conversation_id, 'forgotten') FROM person_conversation AS p
WHERE $owner AND $stands_in
"""
_STANDS_IN = """
length(p.conversation_id) >= $least AND contains($column, p.conversation_id)
AND NOT contains('forgotten', p.conversation_id)
"""
_LEAST_TEXT_LENGTH = 6  # a shorter id stands in a sentence by chance
_SENTENCES = (("load_ledger", "error"), ("load_run", "error"), ("drift", "name"))
"""The columns with sentences, which may quote the id of a conversation."""
_FORGET_TEXT = """
UPDATE wh.$table SET $column = regexp_replace($column, $pattern, '\\1forgotten\\2', 'g')
WHERE $owner AND regexp_matches($column, $pattern)
"""


def find_rows(con: duckdb.DuckDBPyConnection, person: PersonInAccount) -> list[HeldRows]:
    """Return the rows that are held of a person, by table and columns."""
    _bind_conversations(con, person)
    held = []
    for table in CONVERSATION_TABLES:
        columns = ("conversation_id", "user_id") if table == "fact_conversation" else ("conversation_id",)
        where = fill(
            "account_key = $account AND conversation_id IN (SELECT conversation_id FROM person_conversation)",
            account=_key(person),
        )
        held.append(_count(con, table, columns, where))
    held += [_count(con, table, (column,), where) for table, column, _, where in _list_texts(person)]
    for table, column in _SENTENCES:
        exists = "$owner AND EXISTS (FROM person_conversation AS p WHERE $stands_in)"
        where = fill(exists, owner=_owner(table, person), stands_in=_stands_in(column))
        held.append(_count(con, table, (column,), where))
    con.execute("DROP TABLE person_conversation")
    return [rows for rows in held if rows.rows]


def forget_person(con: duckdb.DuckDBPyConnection, person: PersonInAccount) -> int:
    """Remove a person from all tables. Return the number of rows that changed."""
    _bind_conversations(con, person)
    changed = execute_and_count(con, fill(_FORGET_CONVERSATION, account=_key(person)))
    for table in CONVERSATION_TABLES[1:]:
        more = _FLOW_IDS if table == "fact_flow_transition" else ""
        changed += execute_and_count(con, fill(_FORGET_ID, table=ident(table), more=more, account=_key(person)))
    for table, column in _SENTENCES:
        statement = fill(
            _FORGET_CONVERSATION_TEXT,
            table=ident(table),
            column=ident(column),
            owner=_owner(table, person, "f."),
            stands_in=_stands_in(column),
        )
        while count := execute_and_count(con, statement):  # one of several ids of a sentence at a time
            changed += count
    for table, column, pattern, where in _list_texts(person):
        statement = fill(
            _FORGET_TEXT, table=ident(table), column=ident(column), pattern=literal(pattern), owner=f"({where})"
        )
        # an id between two others shares what stands beside it with them, and is met by the next round
        while count := execute_and_count(con, statement):
            changed += count
    con.execute("DROP TABLE person_conversation")
    return changed


def delete_conversations(con: duckdb.DuckDBPyConnection, before: date) -> int:
    """Delete the single conversations of all accounts before a local day. Return the number of rows."""
    delete = "DELETE FROM wh.$table WHERE date < $before"
    return sum(
        execute_and_count(con, fill(delete, table=ident(table), before=day_literal(before)))
        for table in CONVERSATION_TABLES
    )


def record_forgotten(con: duckdb.DuckDBPyConnection, rows: Sequence[ForgottenRow]) -> bool:
    """Write the proofs that are not in the books, or that say something else. Return whether anything changed."""
    table = pa.Table.from_pylist(
        [{**vars(row), "date": row.forgotten_at.date(), "batches": list(row.batches)} for row in rows],
        schema=table_schema(forgotten.name),
    )
    con.register("new_forgotten", table)
    query = "SELECT count(*) FROM (SELECT * FROM new_forgotten EXCEPT SELECT * FROM wh.forgotten)"
    row = first_row(con, query)
    changed = bool(row and row[0])
    if changed:
        con.execute("DELETE FROM wh.forgotten WHERE request_id IN (SELECT request_id FROM new_forgotten)")
        con.execute("INSERT INTO wh.forgotten BY NAME SELECT * FROM new_forgotten")
    con.unregister("new_forgotten")
    return changed


def _bind_conversations(con: duckdb.DuckDBPyConnection, person: PersonInAccount) -> None:
    con.execute(
        _KNOWN.replace("$account", _key(person)),
        {
            "secret": person.secret,
            "conversations": sorted(person.conversations),
            "pseudonyms": list(person.pseudonyms),
        },
    )


def _key(person: PersonInAccount) -> str:
    return str(surrogate_key(person.account))


def _list_texts(person: PersonInAccount) -> Iterator[tuple[str, str, str, str]]:
    """Yield table, column, the pattern of the person's id as words of their own, and the condition of the rows."""
    if person.text is None:
        return
    # the engine has no look-around: what stands beside the id is kept as a group
    begins = r"(^|[^\pL\pN_-])" if re.match(r"[\w-]", person.text[0]) else "()"
    ends = r"([^\pL\pN_-]|$)" if re.match(r"[\w-]", person.text[-1]) else "()"
    pattern = f"{begins}{_escape(person.text)}{ends}"
    for table, column in _TEXTS:
        matches = fill(
            "$owner AND regexp_matches($column, $pattern)",
            owner=_owner(table, person),
            column=ident(column),
            pattern=literal(pattern),
        )
        yield table, column, pattern, matches


def _stands_in(column: str) -> str:
    """Return the condition that the id of the conversation `p` stands in a text."""
    return fill(_STANDS_IN, least=str(_LEAST_TEXT_LENGTH), column=ident(column))


def _owner(table: str, person: PersonInAccount, alias: str = "") -> str:
    """Return the condition for the rows of the person's account."""
    has_key = "account_key" in metadata.tables[table].columns
    return f"{alias}account_key = {_key(person)}" if has_key else f"{alias}account = {literal(person.account)}"


def _escape(text: str) -> str:
    return "".join(character if character.isalnum() else f"\\x{{{ord(character):x}}}" for character in text)


def _count(con: duckdb.DuckDBPyConnection, table: str, columns: tuple[str, ...], where: str) -> HeldRows:
    query = fill("SELECT count(*), min(date), max(date) FROM wh.$table WHERE $where", table=ident(table), where=where)
    count, first, last = con.execute(query).fetchall()[0]
    return HeldRows(table, columns, int(count), first, last)
