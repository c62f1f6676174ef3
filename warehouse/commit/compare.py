"""The comparison of chunks with the warehouse attached as `wh`, in SQL: the numbers that their commit would change.

It rests on the same query as the log of restatements. Nothing is written. What must not come in: locks, files.
"""

from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import Column

from warehouse.commit.inputs import Chunks
from warehouse.commit.restatements import select_changes_sql
from warehouse.commit.stage import StagedFacts, drop_staged_facts, drop_staged_members, stage_facts, stage_members
from warehouse.model.schema import STAGED_FACTS, fact_table, member_dimension, member_schema
from warehouse.sql import fill, ident, identifier_list, literal, surrogate_key

_COMPARED_SCHEMA = pa.schema([("account_key", pa.int64()), ("account", pa.string()), ("date", pa.date32())])

_FIGURES = """
count(*) AS numbers, count(DISTINCT date) AS days, min(date) AS first, max(date) AS last,
sum("old") AS "old", sum("new") AS "new"
"""
_CHANGES = """
SELECT account, "view", measure, CAST(NULL AS VARCHAR) AS attribute, member, grouping(member) = 1 AS is_total, $figures
FROM ($changes) JOIN compared USING (account_key, date)
GROUP BY GROUPING SETS ((account, "view", measure, member), (account, "view", measure))
HAVING is_total OR member IS NOT NULL
"""
_MOVES = """
SELECT account, "view", measure, $attribute AS attribute, member, false AS is_total, $figures
FROM ($moves) JOIN compared USING (account_key, date)
GROUP BY account, "view", measure, member
"""
_MOVED_SUMS = """
SELECT
    account_key, date, $view AS "view", moved_member AS member, number.measure AS measure,
    any_value(number.value) FILTER (WHERE NOT is_new) AS "old",
    any_value(number.value) FILTER (WHERE is_new) AS "new"
FROM (
    SELECT is_new, account_key, date, moved_member, unnest([$measures]) AS number FROM (
        SELECT false AS is_new, f.account_key, f.date, CAST(d.$attribute AS VARCHAR) AS moved_member$columns
        FROM wh.$fact AS f SEMI JOIN compared AS c ON c.account_key = f.account_key AND c.date = f.date
        JOIN wh.$dimension AS d ON d.$key = f.$key
        UNION ALL BY NAME
        SELECT
            true AS is_new, f.account_key, f.date,
            CAST(coalesce(m.$attribute, d.$attribute) AS VARCHAR) AS moved_member$columns
        FROM $staged AS f SEMI JOIN compared AS c ON c.account_key = f.account_key AND c.date = f.date
        LEFT JOIN $members AS m ON m.$key = f.$key LEFT JOIN wh.$dimension AS d ON d.$key = f.$key
    ) GROUP BY is_new, account_key, date, moved_member
)
GROUP BY account_key, date, moved_member, number.measure
HAVING "old" IS DISTINCT FROM "new"
"""
_SUM = "{'measure': $text, 'value': CAST($value AS DECIMAL(38, 9))}"
_CHANGED_ATTRIBUTES = "SELECT $flags FROM $members AS m JOIN wh.$dimension AS d ON d.$key = m.$key"
_CHANGED_ATTRIBUTE = "bool_or(m.$attribute IS DISTINCT FROM d.$attribute) AS $attribute"


def select_changes(con: duckdb.DuckDBPyConnection, chunks: Chunks) -> pa.Table:
    """Return the numbers that a commit of the chunks would change, summed over days; no two chunks share a slice.

    The columns are account, view, measure, attribute, member, is_total, the count of numbers and of days that change,
    their first and last day, and the sums of these numbers before and after, NULL where nothing is reported. There is a
    row for each measure (is_total), and one for each of its members. Where the attribute of a known member would
    change, such as the conformed name of a channel, there is one for each value of it whose sums change: its attribute
    is named, and its member is the value. Raises StagedErrors.
    """
    rows = [
        (surrogate_key(chunk.account.account), chunk.account.account, info.date)
        for chunk in chunks.values()
        for info in chunk.slices
    ]
    columns = [
        pa.array(values, field.type) for values, field in zip(zip(*rows, strict=True), _COMPARED_SCHEMA, strict=True)
    ]
    con.register("compared", pa.Table.from_arrays(columns, schema=_COMPARED_SCHEMA))
    members, facts = stage_members(con, chunks), stage_facts(con, chunks)
    changed = fill(_CHANGES, changes=select_changes_sql(STAGED_FACTS, facts.names), figures=_FIGURES)
    query = " UNION ALL ".join([changed, *_list_moves(con, members, facts)])
    changes = con.sql(query).to_arrow_table()
    drop_staged_facts(con, facts)
    drop_staged_members(con, members)
    con.unregister("compared")
    return changes


def _list_moves(con: duckdb.DuckDBPyConnection, members: tuple[str, ...], facts: StagedFacts) -> Iterator[str]:
    """Yield the queries of the sums that move between the values of attributes that would change."""
    for name in members:
        dimension = member_dimension(name)
        key = dimension.columns.keys()[0]
        attributes = member_schema(name).names[1:]
        if not attributes:
            continue
        flags = ", ".join(fill(_CHANGED_ATTRIBUTE, attribute=ident(attribute)) for attribute in attributes)
        query = fill(
            _CHANGED_ATTRIBUTES,
            flags=flags,
            members=ident(f"member_{name}"),
            dimension=ident(dimension.name),
            key=ident(key),
        )
        is_changed = con.execute(query).fetchall()[0]
        for attribute in (attribute for attribute, flag in zip(attributes, is_changed, strict=True) if flag):
            for fact in facts.names:
                column = fact_table(fact).columns.get(key)
                if column is not None:
                    moves = _select_moves_sql(fact, column, attribute, f"member_{name}")
                    yield fill(_MOVES, attribute=literal(attribute), moves=moves, figures=_FIGURES)


def _select_moves_sql(name: str, column: Column[Any], attribute: str, members: str) -> str:
    """Return the query of the sums of a fact that move between the values of an attribute of its members.

    `column` is the fact's key of the dimension, `members` the relation of the staged members.
    """
    table = fact_table(name)
    measures = [
        item.name for item in table.columns if item.info["role"] == "measure" and item.info["additivity"] == "additive"
    ]
    counted_as = table.info.get("counted_as")
    sums = {**({counted_as: "count(*)"} if counted_as else {}), **{item: f"sum({ident(item)})" for item in measures}}
    return fill(
        _MOVED_SUMS,
        view=literal(name),
        measures=", ".join(fill(_SUM, text=literal(item), value=value) for item, value in sums.items()),
        columns=f", {identifier_list(measures)}" if measures else "",
        attribute=ident(attribute),
        fact=ident(table.name),
        staged=ident(f"staged_{name}"),
        members=ident(members),
        dimension=ident(str(column.info["dimension"])),
        key=ident(column.name),
    )
