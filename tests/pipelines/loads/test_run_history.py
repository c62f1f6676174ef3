"""The history of runs: newest first, with the results and the cost of each, and the accounts of one."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.loads.failures import INTERRUPTED_MESSAGE
from pipelines.loads.run_history import find_run_ids, read_account_runs, read_runs
from tests.warehouse.sample import open_sample_store
from warehouse.records import RunRow
from warehouse.store import Store

START = datetime(2025, 3, 1, 5, 30, tzinfo=UTC)
ROW = RunRow(
    date=date(2025, 3, 1),
    provider="cognigy",
    account="acme",
    run_id="aa11",
    command="load",
    started_at=START,
    ended_at=START + timedelta(seconds=90),
    planned=4,
    loaded=4,
    failed=0,
    requests=7,
    retries=1,
    bytes=1000,
    rows=40,
    waited_seconds=Decimal("1.5"),
    error=None,
)
OTHER = replace(ROW, account="globex", provider="inkeep", ended_at=START + timedelta(seconds=30), requests=3)


def shift(row: RunRow, run_id: str, days: int) -> RunRow:
    later = START + timedelta(days=days)
    return replace(row, run_id=run_id, date=later.date(), started_at=later, ended_at=later + timedelta(seconds=5))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_sample_store(tmp_path)


def record(store: Store, *rows: RunRow) -> None:
    store.record_run(rows)
    store.publish()


def test_nothing_is_recorded_before_the_first_publication(store: Store) -> None:
    assert read_runs(store, limit=5) == []
    assert find_run_ids(store, "") == []
    assert not store.location.exists()


def test_runs_come_newest_first_with_the_sums_of_their_accounts(store: Store) -> None:
    record(store, ROW, OTHER, shift(ROW, "bb22", 2), shift(ROW, "ab33", 1))
    assert [run.run_id for run in read_runs(store, limit=5)] == ["bb22", "ab33", "aa11"]
    assert [run.run_id for run in read_runs(store, limit=1)] == ["bb22"]
    [run] = read_runs(store, limit=5, run_id="aa11")
    assert (run.accounts, run.requests, run.retries, run.bytes, run.rows) == (2, 10, 2, 2000, 80)
    assert (run.planned, run.loaded, run.waited_seconds, run.seconds) == (8, 8, 3.0, 90.0)
    [part] = read_runs(store, limit=5, accounts=["globex"])
    assert (part.run_id, part.accounts, part.requests, part.seconds) == ("aa11", 1, 3, 30.0)


@pytest.mark.parametrize(
    ("changes", "result", "failed_accounts"),
    [
        ({}, "loaded", 0),
        ({"failed": 1, "loaded": 3, "error": "HTTP 500"}, "partly failed", 1),
        ({"failed": 4, "loaded": 0, "error": "HTTP 401"}, "failed", 1),
        ({"loaded": 1, "error": INTERRUPTED_MESSAGE}, "interrupted", 0),
        ({"loaded": 1, "ended_at": None}, "not ended", 0),
    ],
)
def test_the_result_of_a_run(store: Store, changes: dict[str, object], result: str, failed_accounts: int) -> None:
    record(store, replace(ROW, **changes))  # type: ignore[arg-type]
    [run], [row] = read_runs(store, limit=5), read_account_runs(store, "aa11")
    assert (run.result, row.result, run.failed_accounts) == (result, result, failed_accounts)
    assert (run.seconds is None) == (result == "not ended")


def test_a_run_that_failed_for_one_of_its_accounts_failed_in_part(store: Store) -> None:
    record(store, ROW, replace(OTHER, failed=4, loaded=0, error="HTTP 401"))
    [run] = read_runs(store, limit=5)
    assert (run.result, run.failed_accounts, run.accounts) == ("partly failed", 1, 2)
    assert [(row.account, row.error) for row in read_account_runs(store, "aa11")] == [
        ("acme", None),
        ("globex", "HTTP 401"),
    ]
    assert [row.account for row in read_account_runs(store, "aa11", ["acme"])] == ["acme"]


def test_a_run_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    record(store, ROW, shift(ROW, "ab33", 1), shift(ROW, "ab34", 1))
    assert find_run_ids(store, "aa") == ["aa11"]
    assert find_run_ids(store, "ab") == ["ab33", "ab34"]
    assert find_run_ids(store, "%") == []
