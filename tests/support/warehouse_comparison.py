"""Two warehouses compared row by row: views, dimensions, facts and books, without what differs from run to run."""

from collections import Counter

from warehouse.store import Store

_LEFT_OUT = {"batch", "batches", "code_version", "run_id"}
"""Columns that name a run or an arrival."""

_OF_REQUESTS = {"requests", "retries", "bytes", "waited_seconds"}
"""Columns of ``load_run`` that differ where a run was disturbed: requests of a lost process are in no figure."""

_BOOKS = ("load_", "restatement_log", "schema_version")
"""Relations whose instants are those of the run."""

_COLUMNS = """
SELECT table_name, column_name, data_type FROM information_schema.columns
WHERE table_catalog = 'wh' ORDER BY table_name, ordinal_position
"""


def find_differences(left: Store, right: Store, *, with_requests: bool) -> dict[str, int]:
    """Return the number of rows that only one of two warehouses has, by relation; relations without any are 0.

    ``right`` is a lake. ``with_requests`` also compares the figures of requests. Raises WarehouseErrors.
    """
    queries = _build_queries(right, with_requests)
    assert queries.keys() <= _build_queries(left, with_requests).keys(), "a kind of store may have a table of its own"
    return {name: _count_differing(left, right, query) for name, query in queries.items()}


def _build_queries(store: Store, with_requests: bool) -> dict[str, str]:
    columns: dict[str, list[str]] = {}
    for row in store.read(_COLUMNS).to_pylist():
        name, column = row["table_name"], row["column_name"]
        is_instant = row["data_type"].startswith("TIMESTAMP") and name.startswith(_BOOKS)
        is_of_requests = name == "load_run" and column in _OF_REQUESTS
        if column not in _LEFT_OUT and not is_instant and (with_requests or not is_of_requests):
            columns.setdefault(name, []).append(f'"{column}"')
    if not with_requests:
        # a run that was killed has rows of its own, without an end
        columns.pop("load_run", None)
    return {name: f"SELECT {', '.join(names)} FROM wh.{name}" for name, names in columns.items()}


def _count_differing(left: Store, right: Store, query: str) -> int:
    rows = [Counter(map(str, store.read(query).to_pylist())) for store in (left, right)]
    return (rows[0] - rows[1]).total() + (rows[1] - rows[0]).total()
