"""The address of a Delta lake and the parts behind it. What must not come in: the work of a storage."""

import re
from pathlib import Path

from warehouse.errors import UnsupportedStore
from warehouse.storage.delta.lake import Lake
from warehouse.storage.delta.lake_files import LocalFiles
from warehouse.storage.delta.log import DeltaLog
from warehouse.storage.delta.storage import DeltaStorage
from warehouse.storage.lake_settings import LakeSettings
from warehouse.storage.locks import ClaimedLocks, FileLocks, LockOwner, Locks, MachineLocks, SharedLocks
from warehouse.storage.object_store import delta_options, open_object_store, require_allowed


def open_folder(
    root: Path, wait_seconds: float, settings: LakeSettings, shared: SharedLocks | None = None
) -> DeltaStorage:
    """Return the storage of the Delta table in the folder `root`. Without `shared` its locks are files in the folder.

    Raises UnsupportedStore for a path that the library of Delta tables takes for another one.
    """
    if not {"\\", "%"}.isdisjoint(str(root)):
        raise UnsupportedStore(
            f"The warehouse's folder {root} has a backslash or a percent sign in its path, which no Delta table may "
            "have: give `warehouse:` a folder without them."
        )
    locks = MachineLocks(shared, str(root), wait_seconds) if shared else FileLocks(root / "_locks", wait_seconds)
    log = DeltaLog(str(root), str(root), {})
    return DeltaStorage(Lake(str(root), root, log, LocalFiles(root), locks, settings.shards))


def open_bucket(
    url: str,
    base: Path,
    wait_seconds: float,
    settings: LakeSettings,
    shared: SharedLocks | None = None,
    owner: LockOwner | None = None,
) -> DeltaStorage:
    """Return the storage of the Delta table at `delta+s3://bucket/prefix`.

    This machine's copies and data that is being worked on are in a folder of `data` in the folder `base`, and its locks
    too without `shared`. A writer claims the address for its `owner`: it is refused where others guard it.
    Raises UnsupportedStore for an address without encryption that was not allowed.
    """
    from warehouse.storage.delta.object_files import ObjectFiles

    bucket, _, prefix = url.partition("://")[2].strip("/").partition("/")
    options = delta_options(require_allowed(url, settings))
    s3_url = f"s3://{bucket}/{prefix}".rstrip("/")
    store = open_object_store(s3_url, settings)
    address = f"delta+{s3_url}"
    private = (base / "data").expanduser().resolve() / re.sub(r"[^\w.-]+", "-", f"{bucket}/{prefix}").strip("-")
    files = ObjectFiles(store, address, private)
    lock_folder = private / "_locks"
    locks: Locks = MachineLocks(shared, address, wait_seconds) if shared else FileLocks(lock_folder, wait_seconds)
    if owner is not None:
        locks = ClaimedLocks(locks, owner, address, files, lock_folder)
    log = DeltaLog(s3_url, address, {**options, "aws_conditional_put": "etag"})
    return DeltaStorage(Lake(address, private, log, files, locks, settings.shards))
