"""Years of many accounts in one store: the commits, the queries of ``questions/``, and a day written again.

Arguments: `duckdb` or `parquet`, an empty folder, the years, the accounts. The last line is a JSON object of figures;
``cpu_seconds`` are those of the commits and of the publication, without building the rows. With a fifth argument
`write` it writes the last day of all accounts again and again until it is killed. It runs with the modules of the
measured checkout.
"""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow.compute as pc

from benchmarks.synthetic_slices import build_accounts, build_chunk, build_measures
from warehouse.records import AccountRow, ChunkCommit
from warehouse.store import Store, open_store

PLACES = {"duckdb": "warehouse.duckdb", "parquet": "lake"}
QUESTIONS = Path(__file__).parents[2] / "questions"
LAST = date(2025, 12, 31)
REPEATS = 10


def build_groups(store: Store, accounts: Sequence[AccountRow], years: int) -> Iterator[list[ChunkCommit]]:
    """Yield the chunks that a back-fill commits at once: a month of all accounts, newest first.

    For a store of an earlier release, which takes one chunk, all years of one account.
    """
    if not hasattr(store, "commit_group"):
        for account in accounts:
            yield [build_chunk(account, date(LAST.year - years + 1, 1, 1), LAST)]
        return
    for year in range(LAST.year, LAST.year - years, -1):
        chunks = [build_chunk(account, date(year, 1, 1), date(year, 12, 31)) for account in accounts]
        for month in range(12, 0, -1):
            yield [take_month(chunk, month) for chunk in chunks]


def take_month(chunk: ChunkCommit, month: int) -> ChunkCommit:
    """Return the slices and rows of one month of a chunk of a year."""
    tables = {name: rows.filter(pc.equal(pc.month(rows["date"]), month)) for name, rows in chunk.tables.items()}
    return replace(chunk, slices=tuple(info for info in chunk.slices if info.date.month == month), tables=tables)


def commit_groups(store: Store, groups: Iterable[list[ChunkCommit]]) -> float:
    """Commit and publish; return the CPU seconds without those of building the chunks. Raises an error of a chunk."""
    seconds = 0.0
    for group in groups:
        started = time.process_time()
        if hasattr(store, "commit_group"):
            results = store.commit_group([[chunk] for chunk in group])
            for error in (result for result in results if isinstance(result, Exception)):
                raise error
        else:
            for chunk in group:
                store.commit(chunk)
        seconds += time.process_time() - started
    started = time.process_time()
    store.publish()
    return seconds + time.process_time() - started


def time_queries(read: Callable[[str], object], queries: Iterable[str]) -> dict[str, float]:
    """Run all queries some times; return median, 95th percentile and CPU time of a query in milliseconds."""
    rounds = [query for _ in range(REPEATS) for query in queries]
    durations = []
    cpu_started = time.process_time()
    for query in rounds:
        started = time.perf_counter()
        read(query)
        durations.append((time.perf_counter() - started) * 1000)
    cpu = (time.process_time() - cpu_started) * 1000 / len(rounds)
    return {"p50_ms": statistics.median(durations), "p95_ms": statistics.quantiles(durations, n=20)[-1], "cpu_ms": cpu}


def write_forever(store: Store, accounts: Sequence[AccountRow]) -> None:
    """Write the last day of every account again, with new numbers, until killed."""
    seed = 3
    while True:
        commit_groups(store, [[build_chunk(account, LAST, LAST, seed=seed) for account in accounts]])
        print(seed, flush=True)
        seed += 1


def measure_store(kind: str, folder: Path, years: int, account_count: int) -> dict[str, float]:
    """Load, query, and write a day again."""
    store = open_store(f"{kind}://{folder / PLACES[kind]}", folder)
    first = date(LAST.year - years + 1, 1, 1)
    accounts = build_accounts(account_count, first)
    store.set_accounts_and_measures(accounts, build_measures())
    started = time.perf_counter()
    figures = {"cpu_seconds": commit_groups(store, build_groups(store, accounts, years))}
    figures["wall_seconds"] = time.perf_counter() - started
    figures["peak_megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    files = [path for path in folder.rglob("*") if path.is_file() and "_versions" not in path.parts]
    figures |= {"store_files": len(files), "store_megabytes": store.size_bytes() / 1e6}
    queries = [path.read_text("utf-8") for path in sorted(QUESTIONS.glob("*.sql"))]
    figures |= {f"questions_{name}": value for name, value in time_queries(store.read, queries).items()}
    last_days = [build_chunk(account, LAST, LAST, seed=2) for account in accounts]
    figures["day_again_cpu_seconds"] = commit_groups(store, [last_days])
    arguments = [sys.executable, __file__, kind, str(folder), str(years), str(account_count), "write"]
    writer = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
    try:
        time.sleep(3)  # its start
        loaded = time_queries(store.read, queries)
        if writer.poll() is not None:
            raise RuntimeError("the writer ended")
    finally:
        writer.kill()
        writer.wait()
    return figures | {f"questions_while_loading_{name}": value for name, value in loaded.items()}


def main() -> None:
    """Measure, or write forever."""
    kind, folder, years, account_count, *mode = sys.argv[1:]
    if mode:
        store = open_store(f"{kind}://{Path(folder) / PLACES[kind]}", Path(folder))
        write_forever(store, build_accounts(int(account_count), date(LAST.year - int(years) + 1, 1, 1)))
    print(json.dumps(measure_store(kind, Path(folder), int(years), int(account_count))))


if __name__ == "__main__":
    main()
