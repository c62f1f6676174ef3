"""The part of a store that deals with people: their rows are found, forgotten, and deleted by age.

What must not come in: which fields are personal, a provider's rule.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb

from warehouse.disk_failures import name_disk_failures
from warehouse.engine import EngineLimits, EnginePool
from warehouse.records import ForgottenRow, HeldRows, PersonInAccount, Scope
from warehouse.storage.protocol import Storage


class PersonalStore:
    """The base of ``Store``: its engines, and what is done with the rows of people."""

    def __init__(self, storage: Storage, limits: EngineLimits | None = None) -> None:
        self._storage = storage
        self._limits = limits or EngineLimits()
        self._engines = EnginePool(self._limits, storage.new_spill_path)

    @property
    def location(self) -> Path:
        """The place where readers open the published warehouse: a file, or a folder."""
        return self._storage.location

    @property
    def address(self) -> str:
        """The published warehouse as people know it: a path, or the address of objects."""
        return self._storage.address

    def find_person(self, person: PersonInAccount) -> list[HeldRows]:
        """Return the committed (not the published) rows that are held of a person, by table."""
        from warehouse.commit import forget

        if not self._storage.exists():
            return []
        with self._open_engine() as con, self._storage.committed(con, Scope((person.account,))):
            return forget.find_rows(con, person)

    def forget_person(self, person: PersonInAccount) -> int:
        """Remove a person from the rows of an account, in one transaction. Return the number of rows that changed.

        `purge` then removes the bytes. Raises WarehouseBusy.
        """
        from warehouse.commit import forget

        if not self._storage.exists():
            return 0
        with self._open_engine() as con, self._storage.transaction(con, Scope((person.account,))) as transaction:
            changed = forget.forget_person(con, person)
            transaction.changed = bool(changed)
        return changed

    def record_forgotten(self, rows: Sequence[ForgottenRow]) -> None:
        """Write proofs that people were forgotten into the books, in place of earlier ones of the same requests.

        Raises WarehouseBusy.
        """
        from warehouse.commit import forget

        if not rows:
            return
        days = [row.forgotten_at.date() for row in rows]
        scope = Scope(tuple({row.account for row in rows}), (min(days), max(days)), frozenset({"forgotten"}))
        with self._open_engine() as con, self._storage.transaction(con, scope) as transaction:
            transaction.changed = forget.record_forgotten(con, rows)

    def delete_conversations(self, before: date) -> int:
        """Delete the rows of single conversations before a local day; totals of days stay. Return their number.

        `purge` then removes the bytes. Raises WarehouseBusy.
        """
        from warehouse.commit import forget

        if not self._storage.exists():
            return 0
        scope = Scope(None, (date(1970, 1, 1), before), frozenset(forget.CONVERSATION_TABLES))
        with self._open_engine() as con, self._storage.transaction(con, scope) as transaction:
            deleted = forget.delete_conversations(con, before)
            transaction.changed = bool(deleted)
        return deleted

    def purge(self) -> None:
        """Publish all commits, and remove every byte of earlier states from the files of the warehouse.

        A reader that has an earlier state open may have to open the warehouse again. Raises WarehouseBusy.
        """
        if not self._storage.exists():
            return
        with self._open_engine() as con:
            self._storage.purge(con)

    @contextmanager
    def _open_engine(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with name_disk_failures(self.location), self._engines.open() as con:
            yield con
