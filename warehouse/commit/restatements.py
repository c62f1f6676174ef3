"""Restatements: the numbers that a re-load changes, found by SQL that is derived from the declared star.

Positions in a list are not compared: one new hit would move them all. Facts of single events are compared as sums per
day. What must not come in: the choice of the slices to compare, a rule of one fact.
"""

from collections.abc import Collection

from sqlalchemy import Column, Table

from warehouse.model.schema import STAGED_FACTS, fact_table, staged_column_name, staged_grain
from warehouse.sql import fill, ident, identifier_list, literal

_INSERT_CHANGES = """
INSERT INTO wh.restatement_log
SELECT
    date, s.provider, s.account, "view", member, measure, "old", "new",
    date_diff('day', date, CAST(s.landed_at AS DATE)), s.landed_at, s.arrival
FROM ($changes) JOIN slices AS s USING (account_key, date)
RETURNING account, date
"""

_CHANGES = """
SELECT
    account_key, date, $view AS "view", $member AS member, number.measure AS measure,
    any_value(number.value) FILTER (WHERE NOT is_new) AS "old",
    any_value(number.value) FILTER (WHERE is_new) AS "new"
FROM (SELECT is_new, $grain, unnest($measures) AS number FROM ($both) $grouped)
GROUP BY $grain, number.measure
HAVING "old" IS DISTINCT FROM "new"
"""

_OLD = """
SELECT false AS is_new, $columns
FROM wh.$fact AS f SEMI JOIN compared AS c ON c.account_key = f.account_key AND c.date = f.date $joins
"""

_OLD_MOVES = """
SELECT false AS is_new, f.account_key, f.date, CAST(d.$attribute AS VARCHAR) AS moved_member$measures
FROM wh.$fact AS f SEMI JOIN compared AS c ON c.account_key = f.account_key AND c.date = f.date
JOIN wh.$dimension AS d ON d.$key = f.$key
"""

_NEW_MOVES = """
SELECT
    true AS is_new, f.account_key, f.date,
    CAST(coalesce(m.$attribute, d.$attribute) AS VARCHAR) AS moved_member$measures
FROM $staged AS f SEMI JOIN compared AS c ON c.account_key = f.account_key AND c.date = f.date
LEFT JOIN $members AS m ON m.$key = f.$key LEFT JOIN wh.$dimension AS d ON d.$key = f.$key
"""

_NEW = """
SELECT true AS is_new, $columns
FROM $staged AS f SEMI JOIN compared AS c ON c.account_key = f.account_key AND c.date = f.date
"""


def insert_restatements_sql(filled: Collection[str], staged: Collection[str]) -> str:
    """Return the statement that logs every number of the slices in `compared` that the staged tables change.

    It returns the account and the day of each logged number. `filled` are the facts that have rows of these slices. The
    statement runs after the dimensions were updated and before any fact is replaced. `logged_at` is the instant (UTC)
    when the slice's newest response had landed, and `arrival` its place in the order of arrival, so that a replay of
    the same responses logs the same. A fact that is not staged loses all its rows: its new numbers are NULL.
    """
    return fill(_INSERT_CHANGES, changes=select_changes_sql(filled, staged))


def select_changes_sql(filled: Collection[str], staged: Collection[str]) -> str:
    """Return the query of every number of the slices in `compared` that the staged tables change.

    Its columns are account_key, date, view, member, measure, old and new. The arguments are those of
    `insert_restatements_sql`; one of them names a fact.
    """
    facts = [name for name in STAGED_FACTS if name in filled or name in staged]
    changes = [_select_changes(name, name in filled, name in staged) for name in facts]
    return " UNION ALL ".join(f"({change})" for change in changes)


def _select_changes(name: str, is_filled: bool, is_staged: bool) -> str:
    table = fact_table(name)
    counted_as = table.info.get("counted_as")
    compared = ["date"] if counted_as else list(staged_grain(name))
    sides = [*([_select_old(table)] if is_filled else []), *([_select_new(name, table)] if is_staged else [])]
    members = [ident(column) for column in compared[1:]]
    return fill(
        _CHANGES,
        view=literal(name),
        member=f"concat_ws(' / ', {', '.join(members)})" if members else "CAST(NULL AS VARCHAR)",
        grain=", ".join(map(ident, ["account_key", *compared])),
        measures=_measure_list(table, is_summed=bool(counted_as)),
        both=" UNION ALL BY NAME ".join(sides),
        grouped="GROUP BY is_new, account_key, date" if counted_as else "",
    )


def select_moves_sql(name: str, column: Column[object], attribute: str, members: str) -> str:
    """Return the query of the sums of a fact that move between the values of an attribute of its members.

    `column` is the fact's key of the dimension, `members` the relation of the staged members. The columns are those of
    `select_changes_sql`; the member is the attribute's value.
    """
    parts = {
        "key": ident(column.name),
        "dimension": ident(str(column.info["dimension"])),
        "members": ident(members),
        "attribute": ident(attribute),
        "measures": identifier_list(_measures(fact_table(name), is_summed=True)),
    }
    parts["measures"] = f", {parts['measures']}" if parts["measures"] else ""
    old = fill(_OLD_MOVES, fact=ident(fact_table(name).name), **parts)
    new = fill(_NEW_MOVES, staged=ident(f"staged_{name}"), **parts)
    return fill(
        _CHANGES,
        view=literal(name),
        member="moved_member",
        grain="account_key, date, moved_member",
        measures=_measure_list(fact_table(name), is_summed=True),
        both=f"{old} UNION ALL BY NAME {new}",
        grouped="GROUP BY is_new, account_key, date, moved_member",
    )


def _measures(table: Table, *, is_summed: bool) -> list[str]:
    """Return the names of the measures that are compared: only additive ones where they are summed."""
    measures = [column for column in table.columns if column.info["role"] == "measure"]
    return [column.name for column in measures if not is_summed or column.info["additivity"] == "additive"]


def _measure_list(table: Table, *, is_summed: bool) -> str:
    """Return an SQL list of structs, one per measure; for single events also their count."""
    counted_as = table.info.get("counted_as")
    values = {
        name: fill("sum($name)" if is_summed else "$name", name=ident(name))
        for name in _measures(table, is_summed=is_summed)
    }
    if counted_as:
        values = {counted_as: "count(*)", **values}
    item = "{'measure': $measure, 'value': CAST($value AS DECIMAL(38, 9))}"
    return "[" + ", ".join(fill(item, measure=literal(name), value=value) for name, value in values.items()) + "]"


def _select_old(table: Table) -> str:
    columns, joins = ["f.account_key"], []
    for column in table.columns:
        dimension, natural = column.info.get("dimension"), column.info.get("natural")
        if natural:
            columns.append(f"{ident(str(dimension))}.{ident(natural)}")
            join = "JOIN wh.$dimension AS $dimension ON $dimension.$key = f.$key"
            joins.append(fill(join, dimension=ident(str(dimension)), key=ident(column.name)))
        elif not dimension:
            columns.append(f"f.{ident(column.name)}")
    return fill(_OLD, columns=", ".join(columns), fact=ident(table.name), joins=" ".join(joins))


def _select_new(name: str, table: Table) -> str:
    columns = [f"f.{ident(staged_column_name(column))}" for column in table.columns]
    return fill(_NEW, columns=", ".join(columns), staged=ident(f"staged_{name}"))
