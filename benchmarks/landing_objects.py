"""Measure a night on a landing zone in an object store: requests and CPU milliseconds for an account.

`python -m benchmarks.landing_objects` prints a Markdown table. Each account lands four answers a night, as one batch;
after that its batches are listed and read as a load does, and a commit follows, which refreshes the account. `folder`
is a landing zone on a disk. The object store is moto in a process of its own, whose CPU time is not part of the
figures; `from nothing` is a machine without copies, after so many nights, that reads the newest one.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.lake_commits import run_object_store
from extractors.http.messages import Request, Response
from extractors.landing.batch import BatchKey
from extractors.landing.copy_folders import CopyFolder
from extractors.landing.mirror import Mirror
from extractors.landing.shared_zone import SharedLandingZone
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from pipelines.loads.landing_objects import LandingObjects
from warehouse.storage.lake_settings import LakeSettings
from warehouse.storage.object_store import open_object_store

URL = "s3://lake/landing"
FIRST = date(2025, 3, 1)
METHODS = ("list_objects", "list_folders", "fetch", "read", "read_version", "write", "write_if", "delete")
ANSWERS = 4


class MeasuredObjects(LandingObjects):
    """Objects with the number of requests by kind."""

    def __init__(self, store: Any = None) -> None:
        super().__init__(store or open_object_store(URL, LakeSettings()), URL)
        self.counts: Counter[str] = Counter()

    def __getattribute__(self, name: str) -> Any:
        if name in METHODS:
            self.counts[name] += 1
        return super().__getattribute__(name)


@contextmanager
def measure(label: str, accounts: int, objects: MeasuredObjects | None) -> Iterator[None]:
    """Print a line of the table about what is done inside the block for so many accounts."""
    if objects is not None:
        objects.counts.clear()
    cpu, wall = time.process_time(), time.perf_counter()
    yield
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    counts = objects.counts if objects is not None else Counter()
    kinds = ", ".join(f"{count / accounts:g} {kind}" for kind, count in sorted(counts.items()))
    total, per_account = sum(counts.values()) / accounts, 1e3 / accounts
    print(f"| {label} | {total:g} | {kinds} | {cpu * per_account:.1f} | {wall * per_account:.1f} |")


def land_night(zone: LandingZone, account: str, night: int) -> None:
    """Land and read the answers of one night, as a run does around its commit."""
    day = FIRST + timedelta(night)
    now = datetime(day.year, day.month, day.day, 5, tzinfo=UTC) + timedelta(days=1)
    window = Window(day, day + timedelta(days=1))
    key = BatchKey("cognigy", account, "counter", "p", "UTC", window, ("counter",), now)
    with zone.open_log("cognigy", account), zone.open_writer(key) as writer:
        for number in range(ANSWERS):
            request = Request("GET", "/counter", {"page": str(number)})
            writer.add(Response(request, 200, {}, now, os.urandom(2000).hex().encode(), {}))
        writer.finish(now)
    read_night(zone, account, night)


def read_night(zone: LandingZone, account: str, night: int) -> None:
    """Read the batch of a night."""
    day = FIRST + timedelta(night)
    for batch in zone.list_batches("cognigy", account, "counter", Window(day, day + timedelta(days=1))):
        assert len(list(batch.iter_bodies())) == ANSWERS


def run_night(zone: LandingZone, accounts: Sequence[str], night: int) -> None:
    """Do what a run does with the landing zone, for some accounts that one commit holds."""
    names = [("cognigy", account) for account in accounts]
    zone.refresh(names)
    for account in accounts:
        land_night(zone, account, night)
    zone.sync(names)
    for name in names:
        zone.read_list_stamp(*name)
    zone.refresh(names)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=50)
    parser.add_argument("--nights", type=int, default=40)
    arguments = parser.parse_args()
    accounts = [f"account-{number:03}" for number in range(arguments.accounts)]
    folder = Path(tempfile.mkdtemp())
    print("| per account | requests | of which | CPU ms | ms |\n|---|--:|---|--:|--:|")
    try:
        disk = LandingZone(folder / "landing")
        run_night(disk, accounts, 0)
        with measure("a night, folder", len(accounts), None):
            run_night(disk, accounts, 1)
        with run_object_store(folder / "requests.log"):
            objects = MeasuredObjects()
            zone = SharedLandingZone(Mirror(objects, CopyFolder(folder / "first"), 2**40))
            run_night(zone, accounts, 0)
            with measure("a night, object store", len(accounts), objects):
                run_night(zone, accounts, 1)
            few = accounts[:5]
            for night in range(2, arguments.nights):
                run_night(zone, few, night)
            newcomer = SharedLandingZone(Mirror(objects, CopyFolder(folder / "second"), 2**40))
            with measure(f"from nothing, {arguments.nights} nights", len(few), objects):
                for account in few:
                    read_night(newcomer, account, arguments.nights - 1)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
