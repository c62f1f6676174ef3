"""The log of the Delta table: snapshots of one version, and commits that are refused when a shard has moved on.

Delta's own check lets two writers through that add files without removing any. So a commit is refused unless the files
of its shards are still those that it has read (no file has the name of an earlier one), and it names its shards in the
entry: two entries that name the same shard conflict.
What must not come in: SQL, the content of a data file, the locks that writers take.
"""

import os
import re
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from warehouse.disk_failures import describe_store_error, is_disk_failure
from warehouse.errors import StorageFailed, UnreadableWarehouse, WarehouseBusy
from warehouse.storage.delta.lake_file import LakeFile
from warehouse.storage.delta.layout import PARTITION_COLUMNS, STATISTICS_COLUMNS, star_schema

if TYPE_CHECKING:
    from deltalake import DeltaTable, Schema
    from deltalake.transaction import AddAction, RemoveAction

_CONFIGURATION = {
    "delta.dataSkippingStatsColumns": ",".join(STATISTICS_COLUMNS),
    "delta.checkpointInterval": "20",
    "delta.logRetentionDuration": "interval 7 days",
}
_ATTEMPTS = 20
_OWN_NAME = re.compile(r"_table=\w+/_month=[\w-]+/s\d+-of-\d+-v\d+-\w+-\w+\.parquet")


@dataclass(frozen=True)
class LogSnapshot:
    """The table as of one version of its log. An address without a table has version -1.

    `files` are in the order in which they were committed, the newest first.
    """

    version: int = -1
    files: tuple[LakeFile, ...] = ()

    @property
    def schema_version(self) -> int:
        """The schema version of all files; 0 without a table."""
        return self.files[0].schema_version if self.files else 0

    @property
    def shards(self) -> int:
        """The number of shards of the table; 0 without one."""
        return self.files[0].shards if self.files else 0

    def of_shards(self, shards: Collection[int]) -> list[LakeFile]:
        """Return the files of some shards."""
        return [file for shard in shards for file in self._by_shard.get(shard, ())]

    @cached_property
    def _by_shard(self) -> dict[int, list[LakeFile]]:
        by_shard: defaultdict[int, list[LakeFile]] = defaultdict(list)
        for file in self.files:
            by_shard[file.shard].append(file)
        return by_shard


class DeltaLog:
    """The log at `uri`, opened with the `options` of its store. Threads may share it. Raises StorageFailed.

    `address` names the table in errors.
    """

    def __init__(self, uri: str, address: str, options: Mapping[str, str]) -> None:
        self._uri = uri
        self._address = address
        self._options = dict(options)
        self._turn = Lock()
        self._table: DeltaTable | None = None
        self._owner = os.getpid()
        self._snapshot = LogSnapshot()

    def snapshot(self) -> LogSnapshot:
        """Return the newest version. Raises UnreadableWarehouse for another table than a warehouse's, and damage."""
        with self._turn, self._name_failures():
            return self._read()

    def create(self, files: Sequence[LakeFile]) -> None:
        """Create the table with its first files, in one commit. When somebody else did it first, nothing happens."""
        from deltalake.exceptions import DeltaError
        from deltalake.transaction import create_table_with_add_actions

        with self._turn, self._name_failures():
            try:
                create_table_with_add_actions(
                    self._uri,
                    _delta_schema(),
                    [_add(file) for file in files],
                    mode="error",
                    partition_by=PARTITION_COLUMNS,
                    name="star",
                    configuration=_CONFIGURATION,
                    storage_options=self._options,
                )
            except DeltaError:
                if self._read().version < 0:
                    raise

    def commit(
        self,
        seen: LogSnapshot,
        shards: Collection[int],
        added: Sequence[LakeFile],
        removed: Sequence[LakeFile],
    ) -> None:
        """Add and remove files of some shards in one commit, unless one of these has moved on since `seen`.

        Raises WarehouseBusy then; nothing was committed. A writer of other shards does no harm.
        """
        from deltalake.exceptions import CommitFailedError

        with self._turn, self._name_failures():
            for _ in range(_ATTEMPTS):
                now = self._read()
                if {file.name for file in added} & {file.name for file in now.files}:
                    return  # an attempt of which the answer was lost
                if _names_of(now, shards) != _names_of(seen, shards):
                    break
                try:
                    self._write([*map(_add, added), *map(_remove, removed)], shards, now.version + 1)
                except CommitFailedError:  # somebody was faster: look at the log again
                    continue
                return
        raise WarehouseBusy(
            f"{self._address}: another writer changed the same accounts meanwhile, so nothing was written: run the "
            "same command again. Writers of two machines need locks that both of them see."
        )

    def add_columns(self) -> None:
        """Declare the columns of the star that the table lacks. Its files stay as they are."""
        with self._turn, self._name_failures():
            self._read()
            table = self._require_table()
            known = {column.name for column in table.schema().fields}
            new = [column for column in _delta_schema().fields if column.name not in known]
            if new:
                table.alter.add_columns(new)

    def vacuum(self, retention_hours: int) -> int:
        """Remove data files that no version of the last hours has, and entries of the log beyond their retention.

        Return the number of data files. Those of a commit in the making are younger than a day.
        """
        with self._turn, self._name_failures():
            if self._read().version < 0:
                return 0
            table = self._require_table()
            removed = table.vacuum(retention_hours, dry_run=False, enforce_retention_duration=False, full=True)
            table.update_incremental()
            table.create_checkpoint()
            table.cleanup_metadata()
            return len(removed)

    def _write(self, actions: "list[AddAction | RemoveAction]", shards: Collection[int], version: int) -> None:
        from deltalake import CommitProperties, PostCommitHookProperties, Transaction

        # two commits that name the same shard conflict, whatever their files are
        transactions = [Transaction(f"chatmart-shard-{shard:05d}", version) for shard in shards]
        self._require_table().create_write_transaction(
            actions,
            "append",
            _delta_schema(),
            partition_by=PARTITION_COLUMNS,
            # the library's own repetition would not look at the files of the shards again
            commit_properties=CommitProperties(app_transactions=transactions, max_commit_retries=0),
            post_commithook_properties=PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False),
        )

    @contextmanager
    def _name_failures(self) -> Iterator[None]:
        """Raise WarehouseErrors, with the address, for errors of the library inside the block."""
        from deltalake.exceptions import DeltaError

        try:
            yield
        except (DeltaError, OSError) as error:
            self._table = None  # the next look begins anew
            sentence = describe_store_error(error, self._address)
            if isinstance(error, OSError) or self._options or is_disk_failure(error):
                raise StorageFailed(sentence) from error
            newest = max((Path(self._uri) / "_delta_log").glob("*.json"), default="missing")
            raise UnreadableWarehouse(
                f"The log of the Delta table at {sentence}. Run `chatmart check --repair`: it sets the newest entry, "
                f"{newest}, aside, and loads what is missing then from the landing zone."
            ) from error

    def _require_table(self) -> "DeltaTable":
        if self._table is None:
            raise UnreadableWarehouse(f"There is no Delta table at {self._address} any more: see who removed it.")
        return self._table

    def _read(self) -> LogSnapshot:
        """Return the newest version; what is known of an older one is read on from there."""
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        if self._owner != os.getpid():  # a forked child has none of the threads that its parent reads with
            self._table, self._owner = None, os.getpid()
        if self._table is None:
            try:
                self._table = DeltaTable(self._uri, storage_options=self._options)
            except TableNotFoundError:
                return LogSnapshot()
        else:
            self._table.update_incremental()
        if self._table.version() != self._snapshot.version:
            self._snapshot = self._describe(self._table)
        return self._snapshot

    def _describe(self, table: "DeltaTable") -> LogSnapshot:
        actions = table.get_add_actions()
        columns = [actions[name].to_pylist() for name in ("modification_time", "path", "size_bytes", "num_records")]
        newest_first = sorted(zip(*columns, strict=True), key=lambda row: row[0], reverse=True)
        files = tuple(LakeFile(*row[1:]) for row in newest_first)
        if not files or not _OWN_NAME.fullmatch(files[0].name):
            raise UnreadableWarehouse(
                f"{self._address} is a Delta table, but no warehouse of chatmart: give `warehouse:` another path."
            )
        return LogSnapshot(table.version(), files)


@cache
def _delta_schema() -> "Schema":
    from deltalake import Schema

    return Schema.from_arrow(star_schema())


def _names_of(snapshot: LogSnapshot, shards: Collection[int]) -> list[str]:
    return sorted(file.name for file in snapshot.of_shards(shards))


def _partition_values(file: LakeFile) -> dict[str, str | None]:
    return dict(zip(PARTITION_COLUMNS, (file.table, file.period), strict=True))


def _add(file: LakeFile) -> "AddAction":
    from deltalake.transaction import AddAction

    now = int(time.time() * 1000)
    return AddAction(file.name, file.bytes, _partition_values(file), now, True, file.statistics)


def _remove(file: LakeFile) -> "RemoveAction":
    from deltalake.transaction import RemoveAction

    return RemoveAction(
        path=file.name,
        data_change=True,  # the check of a later commit overlooks removals that change no data
        deletion_timestamp=int(time.time() * 1000),
        size=file.bytes,
        partition_values=_partition_values(file),
    )
