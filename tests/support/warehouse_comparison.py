"""Two warehouses compared row by row: views, dimensions, facts and books, without what differs from run to run."""

from collections import Counter

from warehouse.store import Store

_LEFT_OUT = {"batch", "batches", "code_version", "run_id", "waited_seconds"}
"""Columns that name a run or an arrival, or that rest on the speed of the machine."""

_BOOKS = ("load_", "restatement_log", "schema_version")
"""Relations whose instants are those of the run."""

_COLUMNS = """
SELECT table_name, column_name, data_type FROM information_schema.columns
WHERE table_catalog = 'wh' AND table_schema = 'main' ORDER BY table_name, ordinal_position
"""


def find_differences(left: Store, right: Store, *, with_runs: bool) -> dict[str, int]:
    """Return the number of rows that only one of two warehouses has, by relation; relations without any are 0.

    ``right`` is a lake. ``with_runs`` also compares the runs with their requests: not where one was disturbed, as a
    killed run has rows of its own, and requests of a lost process are in no figure. Raises WarehouseErrors.
    """
    queries = _build_queries(right)
    assert queries.keys() <= _build_queries(left).keys(), "a kind of store may have a table of its own"
    if not with_runs:
        del queries["load_run"]
    return {name: _count_differing(left, right, query) for name, query in queries.items()}


def _build_queries(store: Store) -> dict[str, str]:
    columns: dict[str, list[str]] = {}
    for row in store.read(_COLUMNS).to_pylist():
        name, column = row["table_name"], row["column_name"]
        is_instant_of_run = row["data_type"].startswith("TIMESTAMP") and name.startswith(_BOOKS)
        if column not in _LEFT_OUT and not is_instant_of_run:
            columns.setdefault(name, []).append(f'"{column}"')
    return {name: f"SELECT {', '.join(names)} FROM wh.{name}" for name, names in columns.items()}


def _count_differing(left: Store, right: Store, query: str) -> int:
    rows = [Counter(map(str, store.read(query).to_pylist())) for store in (left, right)]
    return (rows[0] - rows[1]).total() + (rows[1] - rows[0]).total()
