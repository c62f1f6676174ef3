"""The compaction of a Delta lake: the months of years that are long over become one file a year.

The library's own compaction must never run on this table: against a writer of an older state both commit, and removed
rows come back. What must not come in: the removal of superseded files.
"""

from collections import defaultdict
from datetime import date, timedelta

import duckdb

from warehouse.storage.delta.lake import Changes, Lake
from warehouse.storage.delta.lake_file import FileNames, LakeFile
from warehouse.storage.delta.layout import UNDATED
from warehouse.storage.parquet_tables import days_of

_AGE = timedelta(days=90)
"""A year is merged when it ended so long ago: restatements of it are rare then, and still right."""


def merge_old_months(con: duckdb.DuckDBPyConnection, lake: Lake, shard: int, today: date) -> None:
    """Merge what is old of one shard, in one commit under its lock. Raises WarehouseBusy."""
    with lake.hold_shards([shard]):
        seen = lake.log.snapshot()
        mergeable = _find_mergeable(seen.of_shards([shard]), today)
        if not mergeable:
            return
        with Changes(lake, con, FileNames(seen.shards, seen.schema_version)).discard_on_error() as changes:
            for (_, year), files in mergeable.items():
                changes.merge(year, files)
        lake.commit(seen, [shard], changes.added, changes.removed)


def _find_mergeable(files: list[LakeFile], today: date) -> dict[tuple[str, str], list[LakeFile]]:
    """Return the files of tables and years that have several and ended long ago, by table and year."""
    by_year: defaultdict[tuple[str, str], list[LakeFile]] = defaultdict(list)
    for file in files:
        if file.period != UNDATED and days_of(file.period[:4])[1] + _AGE < today:
            by_year[file.table, file.period[:4]].append(file)
    return {key: chosen for key, chosen in by_year.items() if len(chosen) > 1}
