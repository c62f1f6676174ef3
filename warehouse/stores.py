"""The address of a warehouse, and what every store can do.

What must not come in: how a store does it. Stores are imported when their address is opened.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from warehouse.commits import AccountRow, ChunkCommit, Committed, LedgerRow, MeasureDefinition, SliceFailure
from warehouse.errors import UnsupportedStore


class Store(Protocol):
    """A warehouse that many may write to, one commit at a time, and that readers see whole.

    All methods raise WarehouseErrors and nothing else of the store's own.
    """

    @property
    def location(self) -> Path:
        """Where readers find the published warehouse."""
        ...

    def commit(self, chunk: ChunkCommit) -> Committed:
        """Replace exactly the chunk's slices in all tables, with dimensions and books, or nothing."""
        ...

    def record_failures(self, failures: Sequence[SliceFailure]) -> None:
        """Note attempts that came to nothing; what was loaded stays."""
        ...

    def describe(self, accounts: Sequence[AccountRow], measures: Sequence[MeasureDefinition]) -> None:
        """Make these the configured accounts and the definitions of measures; others become inactive."""
        ...

    def publish(self) -> bool:
        """Let readers see all commits. Returns False when they do already."""
        ...

    def ledger(self, account: str | None = None) -> list[LedgerRow]:
        """The slices of one account or of all as committed, ordered by account and day."""
        ...

    def read(self, sql: str) -> pa.Table:
        """Ask the published warehouse, in the SQL of DuckDB; instants come in UTC."""
        ...


def open_store(url: str, base: Path) -> Store:
    """The store at `url`; a relative path after `://` is relative to the folder `base`.

    Touches no file. Raises UnsupportedStore for an address that no store answers to.
    """
    scheme, separator, path = url.partition("://")
    if scheme == "duckdb" and path:
        from warehouse.duckdb_store import DuckDBStore

        return DuckDBStore(base / path)
    if not separator or not path:
        raise UnsupportedStore(
            f"The warehouse's address {url!r} has no path after '://': write duckdb://data/warehouse.duckdb."
        )
    raise UnsupportedStore(
        f"No store answers to {url!r}: this release writes duckdb:// only, as in duckdb://data/warehouse.duckdb."
    )
