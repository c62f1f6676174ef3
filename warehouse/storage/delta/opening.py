"""The address of a Delta lake and the parts behind it. What must not come in: the work of a storage."""

from pathlib import Path

from warehouse.errors import UnsupportedStore
from warehouse.storage.delta.lake import Lake
from warehouse.storage.delta.lake_files import LocalFiles
from warehouse.storage.delta.log import DeltaLog
from warehouse.storage.delta.storage import DeltaStorage
from warehouse.storage.locks import FileLocks


def open_folder(root: Path, wait_seconds: float, shards: int = 1) -> DeltaStorage:
    """Return the storage of the Delta table in the folder `root`. A new one gets so many shards of accounts.

    Raises UnsupportedStore for a path that the library of Delta tables takes for another one.
    """
    if not {"\\", "%"}.isdisjoint(str(root)):
        raise UnsupportedStore(
            f"The warehouse's folder {root} has a backslash or a percent sign in its path, which no Delta table may "
            "have: give `warehouse:` a folder without them."
        )
    locks = FileLocks(root / "_locks", wait_seconds)
    log = DeltaLog(str(root), str(root), {})
    return DeltaStorage(Lake(str(root), root, log, LocalFiles(root), locks, shards))
