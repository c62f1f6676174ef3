"""What a view reads, and that the quick way to a number gives the same number."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tests.warehouse.sample import STORE_KINDS, build_chunk_commit, build_staged_table, open_sample_store, query_rows
from warehouse.store import Store

DAY = date(2025, 3, 31)
DAYS = [date(2025, 1, 31), date(2025, 2, 1), date(2025, 2, 28), DAY]
VALUES = ["0.5", "-0.5", "1.5", "0.499999999", "999999999.5", "-999999999.5", "1000000000", "9223372036854775807", None]


@pytest.fixture(scope="module", params=sorted(STORE_KINDS))
def loaded_store(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Store:
    store = open_sample_store(tmp_path_factory.mktemp("cost"), request.param)
    metrics = [
        {"date": DAY, "metric": metric, "member": str(number), "value": Decimal(value) if value else None}
        for metric in ("end_reason", "topic", "tokens", "type")
        for number, value in enumerate(VALUES)
    ]
    tables = {
        "metric_daily": build_staged_table("metric_daily", metrics),
        "intent_daily": build_staged_table(
            "intent_daily", [{"date": day, "intent": "prices", "hits": 1} for day in DAYS]
        ),
    }
    store.commit(build_chunk_commit(DAYS, tables))
    store.publish()
    return store


@pytest.mark.parametrize(
    ("view", "metric", "member", "column"),
    [
        ("end_reason_daily", "end_reason", "end_reason", "conversations"),
        ("topic_daily", "topic", "topic", "conversations"),
        ("token_daily", "tokens", "model", "tokens"),
        ("type_daily", "type", "type", "conversations"),
    ],
)
def test_counts_of_metrics_are_rounded_as_a_cast_rounds_them(
    loaded_store: Store, view: str, metric: str, member: str, column: str
) -> None:
    plain = f"SELECT member, CAST(value AS BIGINT) FROM metric_daily WHERE metric = '{metric}' ORDER BY ALL"
    rows = query_rows(loaded_store, f"SELECT {member}, {column} FROM {view} ORDER BY ALL")
    assert rows == query_rows(loaded_store, plain)
    assert len(rows) == len(VALUES)


@pytest.mark.parametrize("value", ["-0.500000000", "0.5", "2.5", "999999999.499999999", "-999999999.999999999"])
def test_both_casts_round_alike(value: str) -> None:
    quick, plain = duckdb.sql(
        f"SELECT CAST(TRY_CAST(v AS DECIMAL(18, 9)) AS BIGINT), CAST(v AS BIGINT) "
        f"FROM (SELECT CAST('{value}' AS DECIMAL(28, 9)) AS v)"
    ).fetchall()[0]
    assert quick == plain
    assert quick is not None


def scans_of(node: dict[str, Any], table: str, above: str = "") -> Iterator[str]:
    """Yield the description of each scan of a table in a plan, after those of the steps between it and its join."""
    details = node.get("extra_info", {})
    path = "" if "JOIN" in node["name"] else above + json.dumps(details)  # a join begins anew
    if str(details.get("Table", "")).endswith(table):
        yield path
    for child in node["children"]:
        yield from scans_of(child, table, path)


@pytest.mark.parametrize("loaded_store", ["duckdb"], indirect=True)
def test_a_condition_on_the_month_of_the_trend_picks_days_before_facts_are_read(loaded_store: Store) -> None:
    with duckdb.connect(str(loaded_store.location), read_only=True) as con:
        query = "SELECT * FROM intent_trend WHERE month = DATE '2025-02-01'"
        [(_, plan)] = con.execute(f"EXPLAIN (FORMAT JSON) {query}").fetchall()
        [root] = json.loads(plan)
        scans = list(scans_of(root, "dim_date"))
        assert scans
        assert all("2025-02-01" in scan for scan in scans), scans
