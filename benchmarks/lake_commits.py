"""Measure a commit of 100 accounts and 4 days in each kind of store: CPU seconds, wall seconds, requests to objects.

`python -m benchmarks.lake_commits` prints a Markdown table. Each writer is a process with 100 accounts of its own, and
loads four days, of which one is new, as every night; its first commit, which makes the store, is not counted. The
object store is moto in a process of its own, whose CPU time is not part of the figures. `--shards` is the number of
shards of a Delta lake: with 8 of them, 8 writers share no shard where their accounts are chosen by shard.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from benchmarks.synthetic_slices import ROWS_PER_SLICE, build_accounts, build_chunk
from warehouse.records import AccountRow
from warehouse.storage.delta.layout import shard_of
from warehouse.store import LakeSettings, open_store

FIRST = date(2025, 3, 10)
KINDS = {"duckdb": "warehouse.duckdb", "parquet": "lake", "delta": "delta"}
_MOTO = """
import logging, sys, time
from moto.server import ThreadedMotoServer
logging.basicConfig(filename=sys.argv[1], level=logging.INFO)
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
while True:
    time.sleep(60)
"""


@contextmanager
def run_object_store(log: Path) -> Iterator[None]:
    """Run an object store that logs every request to a file, and set the environment to it."""
    with subprocess.Popen([sys.executable, "-c", _MOTO, log], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        endpoint = f"http://127.0.0.1:{int(process.stdout.readline())}"
        environment = {"AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true"}
        os.environ.update(environment, AWS_ACCESS_KEY_ID="invented", AWS_SECRET_ACCESS_KEY="invented")
        subprocess.run(["curl", "-sf", "-X", "PUT", f"{endpoint}/lake"], check=True, stdout=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.terminate()


def choose_accounts(writer: int, accounts: int, shards: int) -> list[AccountRow]:
    """Return the accounts of a writer: of one shard, where there are several."""
    numbered = build_accounts(accounts * shards * 3, FIRST)
    chosen = [account for account in numbered if shard_of(account.account, shards) == writer % shards]
    return chosen[(writer // shards) * accounts :][:accounts]


def write(url: str, writer: int, arguments: argparse.Namespace) -> None:
    """Commit again and again, and print the CPU and wall seconds of each commit but the first."""
    store = open_store(
        url, Path(tempfile.mkdtemp() if "s3" in url else "."), lake=LakeSettings(shards=arguments.shards)
    )
    accounts = choose_accounts(writer, arguments.accounts, arguments.shards)
    last = FIRST + timedelta(arguments.days - 1)
    figures = []
    with store.hold_engine():
        for seed in range(1, arguments.commits + 2):
            # one day is new, the numbers of the others stay: as in a night's load
            chunk = build_chunk(accounts[0], FIRST + timedelta(seed), last + timedelta(seed))
            histories = [[replace(chunk, account=account)] for account in accounts]
            if seed == 2:
                print("ready", flush=True)
                sys.stdin.readline()
            cpu, wall = time.process_time(), time.perf_counter()
            results = store.commit_group(histories)
            errors = [result for result in results if isinstance(result, Exception)]
            figures.append([time.process_time() - cpu, time.perf_counter() - wall, len(errors)])
    print(json.dumps(figures[1:]))


def measure(kind: str, writers: int, arguments: argparse.Namespace, log: Path) -> str:
    """Run writers side by side, and return the table's line."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"{kind}://{Path(folder) / KINDS[kind]}" if kind in KINDS else f"{kind}://lake/{Path(folder).name}"
        own = [f"--{name}={getattr(arguments, name)}" for name in ("accounts", "days", "commits", "shards")]
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.lake_commits", f"--url={url}", f"--writer={number}", *own],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(writers)
        ]
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
        requests = count_requests(log)
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        began = time.perf_counter()
        lines = [process.communicate()[0] for process in processes]
        seconds = time.perf_counter() - began
        figures = [figure for line in lines for figure in json.loads(line)]
    total = len(figures)
    cpu, wall = (sum(figure[place] for figure in figures) / total for place in (0, 1))
    per_commit = (count_requests(log) - requests) / total
    refused = sum(figure[2] for figure in figures)
    return f"| {kind} | {writers} | {cpu:.3f} | {wall:.2f} | {total / seconds:.1f} | {per_commit:.0f} | {refused} |"


def count_requests(log: Path) -> int:
    """Return the number of requests that the object store has answered."""
    return log.read_text().count("HTTP/1.1") if log.exists() else 0


def main() -> None:
    """Measure each kind of store and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="*", default=[*KINDS, "delta+s3"])
    parser.add_argument("--writers", nargs="*", type=int, default=[1, 8])
    for name, default in (("accounts", 100), ("days", 4), ("commits", 5), ("shards", 8)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--writer", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.url:
        write(arguments.url, arguments.writer, arguments)
        return
    rows = arguments.accounts * arguments.days * ROWS_PER_SLICE
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}; {rows} fact rows in a commit\n")
    print("| store | writers | CPU s a commit | s a commit | commits a second | requests a commit | refused |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "requests.log"
        with run_object_store(log):
            for kind in arguments.kinds:
                for writers in arguments.writers:
                    print(measure(kind, writers, arguments, log), flush=True)


if __name__ == "__main__":
    main()
