"""The floor of years of many accounts: the same rows in DuckDB tables without keys, views or books. Nothing else.

Arguments: an empty folder, the years, the accounts. The last line is a JSON object of figures, named as those of
``store_years``. Its questions are two on each table: sums by month and provider, and a year of one account.
"""

import json
import resource
import sys
import time
from datetime import date
from pathlib import Path

import duckdb

from benchmarks.compare.programs.store_years import LAST, time_queries
from benchmarks.synthetic_slices import build_accounts, build_chunk

QUESTIONS = (
    "SELECT account, date_trunc('month', date) AS month, count(*) FROM {table} GROUP BY ALL ORDER BY ALL",
    "SELECT * FROM {table} WHERE account = 'account-001' AND date >= DATE '2025-01-01' ORDER BY date",
)


def main() -> None:
    """Load and query."""
    folder, years, account_count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    first = date(LAST.year - years + 1, 1, 1)
    path = folder / "raw.duckdb"
    tables: set[str] = set()
    cpu_seconds, started = 0.0, time.perf_counter()
    for account in build_accounts(account_count, first):
        chunk = build_chunk(account, first, LAST)
        cpu_started = time.process_time()
        with duckdb.connect(str(path)) as engine:
            engine.execute("BEGIN")
            for table, rows in chunk.tables.items():
                verb = f"INSERT INTO {table}" if table in tables else f"CREATE TABLE {table} AS"
                engine.register("rows", rows)
                engine.execute(f"{verb} SELECT '{account.account}' AS account, * FROM rows")
                tables.add(table)
            engine.execute("COMMIT")
        cpu_seconds += time.process_time() - cpu_started
    figures = {"cpu_seconds": cpu_seconds, "wall_seconds": time.perf_counter() - started}
    figures["peak_megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures |= {"store_files": 1, "store_megabytes": path.stat().st_size / 1e6}

    def read(query: str) -> object:
        with duckdb.connect(str(path), read_only=True) as engine:
            return engine.execute(query).to_arrow_table()

    queries = [question.format(table=table) for question in QUESTIONS for table in sorted(tables)]
    print(json.dumps(figures | {f"questions_{name}": value for name, value in time_queries(read, queries).items()}))


if __name__ == "__main__":
    main()
