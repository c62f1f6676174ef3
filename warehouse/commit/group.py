"""A group of chunks in one transaction, with the same result as if they were committed one after the other.

Chunks that share a slice are successive states of it: they go into successive layers. Each layer is replaced as a
whole, with one statement for each table. Works on the warehouse attached as `wh`. What must not come in: locks, files.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import zip_longest

import duckdb

from warehouse.commit.dimensions import require_members, write_dates_and_intents, write_members
from warehouse.commit.inputs import Chunks
from warehouse.commit.replace import bind_slices, replace_slices
from warehouse.commit.stage import StagedFacts, drop_staged_facts, drop_staged_members, stage_facts, stage_members
from warehouse.errors import DuplicateGrain, OutdatedChunk, OutsideSlices, StagedMismatch
from warehouse.records import ChunkCommit, CommitResult

Slice = tuple[str, date]
"""The account and the day of a slice."""


class ChunkGroup:
    """The chunks of one transaction. First `stage`, before the lock is taken, then `replace` under it.

    Each history holds successive chunks of one account. Histories that share a slice are committed one after the
    other, others side by side. After an error the caller rolls back and closes the engine: what was staged stays there.
    """

    def __init__(self, histories: Sequence[Sequence[ChunkCommit]]) -> None:
        self._count = len(histories)
        ordered = _order_chunks(histories)
        self._places = [place for place, _ in ordered]
        self._chunks = [chunk for _, chunk in ordered]
        for chunk in self._chunks:
            _require_slices(chunk)
        self._layers = _split_into_layers(self._chunks)
        self._rows: Counter[tuple[int, str]] = Counter()
        self._restatements: Counter[int] = Counter()
        self._staged: tuple[tuple[str, ...], StagedFacts] | None = None

    @property
    def slices(self) -> list[Slice]:
        """All slices that the group replaces."""
        return [day_slice for chunk in self._chunks for day_slice in _slices_of(chunk)]

    def stage(self, con: duckdb.DuckDBPyConnection) -> None:
        """Stage and check the chunks of the first layer. Raises StagedErrors."""
        self._staged = self._stage_layer(con, self._layers[0]) if self._layers else None

    def replace(self, con: duckdb.DuckDBPyConnection) -> None:
        """Replace the slices of all chunks, with dimensions and bookkeeping. Raises StagedErrors.

        Later layers are staged here, when the earlier ones have made room.
        """
        for chunk in self._chunks:
            if not chunk.is_current():
                raise OutdatedChunk(
                    f"{chunk.account.account}: a person was forgotten after the rows of this commit were made from the "
                    "landed responses, so nothing was written: run the same command again."
                )
        for layer in self._layers:
            members, facts = self._staged or self._stage_layer(con, layer)
            self._staged = None
            try:
                self._replace_layer(con, layer, members, facts)
            except duckdb.ConstraintException as error:
                accounts = sorted({chunk.account.account for chunk in layer.values()})
                raise StagedMismatch(
                    f"{', '.join(accounts)}: a staged row lacks a required value ({error}). "
                    "Nothing was written; the transform must fill it."
                ) from error
            drop_staged_facts(con, facts)
            drop_staged_members(con, members)

    def results(self) -> list[CommitResult]:
        """Return the result of each history, in the given order."""
        rows: list[dict[str, int]] = [{} for _ in range(self._count)]
        restatements = [0] * self._count
        for number, (place, chunk) in enumerate(zip(self._places, self._chunks, strict=True)):
            restatements[place] += self._restatements[number]
            for name in chunk.tables:
                rows[place][name] = rows[place].get(name, 0) + self._rows[number, name]
        return [CommitResult(*pair) for pair in zip(rows, restatements, strict=True)]

    def _stage_layer(self, con: duckdb.DuckDBPyConnection, layer: Chunks) -> tuple[tuple[str, ...], StagedFacts]:
        staged = stage_members(con, layer), stage_facts(con, layer)
        self._rows.update(staged[1].rows_by_table())
        return staged

    def _replace_layer(
        self, con: duckdb.DuckDBPyConnection, layer: Chunks, members: Sequence[str], facts: StagedFacts
    ) -> None:
        bind_slices(con, layer, facts)
        require_members(con, layer, facts, members)
        write_members(con, layer, members)
        write_dates_and_intents(con, facts)
        logged = replace_slices(con, layer, facts)
        con.unregister("slices")
        owners: Mapping[Slice, int] = {
            day_slice: number for number, chunk in layer.items() for day_slice in _slices_of(chunk)
        }
        for day_slice, count in logged.items():
            self._restatements[owners[day_slice]] += count


def _slices_of(chunk: ChunkCommit) -> Iterator[Slice]:
    return ((chunk.account.account, info.date) for info in chunk.slices)


def _order_chunks(histories: Sequence[Sequence[ChunkCommit]]) -> list[tuple[int, ChunkCommit]]:
    """Return the chunks, each with the place of its history: the first ones of all histories, the second ones, etc.

    Histories that share a slice come one after the other.
    """
    numbered = [[(place, chunk) for chunk in history] for place, history in enumerate(histories)]
    slices = [{day_slice for chunk in history for day_slice in _slices_of(chunk)} for history in histories]
    if len(set().union(*slices)) < sum(map(len, slices)):
        return [pair for history in numbered for pair in history]
    return [pair for row in zip_longest(*numbered) for pair in row if pair is not None]


def _split_into_layers(chunks: Sequence[ChunkCommit]) -> list[dict[int, ChunkCommit]]:
    """Return the chunks by their number, in layers: within one, no two chunks share a slice."""
    layers: list[dict[int, ChunkCommit]] = []
    taken: set[Slice] = set()
    for number, chunk in enumerate(chunks):
        slices = set(_slices_of(chunk))
        if not layers or taken & slices:
            layers.append({})
            taken = set()
        layers[-1][number] = chunk
        taken |= slices
    return layers


def _require_slices(chunk: ChunkCommit) -> None:
    """Raise for a slice that stands twice, and for an entry of reconciliation or drift outside the slices."""
    days = Counter(info.date for info in chunk.slices)
    for day, count in days.items():
        if count > 1:
            raise DuplicateGrain(f"{chunk.account.account}: the commit has the slice {day} twice.")
    for table, entries in (("reconciliation", chunk.reconciliations), ("drift", chunk.drift)):
        for entry in entries:
            if entry.date not in days:
                raise OutsideSlices(
                    f"{chunk.account.account}: an entry of {table} on {entry.date} is outside the days of its commit."
                )
