"""Restatements: the numbers that a re-load changes, found by SQL that is derived from the declared star.

Positions in a list are not compared: one new hit would move them all. Facts of single events are compared as sums per
day. What must not come in: the choice of the slices to compare, a rule of one fact.
"""

from collections.abc import Collection, Mapping, Sequence

from warehouse.model.schema import STAGED_FACTS, fact_table, staged_grain
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
SELECT account_key, date, $view AS "view", $member AS member, number.measure, number."old", number."new"
FROM (
    SELECT $grain, unnest([$numbers]) AS number
    FROM ($old) AS o FULL JOIN ($new) AS n ON $same_grain
    WHERE $differs
)
WHERE number."old" IS DISTINCT FROM number."new"
"""
_NUMBER = "{'measure': $text, 'old': CAST(o.$name AS DECIMAL(38, 9)), 'new': CAST(n.$name AS DECIMAL(38, 9))}"

_ROWS = """
SELECT $columns FROM $rows AS f SEMI JOIN compared AS c ON c.account_key = f.account_key AND c.date = f.date $joins
WHERE $condition $grouped
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
    """Return the query of the numbers of a fact that differ. Rows without a difference are dropped first."""
    grain, measures = _grain_of(name), _measures_of(name)
    members = [ident(column) for column in grain[2:]]
    return fill(
        _CHANGES,
        view=literal(name),
        member=f"concat_ws(' / ', {', '.join(members)})" if members else "CAST(NULL AS VARCHAR)",
        grain=identifier_list(grain, "coalesce(o.$name, n.$name) AS $name"),
        numbers=", ".join(fill(_NUMBER, text=literal(measure), name=ident(measure)) for measure in measures),
        old=_select_old(name) if is_filled else _select_new(name, "false"),
        new=_select_new(name) if is_staged else _select_old(name, "false"),
        same_grain=" AND ".join(fill("o.$name IS NOT DISTINCT FROM n.$name", name=ident(column)) for column in grain),
        differs=" OR ".join(fill("o.$name IS DISTINCT FROM n.$name", name=ident(measure)) for measure in measures),
    )


def _grain_of(name: str) -> list[str]:
    """Return the columns of which each value is compared by itself; single events are compared as those of a day."""
    return ["account_key", "date"] if _counted_as(name) else ["account_key", *staged_grain(name)]


def _measures_of(name: str) -> dict[str, str]:
    """Return the expression of each measure of the rows `f`; for single events their count and their sums."""
    measures = [column for column in fact_table(name).columns if column.info["role"] == "measure"]
    counted_as = _counted_as(name)
    if not counted_as:
        return {column.name: f"f.{ident(column.name)}" for column in measures}
    additive = [column.name for column in measures if column.info["additivity"] == "additive"]
    return {counted_as: "count(*)", **{column: f"sum(f.{ident(column)})" for column in additive}}


def _counted_as(name: str) -> str | None:
    return fact_table(name).info.get("counted_as")


def _select_old(name: str, condition: str = "true") -> str:
    """Return the rows of a fact in the warehouse, with the natural members in the place of keys."""
    columns, joins = {column: f"f.{ident(column)}" for column in _grain_of(name)}, []
    for column in fact_table(name).columns:
        dimension, natural = str(column.info.get("dimension")), column.info.get("natural")
        if natural in columns:
            columns[natural] = f"{ident(dimension)}.{ident(natural)}"
            join = "JOIN wh.$dimension AS $dimension ON $dimension.$key = f.$key"
            joins.append(fill(join, dimension=ident(dimension), key=ident(column.name)))
    return _select_rows(name, f"wh.{ident(fact_table(name).name)}", columns, joins, condition)


def _select_new(name: str, condition: str = "true") -> str:
    columns = {column: f"f.{ident(column)}" for column in _grain_of(name)}
    return _select_rows(name, ident(f"staged_{name}"), columns, [], condition)


def _select_rows(name: str, rows: str, grain: Mapping[str, str], joins: Sequence[str], condition: str) -> str:
    columns = {**grain, **_measures_of(name)}
    return fill(
        _ROWS,
        columns=", ".join(f"{value} AS {ident(column)}" for column, value in columns.items()),
        rows=rows,
        joins=" ".join(joins),
        condition=condition,
        grouped=f"GROUP BY {', '.join(grain.values())}" if _counted_as(name) else "",
    )
