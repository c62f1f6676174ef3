"""The address of a warehouse and the storage behind it.

What must not come in: a file that is opened, a method of a store. Each kind of storage is imported only when its
address is used.
"""

from importlib.util import find_spec
from pathlib import Path

from warehouse.errors import UnsupportedStore
from warehouse.storage.lake_settings import LakeSettings
from warehouse.storage.locks import LockOwner, SharedLocks
from warehouse.storage.protocol import Storage

_EXAMPLES = {
    "duckdb": "duckdb://data/warehouse.duckdb",
    "parquet": "parquet://data/lake",
    "delta": "delta://data/lake",
    "delta+s3": "delta+s3://bucket/lake",
}


def find_storage(
    url: str,
    base: Path,
    wait_seconds: float,
    lake: LakeSettings,
    shared_locks: SharedLocks | None = None,
    lock_owner: LockOwner | None = None,
) -> Storage:
    """Return the storage at `url`. A path after `://` that is relative is resolved against the folder `base`.

    `wait_seconds` is the longest wait for the writers' lock; `lake`, `shared_locks` and `lock_owner` are for Delta
    lakes: the others are those of one machine, whose locks are files. Touches no file.
    Raises UnsupportedStore for an address without a path, or of an unknown kind.
    """
    scheme, separator, path = url.partition("://")
    location = (base / path).expanduser().resolve()
    if scheme == "duckdb" and path:
        from warehouse.storage.duckdb import DuckDBStorage

        return DuckDBStorage(location, wait_seconds)
    if scheme == "parquet" and path:
        from warehouse.storage.parquet import ParquetStorage

        return ParquetStorage(location, wait_seconds)
    if scheme == "delta" and path:
        _require_lake_extra(url)
        from warehouse.storage.delta.opening import open_folder

        return open_folder(location, wait_seconds, lake, shared_locks)
    if scheme == "delta+s3" and path.strip("/"):
        _require_lake_extra(url)
        from warehouse.storage.delta.opening import open_bucket

        return open_bucket(url, base, wait_seconds, lake, shared_locks, lock_owner)
    if scheme in _EXAMPLES or not separator or not path:
        raise UnsupportedStore(
            f"The warehouse's address {url!r} has no path after '://': write {' or '.join(_EXAMPLES.values())}."
        )
    kinds = ", ".join(f"{kind}:// (as in {example})" for kind, example in _EXAMPLES.items())
    raise UnsupportedStore(f"No store is known for {url!r}: this release writes {kinds}.")


def _require_lake_extra(url: str) -> None:
    """Raise UnsupportedStore when the libraries of a Delta lake are not installed. Nothing of them is imported."""
    if find_spec("deltalake") is None or find_spec("obstore") is None:
        raise UnsupportedStore(
            f"The warehouse {url} is a Delta lake, and the libraries for it are not installed: run "
            "`pip install 'chatmart[lake]'`, or give `warehouse:` another address, such as parquet://data/lake."
        )
