"""Years of many accounts in each store: size, the questions of ``questions/``, and what it costs to write a part again.

Seconds are of the processor and of the clock, side by side; each store is measured in a process of its own, so that
the peak memory is its own.
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
    """Adds up the seconds of what it measures."""

    clock: float = 0.0
    cpu: float = 0.0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Measure a block."""
        cpu, clock = time.process_time(), time.perf_counter()
        yield
        self.clock += time.perf_counter() - clock
        self.cpu += time.process_time() - cpu

    def print_total(self, what: str) -> None:
        """Print what it took."""
        print(f"{what:<58}{self.clock:9.2f} s{self.cpu:9.2f} CPU s", flush=True)


def commit_chunks(store: Store, what: str, chunks: Iterable[ChunkCommit]) -> None:
    """Commit and publish; the chunks' making is not counted."""
    commits, publication = Stopwatch(), Stopwatch()
    for each in chunks:
        with commits():
            store.commit(each)
    commits.print_total(what)
    with publication():
        store.publish()
    publication.print_total("  publish")


def measure_store(kind: str, folder: Path, years: int, count: int) -> None:
    """Load, ask and write again in one store."""
    store = open_store(f"{kind}://{folder / KINDS[kind]}", folder)
    first = date(LAST.year - years + 1, 1, 1)
    fleet = build_accounts(count, first)
    store.set_accounts_and_measures(fleet, build_measures())
    commit_chunks(store, f"load, one commit per account ({count})", (build_chunk(each, first, LAST) for each in fleet))
    days = (LAST - first).days + 1
    files = [path for path in folder.rglob("*") if path.is_file() and "_versions" not in path.parts]
    told = f"{days * count} slices, {days * count * ROWS_PER_SLICE / 1e6:.1f} million rows"
    print(f"{told}: {store.size_bytes() / 1e6:.0f} MB published, {len(files)} files")
    for question in sorted(QUESTIONS.glob("*.sql")):
        seconds, rows = time_query(store, question.read_text("utf-8"))
        print(f"{question.stem:<58}{seconds:9.3f} s{rows:9} rows", flush=True)
    again = (build_chunk(each, LAST, LAST, seed=2) for each in fleet)
    commit_chunks(store, f"write a day again, every account ({count} commits)", again)
    starts = [date(LAST.year, month, 1) for month in range(1, 13)] + [LAST + timedelta(days=1)]
    months = (build_chunk(fleet[0], start, end - timedelta(days=1), seed=3) for start, end in pairwise(starts))
    commit_chunks(store, "write a year again, one account (12 commits)", months)
    print(f"{kind}: peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def time_query(store: Store, query: str) -> tuple[float, int]:
    """The median seconds of a question, and its rows."""
    taken, rows = [], 0
    for _ in range(REPEATS):
        began = time.perf_counter()
        rows = store.read(query).num_rows
        taken.append(time.perf_counter() - began)
    return statistics.median(taken), rows


def main() -> None:
    """Measure both stores, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=5)
    parser.add_argument("--accounts", type=int, default=100)
    parser.add_argument("--kind", choices=KINDS, help="measure only this store, in this process")
    asked = parser.parse_args()
    if asked.kind:
        with tempfile.TemporaryDirectory() as folder:
            measure_store(asked.kind, Path(folder), asked.years, asked.accounts)
        return
    for kind in KINDS:
        print(f"\n{kind}", flush=True)
        again = [sys.executable, "-m", "benchmarks.stores", "--kind", kind]
        subprocess.run([*again, "--years", str(asked.years), "--accounts", str(asked.accounts)], check=True)


if __name__ == "__main__":
    main()
