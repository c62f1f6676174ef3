"""The log of the Delta table: snapshots of one version, and commits that are refused when a shard has moved on.

Delta's own check lets two writers through that add files without removing any, and a writer of an older state. So a
commit names the files of its shards as it has read them, and gives each shard the next version of its own.
What must not come in: SQL, the content of a data file, the locks that writers take.
"""

import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from warehouse.disk_failures import describe_store_error, is_disk_failure
from warehouse.errors import StorageFailed, UnreadableWarehouse, WarehouseBusy
from warehouse.storage.delta.lake_file import LakeFile
from warehouse.storage.delta.layout import PARTITION_COLUMNS, STATISTICS_COLUMNS, star_schema

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable, Schema
    from deltalake.transaction import AddAction, RemoveAction

_SCHEMA_VERSION = "chatmart-schema"
_SHARD_COUNT = "chatmart-shards"
_CONFIGURATION = {
    "delta.dataSkippingStatsColumns": ",".join(STATISTICS_COLUMNS),
    "delta.checkpointInterval": "20",
    "delta.logRetentionDuration": "interval 7 days",
}
_ATTEMPTS = 20


@dataclass(frozen=True)
class Snapshot:
    """The table as of one version of its log. An address without a table has version -1 and schema version 0.

    `files` are in the order in which they were committed, the newest first. `shard_versions` count the commits to each
    shard.
    """

    version: int = -1
    schema_version: int = 0
    shards: int = 0
    files: tuple[LakeFile, ...] = ()
    shard_versions: Mapping[int, int] = field(default_factory=dict)

    def of_shards(self, shards: Collection[int]) -> list[LakeFile]:
        """Return the files of some shards."""
        return [file for file in self.files if file.shard in shards]

    def state_of(self, shards: Collection[int]) -> object:
        """Return a value that is another one when somebody has committed to one of the shards."""
        versions = [self.shard_versions.get(shard, 0) for shard in sorted(shards)]
        return versions, sorted(file.name for file in self.of_shards(shards))


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
        self._snapshot = Snapshot()

    def snapshot(self) -> Snapshot:
        """Return the newest version. Raises UnreadableWarehouse for another table than a warehouse's, and damage."""
        with self._turn, self._name_failures():
            return self._read()

    def create(self, shards: int, schema_version: int, files: Sequence[LakeFile]) -> None:
        """Create the table with its first files, in one commit. When somebody else did it first, nothing happens."""
        from deltalake.exceptions import DeltaError
        from deltalake.transaction import create_table_with_add_actions

        marks = {_SCHEMA_VERSION: schema_version, _SHARD_COUNT: shards}
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
                    commit_properties=_commit_properties(marks),
                )
            except DeltaError:
                if self._read().version < 0:
                    raise

    def commit(
        self,
        seen: Snapshot,
        shards: Collection[int],
        added: Sequence[LakeFile],
        removed: Sequence[LakeFile],
        schema_version: int | None = None,
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
                if now.state_of(shards) != seen.state_of(shards):
                    break
                marks = {_shard_mark(shard): now.shard_versions.get(shard, 0) + 1 for shard in shards}
                if schema_version is not None:
                    marks[_SCHEMA_VERSION] = schema_version
                try:
                    self._write([*map(_add, added), *map(_remove, removed)], marks)
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

    def prune(self) -> None:
        """Remove entries of the log that are older than its retention, behind a checkpoint."""
        with self._turn, self._name_failures():
            if self._read().version >= 0:
                table = self._require_table()
                table.create_checkpoint()
                table.cleanup_metadata()

    def _write(self, actions: "list[AddAction | RemoveAction]", marks: Mapping[str, int]) -> None:
        from deltalake.transaction import PostCommitHookProperties

        self._require_table().create_write_transaction(
            actions,
            "append",
            _delta_schema(),
            partition_by=PARTITION_COLUMNS,
            commit_properties=_commit_properties(marks),
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
            raise UnreadableWarehouse(
                f"The log of the Delta table at {sentence}. Run `chatmart check --repair`: it sets the newest entry "
                "aside, and loads what is missing then from the landing zone."
            ) from error

    def _require_table(self) -> "DeltaTable":
        if self._table is None:
            raise UnreadableWarehouse(f"There is no Delta table at {self._address} any more: see who removed it.")
        return self._table

    def _read(self) -> Snapshot:
        """Return the newest version; what is known of an older one is read on from there."""
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        if self._owner != os.getpid():  # a forked child has none of the threads that its parent reads with
            self._table, self._owner = None, os.getpid()
        if self._table is None:
            try:
                self._table = DeltaTable(self._uri, storage_options=self._options)
            except TableNotFoundError:
                return Snapshot()
        else:
            self._table.update_incremental()
        if self._table.version() != self._snapshot.version:
            self._snapshot = self._describe(self._table)
        return self._snapshot

    def _describe(self, table: "DeltaTable") -> Snapshot:
        shards = table.transaction_version(_SHARD_COUNT)
        schema_version = table.transaction_version(_SCHEMA_VERSION)
        if not shards or schema_version is None:
            raise UnreadableWarehouse(
                f"{self._address} is a Delta table, but no warehouse of chatmart: give `warehouse:` another path."
            )
        actions = table.get_add_actions()
        columns = [actions[name].to_pylist() for name in ("modification_time", "path", "size_bytes", "num_records")]
        newest_first = sorted(zip(*columns, strict=True), key=lambda row: row[0], reverse=True)
        return Snapshot(
            version=table.version(),
            schema_version=schema_version,
            shards=shards,
            files=tuple(LakeFile(*row[1:]) for row in newest_first),
            shard_versions={shard: table.transaction_version(_shard_mark(shard)) or 0 for shard in range(shards)},
        )


@cache
def _delta_schema() -> "Schema":
    from deltalake import Schema

    return Schema.from_arrow(star_schema())


def _shard_mark(shard: int) -> str:
    return f"chatmart-shard-{shard:05d}"


def _commit_properties(marks: Mapping[str, int]) -> "CommitProperties":
    """Return the properties of a commit that sets these marks, and that the library does not repeat by itself."""
    from deltalake import CommitProperties, Transaction

    transactions = [Transaction(name, version) for name, version in marks.items()]
    return CommitProperties(app_transactions=transactions, max_commit_retries=0)


def _partition_values(file: LakeFile) -> dict[str, str | None]:
    return dict(zip(PARTITION_COLUMNS, (file.table, file.month), strict=True))


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
