"""The protocol of a storage: the way in which one kind of store keeps its tables.

What must not come in: an implementation (one module each), SQL, the methods that loaders call (see `warehouse.store`).
"""

from collections.abc import Collection
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import Protocol

import duckdb

from warehouse.records import Damage, Scope, Transaction


class Storage(Protocol):
    """The files of one warehouse. Every method raises WarehouseErrors and nothing else of its own."""

    @property
    def location(self) -> Path:
        """The place where readers open the published warehouse, or this machine's folder for one in no folder."""
        ...

    @property
    def address(self) -> str:
        """The published warehouse as people know it: a path, or the address of objects."""
        ...

    @property
    def staging_folder(self) -> Path:
        """The folder for files that wait for their commit."""
        ...

    def exists(self) -> bool:
        """Return whether anything was ever committed here."""
        ...

    def is_published(self) -> bool:
        """Return whether there is anything to read."""
        ...

    def published_version(self, con: duckdb.DuckDBPyConnection) -> int:
        """Return the schema version of the published warehouse, which an earlier release may have written.

        Raises NewerWarehouse and UnreadableWarehouse.
        """
        ...

    def publication(self) -> tuple[int, ...]:
        """Return a value that is another one after each publication; empty before the first."""
        ...

    def size_bytes(self) -> int:
        """Return the size in bytes of the published warehouse."""
        ...

    def shards_of(self, accounts: Collection[str]) -> dict[str, int]:
        """Return the part of the warehouse in which each account is. Writers of two parts do not meet."""
        ...

    def new_spill_path(self) -> Path:
        """Return a new folder for data that does not fit into memory."""
        ...

    def transaction(self, con: duckdb.DuckDBPyConnection, scope: Scope) -> AbstractContextManager[Transaction]:
        """Attach the committed data as `wh` under the writers' lock; changes in the scope become one commit, or none.

        `wh` may lack the rows outside the scope. An error inside the block rolls everything back. Raises WarehouseBusy,
        NewerWarehouse and UnreadableWarehouse.
        """
        ...

    def committed(self, con: duckdb.DuckDBPyConnection, scope: Scope) -> AbstractContextManager[None]:
        """Attach the committed data, published or not, as `wh`; changes are discarded.

        Raises WarehouseBusy, NewerWarehouse and UnreadableWarehouse.
        """
        ...

    def published(self, con: duckdb.DuckDBPyConnection, sql: str) -> AbstractContextManager[None]:
        """Attach the published data of one commit as `wh`, without a lock. `sql` is the query that will be run on it.

        Raises NewerWarehouse when a newer release wrote it.
        """
        ...

    def publish(self, con: duckdb.DuckDBPyConnection) -> bool:
        """Make all commits visible to readers. Return False when they were visible already."""
        ...

    def purge(self, con: duckdb.DuckDBPyConnection) -> None:
        """Make all commits visible to readers, and remove all bytes of earlier states, staged ones too."""
        ...

    def tidy(self, con: duckdb.DuckDBPyConnection, today: date) -> int:
        """Merge small files of long ago, and remove those that no reader needs. Return the number of removed files.

        Nothing that is read changes. Raises WarehouseBusy.
        """
        ...

    def find_damage(self, con: duckdb.DuckDBPyConnection) -> list[Damage]:
        """Read all that is committed and published whole. Return the files that are damaged. Raises WarehouseBusy."""
        ...

    def set_aside(self, damaged: Collection[Damage]) -> bool:
        """Go on without these files: with what is published, or with what is committed.

        Return whether the warehouse is empty now. Raises WarehouseBusy.
        """
        ...

    def take_over(self) -> bool:
        """Guard the warehouse with the locks of this process, in the place of those of another machine.

        Return False where no other machine can guard it.
        """
        ...
