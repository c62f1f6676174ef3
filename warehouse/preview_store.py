"""The part of a store that previews commits: their numbers are compared with the published ones. Nothing is written."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from warehouse.engine import attach_empty_warehouse
from warehouse.ledger_store import LedgerStore
from warehouse.records import ChunkCommit


@dataclass(frozen=True)
class NumberChange:
    """Numbers of one account, view and measure that a commit would change, summed over their days.

    `view` is the name of the fact without `fact_`. With `is_total` all changed numbers of the measure are summed;
    else those of one `member`. With an `attribute`, such as `channel`, they are sums by that attribute of members that
    would be described otherwise, and `member` is its value. `numbers` change on `days` local days, from `first` to
    `last`. `old` and `new` are the sums of these numbers; None where nothing is reported.
    """

    account: str
    view: str
    measure: str
    attribute: str | None
    member: str | None
    is_total: bool
    numbers: int
    days: int
    first: date
    last: date
    old: Decimal | None
    new: Decimal | None


class PreviewStore(LedgerStore):
    """A store that can tell what a commit would change."""

    def compare(self, chunks: Sequence[ChunkCommit]) -> list[NumberChange]:
        """Return the published numbers that a commit of the chunks would change. No two chunks share a slice.

        Before the first publication every number is new. Raises StagedErrors, NewerWarehouse and UnreadableWarehouse.
        """
        from warehouse.commit.compare import select_changes

        if not chunks:
            return []
        with self._open_engine() as con, self._attach_published(con):
            rows = select_changes(con, dict(enumerate(chunks))).to_pylist()
        return [NumberChange(**row) for row in rows]

    @contextmanager
    def _attach_published(self, con: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Attach the published data as `wh`, or an empty warehouse in memory before the first publication."""
        if self._storage.is_published():
            with self._storage.published(con, ""):
                yield
            return
        from warehouse.ddl.migrations import upgrade_schema

        with attach_empty_warehouse(con):
            con.execute("USE wh")
            upgrade_schema(con, 0)
            yield
