"""The parts of a Delta lake put together: its log, its files and its locks; and the changes that become a commit.

What must not come in: a kind of file system, the methods of a storage.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from warehouse.errors import WarehouseBusy
from warehouse.records import Scope
from warehouse.storage.delta.lake_file import FileNames, LakeFile, name_with_hash
from warehouse.storage.delta.lake_files import LakeFiles
from warehouse.storage.delta.log import DeltaLog, LogSnapshot
from warehouse.storage.delta.tables import merge_files, write_file
from warehouse.storage.files import file_sha256
from warehouse.storage.locks import Locks

_COMMIT_TURN = "commit.turn"


@dataclass(frozen=True)
class Lake:
    """A Delta lake at `address`. `private` is this machine's folder for locks and for data that is being worked on.

    `shards` is the number of shards of a table that is created; an existing one keeps its own.
    """

    address: str
    private: Path
    log: DeltaLog
    files: LakeFiles
    locks: Locks
    shards: int

    @contextmanager
    def hold_shards(self, shards: Collection[int]) -> Iterator[None]:
        """Hold the writers' locks of some shards. Raises WarehouseBusy."""
        with ExitStack() as held:
            for name in _lock_names(shards):
                held.enter_context(self.locks.hold(name))
            yield

    def paths_of(self, files: Iterable[LakeFile]) -> dict[str, Path]:
        """Return the paths of files on this machine, by their names."""
        return self.files.local_paths({file.name: file.bytes for file in files})

    def commit(
        self,
        seen: LogSnapshot,
        shards: Collection[int],
        added: Collection[LakeFile],
        removed: Collection[LakeFile],
    ) -> None:
        """Commit files that were written, under the locks of the shards. Raises WarehouseBusy and StorageFailed.

        Files that were refused are removed. After another error nobody knows whether the log has them.
        """
        names = [file.name for file in added]
        self.files.keep(names)
        try:
            with self.locks.hold(_COMMIT_TURN):
                self.locks.require_held([*_lock_names(shards), _COMMIT_TURN])
                self.log.commit(seen, shards, list(added), list(removed))
                self.files.confirm_log()
        except WarehouseBusy:
            self.files.remove(names)
            raise

    def create(self, files: Collection[LakeFile]) -> None:
        """Create the table with its first files. When another writer did it first, nothing happens."""
        self.files.keep([file.name for file in files])
        with self.locks.hold(_COMMIT_TURN):
            if self.log.snapshot().version < 0:
                self.log.create(list(files))
                self.files.confirm_log()

    def remove_superseded(self, age_seconds: float) -> int:
        """Remove data files that are not in the newest version and were written so long ago. Return their number.

        Files of a writer that has not committed yet are among them: without an age, hold the locks of all shards.
        """
        current = {file.name for file in self.log.snapshot().files}
        superseded = [
            file.name
            for file in self.files.list_data_files()
            if file.name not in current and file.age_seconds >= age_seconds
        ]
        self.files.remove(superseded)
        self.files.forget_copies(current)
        return len(superseded)


def _lock_names(shards: Collection[int]) -> list[str]:
    """Return the names of the writers' locks of shards, in one order: no two writers wait for one another."""
    return [f"shard-{shard:05d}.lock" for shard in sorted(shards)]


class Changes:
    """Files that take the place of others in some shards, as one commit will have it.

    What was written is removed when the block of `discard_on_error` ends with an error: no commit knows it.
    """

    def __init__(self, lake: Lake, con: duckdb.DuckDBPyConnection, names: FileNames) -> None:
        self._lake = lake
        self._con = con
        self._names = names
        self.added: list[LakeFile] = []
        self.removed: list[LakeFile] = []

    @contextmanager
    def discard_on_error(self) -> Iterator["Changes"]:
        """Write files inside the block; they are not committed here."""
        try:
            yield self
        except BaseException:
            self._lake.files.remove([file.name for file in self.added])
            raise

    def replace(self, table: str, period: str, shard: int, scope: Scope, old: LakeFile | None) -> None:
        """Write the rows of a table, period and shard from `wh`, and those of the file `old` outside the scope."""
        name = self._names.new_name(table, period, shard)
        old_path = self._lake.paths_of([old])[old.name] if old else None
        self._add(write_file(self._con, name, self._lake.files.new_path(name), scope, old_path))
        if old is not None:
            self.removed.append(old)

    def merge(self, period: str, files: Sequence[LakeFile]) -> None:
        """Write the rows of files of one table and shard as one file of a longer period."""
        name = self._names.new_name(files[0].table, period, files[0].shard)
        paths = self._lake.paths_of(files)
        self._add(merge_files(self._con, name, self._lake.files.new_path(name), [paths[file.name] for file in files]))
        self.removed.extend(files)

    def _add(self, new: LakeFile | None) -> None:
        """Give a new file its final name, with the hash of its content."""
        if new is not None:
            path = self._lake.files.new_path(new.name)
            final = replace(new, name=name_with_hash(new.name, file_sha256(path)))
            path.replace(self._lake.files.new_path(final.name))
            self.added.append(final)
