"""What stands above a column: the SQL name of its type, and its unit where the star declares one. No output here.

A unit is known by name and type together: a column that is called as a measure of the star and holds what that measure
(or a sum of it) holds. Anything else was computed, and nothing is said about it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa
from sqlalchemy import Column

from warehouse.model.columns import ADDITIVE
from warehouse.model.schema import STAGED_FACTS, arrow_type, fact_table

_NAMES: tuple[tuple[pa.DataType, str], ...] = (
    (pa.bool_(), "BOOLEAN"),
    (pa.int8(), "TINYINT"),
    (pa.int16(), "SMALLINT"),
    (pa.int32(), "INTEGER"),
    (pa.int64(), "BIGINT"),
    (pa.uint8(), "UTINYINT"),
    (pa.uint16(), "USMALLINT"),
    (pa.uint32(), "UINTEGER"),
    (pa.uint64(), "UBIGINT"),
    (pa.float32(), "FLOAT"),
    (pa.float64(), "DOUBLE"),
    (pa.string(), "VARCHAR"),
    (pa.binary(), "BLOB"),
    (pa.date32(), "DATE"),
    (pa.null(), "NULL"),
    (pa.decimal128(38, 0), "HUGEINT"),  # how the engine hands over a sum of integers
)


def sql_type_name(kind: pa.DataType) -> str:
    """The SQL name of an Arrow type, as short as it goes."""
    for known, name in _NAMES:
        if kind == known:
            return name
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMPTZ" if kind.tz else "TIMESTAMP"
    if pa.types.is_list(kind):
        return f"{sql_type_name(kind.value_type)}[]"
    if pa.types.is_dictionary(kind):
        return "ENUM"
    return str(kind).split("<", 1)[0].split("[", 1)[0].upper()


@dataclass(frozen=True)
class Measure:
    """What the star says of a measure: its unit, or the column that tells it, and whether it may be added up."""

    unit: str | None
    unit_column: str | None
    additivity: str
    is_quantity: bool
    types: frozenset[str]


def find_measure(name: str, kind: str) -> Measure | None:
    """The measure that a column of this name and SQL type shows; None for anything else."""
    found = _measures().get(name)
    return found if found is not None and kind in found.types else None


def describe_unit(name: str, kind: str, beside: Collection[str]) -> str | None:
    """The unit in a word or two, or which column ``beside`` it tells it; None where neither is known. Instants: UTC."""
    if kind == "TIMESTAMPTZ":
        return "UTC"
    found = find_measure(name, kind)
    if found is None:
        return None
    return found.unit or (f"in {found.unit_column}" if found.unit_column in beside else None)


@cache
def _measures() -> Mapping[str, Measure]:
    """The measures of all facts; a name that two facts use for different things says nothing."""
    declared: dict[str, set[Measure]] = {}
    for table in map(fact_table, STAGED_FACTS):
        members = {column.name for column in table.columns if "unit" not in column.info}
        for column in table.columns:
            if "unit" in column.info:
                declared.setdefault(column.name, set()).add(_measure(column, members))
    return {name: each.pop() for name, each in declared.items() if len(each) == 1}


def _measure(column: Column[Any], members: Collection[str]) -> Measure:
    unit, additivity = column.info["unit"], column.info["additivity"]
    elsewhere = unit.rpartition(".")[2] if "." in unit or unit in members else None
    kind = arrow_type(column.type)
    types = {sql_type_name(kind)}
    if additivity == ADDITIVE:
        types.add(sql_type_name(pa.decimal128(38, kind.scale if pa.types.is_decimal(kind) else 0)))
    is_quantity = column.info["role"] == "measure"
    return Measure(None if elsewhere else unit, elsewhere, additivity, is_quantity, frozenset(types))
