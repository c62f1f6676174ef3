"""A year of nights in a Delta lake: files, objects, entries of the log, checkpoints, and the seconds to open it.

`python -m benchmarks.lake_year` prints a Markdown table, for lakes that `maintain` tidies every week and for lakes that
it never sees. Each night is one commit that replaces the files of yesterday's month, and of the month before while the
look-back of three days reaches it; a back-fill of the year before comes first. The tables are those of a real load of
one account in each shard; after it a night's new files are copies, so that the commit, the merging and the vacuum are
the product's and the loads are not. The clock is moved: files and entries get the time of their night.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

from benchmarks.synthetic_slices import build_accounts, build_chunk
from warehouse.engine import EngineLimits, open_engine
from warehouse.storage.delta import log, storage
from warehouse.storage.delta.lake_file import FileNames, LakeFile, name_with_hash
from warehouse.storage.delta.layout import UNDATED, shard_of
from warehouse.storage.delta.storage import DeltaStorage
from warehouse.storage.opening import find_storage
from warehouse.store import LakeSettings, Store

FIRST_NIGHT = date(2025, 1, 1)
BACKFILLED_MONTHS = tuple(f"2024-{month:02}" for month in range(1, 13))
LOOKBACK = timedelta(days=3)
LONG_AGO = timedelta(days=400)
"""By so much the simulated nights are in the past, so that nothing is dated ahead."""


@dataclass
class Year:
    """A lake in a folder, and the night that is simulated."""

    folder: Path
    shards: int
    night: date = FIRST_NIGHT

    @property
    def lake_folder(self) -> Path:
        """The folder of the table."""
        return self.folder / "lake"

    @property
    def age_seconds(self) -> float:
        """How long ago the simulated night is."""
        return (LONG_AGO - (self.night - FIRST_NIGHT)).total_seconds()

    def open(self) -> DeltaStorage:
        """Open the lake anew."""
        opened = find_storage(f"delta://{self.lake_folder}", self.folder, 60, LakeSettings(shards=self.shards))
        assert isinstance(opened, DeltaStorage)
        return opened

    @contextmanager
    def move_clock(self) -> Iterator[None]:
        """Let commits and the vacuum of the block see the time of the night."""
        clock = SimpleNamespace(time=lambda: time.time() - self.age_seconds)
        hours = 24 + round(self.age_seconds / 3600)
        with patch.object(log, "time", clock), patch.object(storage, "_VACUUM_HOURS", hours):
            yield


def load_first_night(year: Year) -> tuple[set[str], set[str]]:
    """Load two nights of an account in each shard. Return the tables that the second changed: with months, without."""
    lake = year.open()
    store = Store(lake)
    many = build_accounts(20 * year.shards, FIRST_NIGHT)
    accounts = list({shard_of(account.account, year.shards): account for account in many}.values())
    assert len(accounts) == year.shards
    names: list[set[str]] = []
    for night in (FIRST_NIGHT - timedelta(days=1), FIRST_NIGHT):
        results = store.commit_group([[build_chunk(account, night - LOOKBACK, night)] for account in accounts])
        assert not [result for result in results if isinstance(result, Exception)]
        names.append({file.name for file in lake.lake.log.snapshot().files})
    changed = [LakeFile(name, 0, 0) for name in names[1] - names[0]]
    dated = {file.table for file in changed if file.period != UNDATED}
    return dated, {file.table for file in changed if file.period == UNDATED}


def commit_night(
    year: Year, lake: DeltaStorage, periods: Sequence[tuple[str, str]], templates: dict[str, LakeFile]
) -> None:
    """Replace the files of tables and periods in all shards by new ones, in one commit."""
    seen = lake.lake.log.snapshot()
    old = {(file.table, file.period, file.shard): file for file in seen.files}
    names = FileNames(seen.shards, seen.schema_version)
    added, removed = [], []
    at = time.time() - year.age_seconds
    for table, period in periods:
        template = templates[table]
        for shard in range(year.shards):
            name = name_with_hash(names.new_name(table, period, shard), template.sha256)
            path = lake.lake.files.new_path(name)
            shutil.copyfile(year.folder / template.sha256, path)
            os.utime(path, (at, at))
            added.append(replace(template, name=name))
            removed += [old[table, period, shard]] if (table, period, shard) in old else []
    with year.move_clock():
        lake.lake.commit(seen, range(year.shards), added, removed)
    for entry in (year.lake_folder / "_delta_log").iterdir():
        if entry.stat().st_mtime > time.time() - year.age_seconds / 2:  # written just now
            os.utime(entry, (at, at))


def tidy(year: Year, lake: DeltaStorage) -> None:
    """Do what `maintain` does in the simulated night: it removes entries by the age of their files."""
    entries = list((year.lake_folder / "_delta_log").iterdir())
    for entry in entries:
        moved = entry.stat().st_mtime + year.age_seconds
        os.utime(entry, (moved, moved))
    with year.move_clock(), open_engine(EngineLimits(), lake.new_spill_path()) as con:
        lake.tidy(con, year.night)
    at = time.time() - year.age_seconds
    for path in year.lake_folder.rglob("*"):
        if path.is_file() and path.stat().st_mtime > at:
            moved = min(at, path.stat().st_mtime - year.age_seconds)
            os.utime(path, (moved, moved))


def describe(year: Year, *, is_tidied: bool) -> str:
    """Return the table's line about the lake as it is."""
    objects = [path for path in year.lake_folder.rglob("*") if path.is_file()]
    entries = [path for path in objects if path.parent.name == "_delta_log"]
    checkpoints = [path for path in entries if path.name.endswith(".checkpoint.parquet")]
    newest = max(checkpoints, default=None)
    cpu, wall = time.process_time(), time.perf_counter()
    active = year.open().lake.log.snapshot().files
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    kilobytes = newest.stat().st_size / 1024 if newest else 0
    days = (year.night - FIRST_NIGHT).days + 1
    return (
        f"| {year.shards} | {'weekly' if is_tidied else 'never'} | {days} | {len(active):,} | {len(objects):,} "
        f"| {-(-len(objects) // 1000)} | {len(entries):,} | {kilobytes:,.0f} | {wall:.2f} | {cpu:.2f} |"
    )


def simulate(shards: int, nights: int, shown: Sequence[int], *, is_tidied: bool) -> Iterator[str]:
    """Simulate nights, and yield a line of the table for each number of nights in `shown`."""
    with tempfile.TemporaryDirectory() as name:
        year = Year(Path(name), shards)
        dated, undated = load_first_night(year)
        lake = year.open()
        templates = {file.table: file for file in lake.lake.log.snapshot().of_shards([shards - 1])}
        for template in templates.values():
            shutil.copyfile(year.lake_folder / template.name, year.folder / template.sha256)
        commit_night(year, lake, [(table, month) for table in sorted(dated) for month in BACKFILLED_MONTHS], templates)
        for number in range(1, nights + 1):
            year.night = FIRST_NIGHT + timedelta(days=number - 1)
            yesterday = year.night - timedelta(days=1)
            months = sorted({f"{day:%Y-%m}" for day in (yesterday, yesterday - LOOKBACK)})
            periods = [(table, month) for table in sorted(dated) for month in months]
            merged = {(file.table, file.period) for file in lake.lake.log.snapshot().of_shards([0])}
            periods = [(table, month[:4] if (table, month[:4]) in merged else month) for table, month in periods]
            commit_night(year, lake, [*periods, *((table, UNDATED) for table in sorted(undated))], templates)
            if is_tidied and number % 7 == 0:
                tidy(year, lake)
            if number in shown:
                yield describe(year, is_tidied=is_tidied)


def main() -> None:
    """Simulate and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", nargs="*", type=int, default=[1, 64])
    parser.add_argument("--nights", nargs="*", type=int, default=[30, 180, 365], help="when a line is printed")
    options = parser.parse_args()
    print(
        "| shards | `maintain` | nights | active files | objects | pages of a listing | in the log "
        "| checkpoint kB | s to open | CPU s |"
    )
    print("|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for shards in options.shards:
        for is_tidied in (True, False):
            for line in simulate(shards, max(options.nights), options.nights, is_tidied=is_tidied):
                print(line, flush=True)


if __name__ == "__main__":
    main()
