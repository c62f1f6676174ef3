"""Restatements: the numbers that a re-load changes, found by SQL that is derived from the declared star.

Positions in a list are not compared: one new hit would move them all. Facts of single events are compared as sums per
day. What must not come in: the choice of the slices to compare, a rule of one fact.
"""

from sqlalchemy import Column, Table

from warehouse.model.schema import STAGED_FACTS, fact_table, staged_column_name, staged_grain
from warehouse.records import AccountRow
from warehouse.sql import fill, ident, literal, surrogate_key_sql

_INSERT_CHANGES = """
INSERT INTO wh.restatement_log
SELECT
    date, $provider, $account, "view", member, measure, "old", "new",
    date_diff('day', date, CAST(landed_at AS DATE)), landed_at
FROM ($changes) JOIN (SELECT date, landed_at FROM slices) USING (date)
"""

_CHANGES = """
SELECT
    date, $view AS "view", $member AS member, number.measure AS measure,
    any_value(number.value) FILTER (WHERE NOT is_new) AS "old",
    any_value(number.value) FILTER (WHERE is_new) AS "new"
FROM (SELECT is_new, $grain, unnest($measures) AS number FROM ($both) $grouped)
GROUP BY $grain, number.measure
HAVING "old" IS DISTINCT FROM "new"
"""

_OLD = """
SELECT false AS is_new, $columns
FROM wh.$fact AS f $joins
WHERE f.account_key = $account_key AND f.date IN (SELECT date FROM compared)
"""

_NEW = """
SELECT true AS is_new, $columns FROM $staged AS f WHERE f.date IN (SELECT date FROM compared)
"""


def insert_restatements_sql(account: AccountRow, filled: tuple[str, ...], staged: tuple[str, ...]) -> str:
    """Return the statement that logs every number of the days in `compared` that the staged tables change.

    `filled` are the facts that have rows of these days. The statement runs after the dimensions were updated and
    before any fact is replaced. `logged_at` is the instant (UTC) when the slice's newest response had landed, so that
    a replay of the same responses logs the same. A fact that is not staged loses all its rows: its new numbers are
    NULL.
    """
    facts = [name for name in STAGED_FACTS if name in filled or name in staged]
    changes = [_select_changes(name, account.account, name in staged) for name in facts]
    return fill(
        _INSERT_CHANGES,
        provider=literal(account.provider),
        account=literal(account.account),
        changes=" UNION ALL ".join(f"({change})" for change in changes),
    )


def _select_changes(name: str, account: str, is_staged: bool) -> str:
    table = fact_table(name)
    counted_as = table.info.get("counted_as")
    compared = ["date"] if counted_as else list(staged_grain(name))
    measures = [column for column in table.columns if column.info["role"] == "measure"]
    if counted_as:
        measures = [column for column in measures if column.info["additivity"] == "additive"]
    both = _select_old(name, table, account)
    if is_staged:
        both += " UNION ALL BY NAME " + _select_new(name, table)
    members = [ident(column) for column in compared[1:]]
    return fill(
        _CHANGES,
        view=literal(name),
        member=f"concat_ws(' / ', {', '.join(members)})" if members else "CAST(NULL AS VARCHAR)",
        grain=", ".join(map(ident, compared)),
        measures=_measure_list(measures, counted_as),
        both=both,
        grouped="GROUP BY is_new, date" if counted_as else "",
    )


def _measure_list(measures: list[Column[object]], counted_as: str | None) -> str:
    """Return an SQL list of structs, one per measure; for single events their count and their sums."""
    values = {
        column.name: fill("sum($name)" if counted_as else "$name", name=ident(column.name)) for column in measures
    }
    if counted_as:
        values = {counted_as: "count(*)", **values}
    item = "{'measure': $measure, 'value': CAST($value AS DECIMAL(38, 9))}"
    return "[" + ", ".join(fill(item, measure=literal(name), value=value) for name, value in values.items()) + "]"


def _select_old(name: str, table: Table, account: str) -> str:
    columns, joins = [], []
    for column in table.columns:
        dimension, natural = column.info.get("dimension"), column.info.get("natural")
        if natural:
            columns.append(f"{ident(str(dimension))}.{ident(natural)}")
            join = "JOIN wh.$dimension AS $dimension ON $dimension.$key = f.$key"
            joins.append(fill(join, dimension=ident(str(dimension)), key=ident(column.name)))
        elif not dimension:
            columns.append(f"f.{ident(column.name)}")
    return fill(
        _OLD,
        columns=", ".join(columns),
        fact=ident(table.name),
        joins=" ".join(joins),
        account_key=surrogate_key_sql(literal(account)),
    )


def _select_new(name: str, table: Table) -> str:
    columns = [f"f.{ident(staged_column_name(column))}" for column in table.columns if column.name != "account_key"]
    return fill(_NEW, columns=", ".join(columns), staged=ident(f"staged_{name}"))
