"""Staged tables inside the engine, in SQL: checked against their declaration, and given their keys.

A staged fact `x` becomes the relation `staged_x`, with the fact's columns, the natural members beside the keys, and
the row's `chunk`; staged members `m` become `member_m`, each member once, as the last chunk describes it, with the
first chunk that does. Facts in memory are copied into the engine once; those in files are read where they lie, and
their keys, which are dear, are computed once for each member and joined.
What must not come in: the warehouse's file, a write.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import Column

from warehouse.commit.inputs import Chunks, bind_facts, member_tables
from warehouse.errors import DuplicateGrain, OutsideSlices
from warehouse.model.schema import fact_table, member_dimension, member_schema, staged_grain, table_schema
from warehouse.records import ChunkCommit
from warehouse.sql import UNKNOWN, fill, ident, identifier_list, literal, member_key, member_key_sql


@dataclass(frozen=True)
class StagedFacts:
    """The staged facts of some chunks: by name whether it is a table, else a view; rows by chunk, name and day."""

    is_table: Mapping[str, bool]
    counts: Mapping[tuple[int, str, date], int]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the staged facts."""
        return tuple(self.is_table)

    def rows_by_table(self) -> Counter[tuple[int, str]]:
        """Return the number of rows by chunk and fact."""
        rows: Counter[tuple[int, str]] = Counter()
        for (number, name, _), count in self.counts.items():
            rows[number, name] += count
        return rows

    def rows_by_slice(self) -> Counter[tuple[int, date]]:
        """Return the number of rows by chunk and day, over all facts."""
        rows: Counter[tuple[int, date]] = Counter()
        for (number, _, day), count in self.counts.items():
            rows[number, day] += count
        return rows

    def key_relation(self, name: str, natural: str) -> str:
        """Return the relation of the keys of a fact's natural column: chunk, account_key, the key and the member.

        It holds every key of the fact at least once.
        """
        return f"staged_{name}" if self.is_table[name] else _key_table(name, natural)


def stage_facts(con: duckdb.DuckDBPyConnection, chunks: Chunks) -> StagedFacts:
    """Make the relations `staged_<fact>` of the chunks' tables and check them.

    Raises StagedMismatch (names, columns, types), DuplicateGrain and OutsideSlices; each names account, table and an
    example.
    """
    is_table = bind_facts(con, chunks)
    create = "CREATE TEMP $kind $name AS $query"
    for name in is_table:
        if is_table[name]:
            kind, query = "TABLE", _select_fact_sql(name)
        else:
            kind, query = "VIEW", _select_joined_fact_sql(name)
            for column in _key_columns(name):
                table, keys = ident(_key_table(name, column.info["natural"])), _select_keys_sql(name, column)
                con.execute(fill(create, kind="TABLE", name=table, query=keys))
        con.execute(fill(create, kind=kind, name=ident(f"staged_{name}"), query=query))
    staged = StagedFacts(is_table, _count_rows(con, chunks, is_table))
    _require_days_inside(chunks, staged)
    return staged


def drop_staged_facts(con: duckdb.DuckDBPyConnection, staged: StagedFacts) -> None:
    """Drop the relations of `stage_facts`, so that their memory is free and other chunks can be staged."""
    for name, is_table in staged.is_table.items():
        con.execute(fill("DROP $kind $name", kind="TABLE" if is_table else "VIEW", name=ident(f"staged_{name}")))
        if is_table:
            con.unregister(f"input_{name}")
        else:
            con.execute(fill("DROP VIEW $name", name=ident(f"input_{name}")))
            for column in _key_columns(name):
                con.execute(fill("DROP TABLE $name", name=ident(_key_table(name, column.info["natural"]))))
            con.unregister(f"rows_{name}")


def stage_members(con: duckdb.DuckDBPyConnection, chunks: Chunks) -> tuple[str, ...]:
    """Register the relations `member_<name>` of the chunks' members and check them. Return their names.

    Members are few: they are put together here, not in the engine. Raises StagedMismatch and DuplicateGrain.
    """
    names = []
    for name, tables in member_tables(chunks).items():
        key_name = member_dimension(name).columns.keys()[0]
        members: dict[int, dict[str, Any]] = {}
        for number, table in tables:
            for key, row in _member_rows(chunks[number], name, table):
                first_chunk = members[key]["first_chunk"] if key in members else number
                members[key] = {key_name: key, **row, "first_chunk": first_chunk}
        schema = table_schema(member_dimension(name).name).append(pa.field("first_chunk", pa.int32()))
        con.register(f"member_{name}", pa.Table.from_pylist(list(members.values()), schema=schema))
        names.append(name)
    return tuple(names)


def drop_staged_members(con: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    """Drop the relations of `stage_members`."""
    for name in names:
        con.unregister(f"member_{name}")


def _member_rows(chunk: ChunkCommit, name: str, table: pa.Table) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the staged members of one chunk with their keys, without `unknown`."""
    account, dimension, natural = chunk.account, member_dimension(name).name, member_schema(name).names[0]
    counts = Counter(table.column(natural).to_pylist())
    for value, count in counts.items():
        if count > 1:
            raise _duplicate_grain(account.account, name, f"{{'{natural}': {value}}}", count)
    for row in table.to_pylist():
        if row[natural] not in (None, UNKNOWN):
            key = member_key(dimension, row[natural], account=account.account, provider=account.provider)
            yield key, {"provider": account.provider, **row}


def _natural_sql(column_name: str) -> str:
    return fill("coalesce($column, $unknown)", column=ident(column_name), unknown=literal(UNKNOWN))


def _select_fact_sql(name: str) -> str:
    parts = ["chunk"]
    for column in fact_table(name).columns:
        natural = column.info.get("natural")
        if natural:
            key = member_key_sql(column.info["dimension"], _natural_sql(natural))
            parts.append(f"{key} AS {ident(column.name)}")
            parts.append(f"{_natural_sql(natural)} AS {ident(natural)}")
        else:
            parts.append(ident(column.name))
    return fill("SELECT $parts FROM $source", parts=", ".join(parts), source=ident(f"input_{name}"))


def _key_columns(name: str) -> list[Column[Any]]:
    """Return the columns of a fact that hold the key of a natural member."""
    return [column for column in fact_table(name).columns if column.info.get("natural")]


def _key_table(name: str, natural: str) -> str:
    return f"keys_{name}_{natural}"


def _select_keys_sql(name: str, column: Column[Any]) -> str:
    """Return the query of the different members of a key column, by chunk, with their keys."""
    natural = column.info["natural"]
    return fill(
        "SELECT chunk, account_key, $key AS $key_name, $natural FROM "
        "(SELECT DISTINCT chunk, account_key, account, provider, $member AS $natural FROM $source)",
        key=member_key_sql(column.info["dimension"], ident(natural)),
        key_name=ident(column.name),
        natural=ident(natural),
        member=_natural_sql(natural),
        source=ident(f"input_{name}"),
    )


def _select_joined_fact_sql(name: str) -> str:
    """Return the query of `_select_fact_sql` with the keys from their tables."""
    parts, joins = ["i.chunk"], []
    for column in fact_table(name).columns:
        natural = column.info.get("natural")
        if natural:
            table, member = ident(_key_table(name, natural)), ident(natural)
            parts += [f"{table}.{ident(column.name)}", f"{table}.{member}"]
            joins.append(
                fill(
                    "JOIN $table ON $table.chunk = i.chunk AND $table.$member = coalesce(i.$member, $unknown)",
                    table=table,
                    member=member,
                    unknown=literal(UNKNOWN),
                )
            )
        else:
            parts.append(f"i.{ident(column.name)}")
    source = ident(f"input_{name}")
    return fill("SELECT $parts FROM $source AS i $joins", parts=", ".join(parts), source=source, joins=" ".join(joins))


def _count_rows(
    con: duckdb.DuckDBPyConnection, chunks: Chunks, facts: Iterable[str]
) -> dict[tuple[int, str, date], int]:
    """Return the number of rows by chunk, fact and day. Raises DuplicateGrain for two rows of one grain.

    Different hashes are of different grains. Equal ones, which are rare, are looked at: hashes cost a sixth of rows.
    """
    branch = (
        "SELECT chunk, $name AS staged, date, count(*) AS n, count(DISTINCT hash($grain)) AS different "
        "FROM $facts GROUP BY chunk, date"
    )
    parts = [
        fill(branch, name=literal(name), facts=ident(f"staged_{name}"), grain=identifier_list(staged_grain(name)))
        for name in facts
    ]
    rows: list[tuple[Any, ...]] = con.execute(" UNION ALL ".join(parts)).fetchall() if parts else []
    for number, name, _, count, different in rows:
        duplicate = _find_duplicate(con, number, name) if different < count else None
        if duplicate is not None:
            raise _duplicate_grain(chunks[number].account.account, name, *duplicate)
    return {(number, name, day): count for number, name, day, count, _ in rows}


def _find_duplicate(con: duckdb.DuckDBPyConnection, number: int, name: str) -> tuple[Any, ...] | None:
    """Return the grain of several rows of a chunk as text, and their number; None when all grains differ."""
    query = (
        "SELECT CAST(struct_pack($fields) AS VARCHAR), count(*) FROM $facts WHERE chunk = $number "
        "GROUP BY $columns HAVING count(*) > 1 LIMIT 1"
    )
    columns = staged_grain(name)
    return con.execute(
        fill(
            query,
            fields=identifier_list(columns, "$name := $name"),
            facts=ident(f"staged_{name}"),
            number=str(number),
            columns=identifier_list(columns),
        )
    ).fetchone()


def _duplicate_grain(account: str, name: str, example: str, count: int) -> DuplicateGrain:
    return DuplicateGrain(
        f"{account}: {name} holds {count} rows for {example}. Nothing was written; the transform must give one row per "
        "grain."
    )


def _require_days_inside(chunks: Chunks, staged: StagedFacts) -> None:
    days = {number: {info.date for info in chunk.slices} for number, chunk in chunks.items()}
    for number, name, day in staged.counts:
        if day not in days[number]:
            raise OutsideSlices(
                f"{chunks[number].account.account}: {name} holds rows of {day}, a day this commit does not replace. "
                "Nothing was written; the transform must keep to the days of its chunk."
            )
