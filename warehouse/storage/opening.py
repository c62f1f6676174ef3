"""The address of a warehouse and the storage behind it.

What must not come in: a file that is opened, a method of a store. Each kind of storage is imported only when its
address is used.
"""

from pathlib import Path

from warehouse.errors import UnsupportedStore
from warehouse.storage.protocol import Storage


def find_storage(url: str, base: Path, wait_seconds: float) -> Storage:
    """Return the storage at `url`. A path after `://` that is relative is resolved against the folder `base`.

    `wait_seconds` is the longest wait for the writers' lock. Touches no file. Raises UnsupportedStore for an address
    without a path, or of an unknown kind.
    """
    scheme, separator, path = url.partition("://")
    location = (base / path).expanduser().resolve()
    if scheme == "duckdb" and path:
        from warehouse.storage.duckdb import DuckDBStorage

        return DuckDBStorage(location, wait_seconds)
    if scheme == "parquet" and path:
        from warehouse.storage.parquet import ParquetStorage

        return ParquetStorage(location, wait_seconds)
    if scheme in ("duckdb", "parquet") or not separator or not path:
        raise UnsupportedStore(
            f"The warehouse's address {url!r} has no path after '://': write duckdb://data/warehouse.duckdb or "
            "parquet://data/lake."
        )
    raise UnsupportedStore(
        f"No store is known for {url!r}: this release writes duckdb:// (as in duckdb://data/warehouse.duckdb) and "
        "parquet:// (as in parquet://data/lake)."
    )
