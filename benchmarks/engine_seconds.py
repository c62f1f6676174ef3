"""The ten questions from an object store: seconds of each engine in a new process, and of the same process again.

`python -m benchmarks.engine_seconds` makes a lake of invented slices in three shards, copies it into an object store
(moto, a process of its own), and prints a Markdown table: for the folder, for the store, and for the store behind a
proxy that answers each request 40 ms later. Each line is a new process without copies of any object; its imports and
its start are not counted, the opening of the lake is. Answers are compared with those of DuckDB on the folder.

polars and pyspark are no dependencies of the project: install them beside it, or their lines are left out, with a
sentence. Spark reads the folder only: its package for object stores comes from no registry of Python packages.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import httpx

from benchmarks.engines import ENGINES, FIRST, QUESTIONS, Answer, Ask, are_equal, fill_lake, open_chatmart, to_texts
from benchmarks.lake_commits import count_requests, run_object_store
from benchmarks.synthetic_slices import build_accounts
from tests.support.flaky_store import run_flaky_store
from warehouse.store import LakeSettings, open_store

BUCKET_URL = "s3://lake/engines"
DELAY_SECONDS = 0.04
LOCAL_ONLY = "Spark"
OWN = "DuckDB (`chatmart sql`)"


def open_engine(name: str, address: str, folder: Path) -> Ask:
    """Open a lake with an engine. `folder` is an empty one, for copies."""
    if name == OWN:
        return open_chatmart(open_store(f"delta+{address}" if "://" in address else f"delta://{address}", folder))
    return ENGINES[name][1](address)


def answer_twice(name: str, address: str, log: Path) -> None:
    """Answer the ten questions twice, and print seconds, requests and the answers as JSON."""
    if name != OWN:
        importlib.import_module(ENGINES[name][0])
    figures: list[float] = []
    answers: dict[str, Answer] = {}
    with tempfile.TemporaryDirectory() as folder:
        ask: Ask | None = None
        for _ in range(2):
            requests, began = count_requests(log), perf_counter()
            ask = ask or open_engine(name, address, Path(folder))
            rows = {question: list(ask(question)) for question in QUESTIONS}
            figures += [perf_counter() - began, count_requests(log) - requests]
            answers = {question: to_texts(answer) for question, answer in rows.items()}
    print(json.dumps({"figures": figures, "answers": answers}))


def measure(name: str, address: str, log: Path, expected: dict[str, Answer]) -> str:
    """Run an engine in a process of its own. Return its cells of the table."""
    command = [sys.executable, "-m", "benchmarks.engine_seconds", f"--engine={name}", f"--address={address}"]
    output = subprocess.run([*command, f"--log={log}"], check=True, stdout=subprocess.PIPE, text=True).stdout
    result = json.loads(output.splitlines()[-1])
    others = [
        question[:2]
        for question, rows in expected.items()
        if not are_equal([tuple(row) for row in result["answers"][question]], rows)
    ]
    cold, requests, warm, requests_again = result["figures"]
    return f"{name} | {len(others)} {' '.join(others)}| {cold:.1f} | {warm:.1f} | {requests:.0f} | {requests_again:.0f}"


def copy_into_store(lake: Path) -> None:
    """Copy the objects of a lake into the object store of the environment."""
    with httpx.Client(base_url=os.environ["AWS_ENDPOINT_URL"]) as client:
        for path in sorted(path for path in lake.rglob("*") if path.is_file()):
            name = f"/{BUCKET_URL.removeprefix('s3://')}/{path.relative_to(lake)}"
            client.put(name, content=path.read_bytes()).raise_for_status()


@contextmanager
def delay_requests() -> Iterator[None]:
    """Let the object store of the environment answer later."""
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    with run_flaky_store(endpoint, fail_every=2**62, delay_seconds=DELAY_SECONDS) as slow:
        os.environ["AWS_ENDPOINT_URL"] = slow
        try:
            yield
        finally:
            os.environ["AWS_ENDPOINT_URL"] = endpoint


def print_lines(place: str, address: str, log: Path, expected: dict[str, Answer]) -> None:
    """Print the lines of all engines about one place of the lake."""
    for name in (OWN, *ENGINES):
        if name != OWN and importlib.util.find_spec(ENGINES[name][0]) is None:
            print(f"| {place} | {name} | not installed: `pip install {ENGINES[name][0]}` | | | | |")
        elif name != LOCAL_ONLY or "://" not in address:
            print(f"| {place} | {measure(name, address, log, expected)} |", flush=True)


def main() -> None:
    """Make the lake, ask each engine in each place, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=50, help="question 3 needs 43 of them to have an answer")
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    parser.add_argument("--address", help=argparse.SUPPRESS)
    parser.add_argument("--log", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine:
        answer_twice(options.engine, options.address, options.log)
        return
    with tempfile.TemporaryDirectory() as name:
        folder, log = Path(name), Path(name) / "requests.log"
        store = open_store(f"delta://{folder / 'lake'}", folder, lake=LakeSettings(shards=3))
        fill_lake(store, build_accounts(options.accounts, FIRST))
        expected = {question: to_texts(open_chatmart(store)(question)) for question in QUESTIONS}
        print("| lake | engine | other answers | cold s | warm s | requests | again |")
        print("|---|---|--:|--:|--:|--:|--:|")
        print_lines("folder", str(folder / "lake"), log, expected)
        with run_object_store(log):
            copy_into_store(folder / "lake")
            print_lines("object store", BUCKET_URL, log, expected)
            with delay_requests():
                print_lines(f"object store, {DELAY_SECONDS * 1000:.0f} ms a request", BUCKET_URL, log, expected)


if __name__ == "__main__":
    main()
