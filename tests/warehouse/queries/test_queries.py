"""The ready queries run as they are, on a warehouse with some history."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

import warehouse
from tests.warehouse.sample import (
    DAY,
    LOADED_AT,
    build_chunk_commit,
    build_full_tables,
    build_staged_table,
    consecutive_days,
    open_sample_store,
    query_rows,
)
from warehouse.store import Store

QUERIES = {path.stem: path.read_text() for path in (Path(warehouse.__file__).parent / "queries").glob("*.sql")}


@pytest.fixture(scope="module")
def loaded_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = open_sample_store(tmp_path_factory.mktemp("queries"))
    store.commit(build_chunk_commit(consecutive_days(3), build_full_tables(consecutive_days(3), 10)))
    tables = build_full_tables(consecutive_days(1), 12)
    totals = {"date": DAY, "understood_messages": 3, "misunderstood_messages": 1, "conversations": 12}
    tables["conversation_daily"] = build_staged_table(
        "conversation_daily", [{**totals, "call_duration_seconds": Decimal(90), "cost_amount": Decimal("0.5")}]
    )
    store.commit(build_chunk_commit(consecutive_days(1), tables, loaded_at=LOADED_AT + timedelta(days=1)))
    store.publish()
    return store


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_each_says_what_it_asks_and_answers(loaded_store: Store, name: str) -> None:
    assert QUERIES[name].startswith("-- ")
    assert query_rows(loaded_store, QUERIES[name])
    assert "HUGEINT" not in str(query_rows(loaded_store, f"DESCRIBE {QUERIES[name]}"))


def test_gaps_are_runs_of_days(loaded_store: Store) -> None:
    [(_, account, state, first, last, count)] = query_rows(loaded_store, QUERIES["coverage_gaps"])
    assert (account, state, first) == ("acme", "missing", date(2025, 3, 4))
    assert isinstance(last, date)
    assert count == (last - date(2025, 3, 4)).days + 1
