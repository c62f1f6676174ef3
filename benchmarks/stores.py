"""Measure years of many accounts in each store: size, the queries of ``questions/``, and rewriting a part.

Wall and CPU seconds are printed side by side. Each store is measured in its own process, so that the peak memory is
its own.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from benchmarks.synthetic_slices import ROWS_PER_SLICE, build_accounts, build_chunk, build_measures
from warehouse.records import ChunkCommit
from warehouse.store import Store, open_store

KINDS = {"duckdb": "warehouse.duckdb", "parquet": "lake"}
QUESTIONS = Path(__file__).parent / "questions"
LAST = date(2025, 12, 31)
REPEATS = 5


@dataclass
class Stopwatch:
    """A sum of wall and CPU seconds over several blocks."""

    clock: float = 0.0
    cpu: float = 0.0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Measure a block."""
        cpu, clock = time.process_time(), time.perf_counter()
        yield
        self.clock += time.perf_counter() - clock
        self.cpu += time.process_time() - cpu

    def print_total(self, label: str) -> None:
        """Print the sums."""
        print(f"{label:<58}{self.clock:9.2f} s{self.cpu:9.2f} CPU s", flush=True)


def commit_chunks(store: Store, label: str, chunks: Iterable[ChunkCommit]) -> None:
    """Commit and publish the chunks; the time for building them is not counted."""
    commits, publication = Stopwatch(), Stopwatch()
    for chunk in chunks:
        with commits():
            store.commit(chunk)
    commits.print_total(label)
    with publication():
        store.publish()
    publication.print_total("  publish")


def measure_store(kind: str, folder: Path, years: int, count: int) -> None:
    """Load, query and rewrite one store."""
    store = open_store(f"{kind}://{folder / KINDS[kind]}", folder)
    first = date(LAST.year - years + 1, 1, 1)
    accounts = build_accounts(count, first)
    store.set_accounts_and_measures(accounts, build_measures())
    commit_chunks(
        store, f"load, one commit per account ({count})", (build_chunk(account, first, LAST) for account in accounts)
    )
    days = (LAST - first).days + 1
    files = [path for path in folder.rglob("*") if path.is_file() and "_versions" not in path.parts]
    size = f"{days * count} slices, {days * count * ROWS_PER_SLICE / 1e6:.1f} million rows"
    print(f"{size}: {store.size_bytes() / 1e6:.0f} MB published, {len(files)} files")
    for question in sorted(QUESTIONS.glob("*.sql")):
        seconds, rows = time_query(store, question.read_text("utf-8"))
        print(f"{question.stem:<58}{seconds:9.3f} s{rows:9} rows", flush=True)
    last_days = (build_chunk(account, LAST, LAST, seed=2) for account in accounts)
    commit_chunks(store, f"write a day again, every account ({count} commits)", last_days)
    starts = [date(LAST.year, month, 1) for month in range(1, 13)] + [LAST + timedelta(days=1)]
    months = (build_chunk(accounts[0], start, end - timedelta(days=1), seed=3) for start, end in pairwise(starts))
    commit_chunks(store, "write a year again, one account (12 commits)", months)
    print(f"{kind}: peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def time_query(store: Store, query: str) -> tuple[float, int]:
    """Return the median wall seconds of a query and the number of its rows."""
    durations_seconds, rows = [], 0
    for _ in range(REPEATS):
        began = time.perf_counter()
        rows = store.read(query).num_rows
        durations_seconds.append(time.perf_counter() - began)
    return statistics.median(durations_seconds), rows


def main() -> None:
    """Measure both stores, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=5)
    parser.add_argument("--accounts", type=int, default=100)
    parser.add_argument("--kind", choices=KINDS, help="measure only this store, in this process")
    options = parser.parse_args()
    if options.kind:
        with tempfile.TemporaryDirectory() as folder:
            measure_store(options.kind, Path(folder), options.years, options.accounts)
        return
    for kind in KINDS:
        print(f"\n{kind}", flush=True)
        command = [sys.executable, "-m", "benchmarks.stores", "--kind", kind]
        subprocess.run([*command, "--years", str(options.years), "--accounts", str(options.accounts)], check=True)


if __name__ == "__main__":
    main()
