"""Bookkeeping beside the slices, in SQL on the attached `wh`: configured accounts, failed attempts, runs.

All writes happen inside the caller's transaction. What must not come in: facts, files, locks.
"""

from collections.abc import Sequence
from dataclasses import asdict, astuple, fields

import duckdb
import pyarrow as pa

from warehouse.commit.dimensions import add_dates, upsert_accounts
from warehouse.engine import execute_and_count
from warehouse.model.schema import load_run, table_schema
from warehouse.records import AccountRow, MeasureDefinition, RunRow, SliceFailure
from warehouse.sql import fill, identifier_list, literal

_MERGE_FAILURES = """
MERGE INTO wh.load_ledger AS old
USING (SELECT date, account, max_by(f, error_at) AS f FROM failures AS f GROUP BY date, account) AS new
ON old.account = new.account AND old.date = new.date
WHEN MATCHED AND old.state = 'failed' THEN UPDATE SET
    provider = new.f.provider, zone = new.f.zone, external_id = new.f.external_id,
    error = new.f.error, error_at = new.f.error_at
WHEN MATCHED THEN UPDATE SET error = new.f.error, error_at = new.f.error_at
WHEN NOT MATCHED THEN INSERT (date, provider, account, state, zone, external_id, error, error_at)
VALUES (new.date, new.f.provider, new.account, 'failed', new.f.zone, new.f.external_id, new.f.error, new.f.error_at)
"""


def record_failures(con: duckdb.DuckDBPyConnection, failures: Sequence[SliceFailure]) -> None:
    """Record failed attempts in the ledger: beside the load of a loaded slice, else as a failed slice."""
    rows = [
        {
            "date": day,
            "provider": failure.account.provider,
            "account": failure.account.account,
            "zone": failure.account.timezone,
            "external_id": failure.account.external_id,
            "error": failure.error,
            "error_at": failure.failed_at,
        }
        for failure in failures
        for day in failure.dates
    ]
    accounts = {failure.account.account: failure.account for failure in failures}
    con.register("failures", pa.Table.from_pylist(rows))
    upsert_accounts(con, accounts.values(), keep_active=True)
    add_dates(con, "failures")
    con.execute(_MERGE_FAILURES)
    con.unregister("failures")


def find_other_identities(con: duckdb.DuckDBPyConnection, accounts: Sequence[AccountRow]) -> list[AccountRow]:
    """Return the known accounts that have the name of one of these and another provider or external id."""
    identities = {account.account: (account.provider, account.external_id) for account in accounts}
    query = "SELECT $columns FROM wh.dim_account WHERE account IN ($names) ORDER BY account"
    columns = identifier_list(field.name for field in fields(AccountRow))
    names = ", ".join(map(literal, identities)) or "''"
    stored = [AccountRow(*row) for row in con.execute(fill(query, columns=columns, names=names)).fetchall()]
    return [row for row in stored if (row.provider, row.external_id) != identities[row.account]]


def set_accounts_and_measures(
    con: duckdb.DuckDBPyConnection, accounts: Sequence[AccountRow], measures: Sequence[MeasureDefinition]
) -> bool:
    """Replace the configured accounts and the definitions of measures. Return whether anything changed."""
    names = ", ".join(literal(account.account) for account in accounts) or "''"
    deactivate = "UPDATE wh.dim_account SET is_active = false WHERE is_active AND account NOT IN ($names)"
    changed = execute_and_count(con, fill(deactivate, names=names))
    if accounts:
        changed += upsert_accounts(con, accounts, keep_active=False)
    definitions = {astuple(definition) for definition in measures}
    if definitions != set(con.execute("SELECT * FROM wh.measure_definition").fetchall()):
        con.execute("DELETE FROM wh.measure_definition")
        if definitions:
            con.executemany("INSERT INTO wh.measure_definition VALUES (?, ?, ?, ?, ?)", sorted(definitions))
        changed += 1
    return bool(changed)


def record_run(con: duckdb.DuckDBPyConnection, rows: Sequence[RunRow]) -> None:
    """Record the work of a run for its accounts, in place of earlier records of the same run and account."""
    table = pa.Table.from_pylist([asdict(row) for row in rows], schema=table_schema(load_run.name))
    con.register("new_runs", table)
    con.execute("DELETE FROM wh.load_run WHERE (run_id, account) IN (SELECT run_id, account FROM new_runs)")
    con.execute("INSERT INTO wh.load_run BY NAME SELECT * FROM new_runs")
    con.unregister("new_runs")


def read_run_records(con: duckdb.DuckDBPyConnection, run_id: str) -> list[RunRow]:
    """Return the records of a run, ordered by account."""
    query = "SELECT $columns FROM wh.load_run WHERE run_id = $run ORDER BY account"
    columns = identifier_list(field.name for field in fields(RunRow))
    return [RunRow(*row) for row in con.execute(fill(query, columns=columns, run=literal(run_id))).fetchall()]
