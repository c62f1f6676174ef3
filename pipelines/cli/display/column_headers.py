"""The header of a result's column: the SQL name of its type, and its unit when the star declares one.

A column has a unit when its name and its type both match a measure of the star, or a sum of that measure. Any other
column was computed, and its unit is not known. No output here.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from sqlalchemy import Column

_TYPE_NAMES: tuple[tuple[pa.DataType, str], ...] = (
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
    (pa.decimal128(38, 0), "HUGEINT"),  # the engine returns a sum of integers as this type
)


def sql_type_name(data_type: pa.DataType) -> str:
    """Return the short SQL name of an Arrow type."""
    for arrow, name in _TYPE_NAMES:
        if data_type == arrow:
            return name
    if pa.types.is_decimal(data_type):
        return f"DECIMAL({data_type.precision},{data_type.scale})"
    if pa.types.is_timestamp(data_type):
        return "TIMESTAMPTZ" if data_type.tz else "TIMESTAMP"
    if pa.types.is_list(data_type):
        return f"{sql_type_name(data_type.value_type)}[]"
    if pa.types.is_dictionary(data_type):
        return "ENUM"
    return str(data_type).split("<", 1)[0].split("[", 1)[0].upper()


@dataclass(frozen=True)
class Measure:
    """A measure as the star declares it: ``unit``, or ``unit_column`` that holds the unit; its additivity.

    ``is_quantity`` is False for a measure that is no amount, such as a rank. ``types`` are the SQL types of the measure
    and of its sum.
    """

    unit: str | None
    unit_column: str | None
    additivity: str
    is_quantity: bool
    types: frozenset[str]


def find_measure(name: str, sql_type: str) -> Measure | None:
    """Return the measure that a column of this name and SQL type holds, or None when it holds no measure."""
    if not name.isidentifier():  # such as `count_star()`: no name of the star, whose declaration is slow to import
        return None
    measure = _declared_measures().get(name)
    return measure if measure is not None and sql_type in measure.types else None


def describe_unit(name: str, sql_type: str, column_names: Collection[str]) -> str | None:
    """Return the unit of a column, ``in COLUMN`` when another of ``column_names`` holds it, or None when unknown.

    The unit of an instant (TIMESTAMPTZ) is its time zone, UTC.
    """
    if sql_type == "TIMESTAMPTZ":
        return "UTC"
    measure = find_measure(name, sql_type)
    if measure is None:
        return None
    return measure.unit or (f"in {measure.unit_column}" if measure.unit_column in column_names else None)


@cache
def _declared_measures() -> Mapping[str, Measure]:
    """Return the measures of all facts by name, without names that two facts declare differently."""
    from warehouse.model.schema import STAGED_FACTS, fact_table  # imported late: only tables on a terminal need units

    declared: dict[str, set[Measure]] = {}
    for table in map(fact_table, STAGED_FACTS):
        members = {column.name for column in table.columns if "unit" not in column.info}
        for column in table.columns:
            if "unit" in column.info:
                declared.setdefault(column.name, set()).add(_build_measure(column, members))
    return {name: measures.pop() for name, measures in declared.items() if len(measures) == 1}


def _build_measure(column: "Column[Any]", members: Collection[str]) -> Measure:
    from warehouse.model.columns import ADDITIVE
    from warehouse.model.schema import arrow_type

    unit, additivity = column.info["unit"], column.info["additivity"]
    unit_column = unit.rpartition(".")[2] if "." in unit or unit in members else None
    data_type = arrow_type(column.type)
    types = {sql_type_name(data_type)}
    if additivity == ADDITIVE:
        types.add(sql_type_name(pa.decimal128(38, data_type.scale if pa.types.is_decimal(data_type) else 0)))
    is_quantity = column.info["role"] == "measure"
    return Measure(None if unit_column else unit, unit_column, additivity, is_quantity, frozenset(types))
