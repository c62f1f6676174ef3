"""The public face of the declared star: its tables, and the staged schemas derived from them.

The tables are declared in `dimensions`, `facts` and `bookkeeping`. A staged table is the input that a transform gives
to a commit: the name of a fact without `fact_`, `date` first, natural members in place of keys, no account.
What must not come in: SQL of one engine, connections, a provider's rule.
"""

from functools import cache
from typing import Any

import pyarrow as pa
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Table,
)
from sqlalchemy.types import TypeEngine

from warehouse.model.bookkeeping import (
    drift,
    forgotten,
    load_ledger,
    load_run,
    measure_definition,
    reconciliation,
    restatement_log,
)
from warehouse.model.dimensions import metadata
from warehouse.model.facts import FACTS

__all__ = [
    "STAGED_FACTS",
    "STAGED_MEMBERS",
    "arrow_type",
    "drift",
    "fact_table",
    "forgotten",
    "load_ledger",
    "load_run",
    "measure_definition",
    "member_dimension",
    "member_schema",
    "metadata",
    "reconciliation",
    "restatement_log",
    "staged_column_name",
    "staged_grain",
    "staged_schema",
    "table_schema",
]

_FACTS: dict[str, Table] = {table.name.removeprefix("fact_"): table for table in FACTS}

STAGED_FACTS: tuple[str, ...] = tuple(_FACTS)
"""Names of the staged fact tables."""

STAGED_MEMBERS: tuple[str, ...] = ("channel", "language", "country", "metric")
"""Names of the staged dimension members. Intents are taken from the facts."""

_ARROW: tuple[tuple[type[TypeEngine[Any]], pa.DataType], ...] = (
    (BigInteger, pa.int64()),
    (SmallInteger, pa.int16()),
    (Integer, pa.int32()),
    (Boolean, pa.bool_()),
    (Date, pa.date32()),
    (DateTime, pa.timestamp("us", tz="UTC")),
    (String, pa.string()),
)


def arrow_type(kind: TypeEngine[Any]) -> pa.DataType:
    """Return the Arrow type of a declared column type. Raises TypeError for a type that has none."""
    if isinstance(kind, Numeric):
        return pa.decimal128(kind.precision or 38, kind.scale or 0)
    if isinstance(kind, ARRAY):
        return pa.list_(arrow_type(kind.item_type))
    for declared, arrow in _ARROW:
        if isinstance(kind, declared):
            return arrow
    raise TypeError(f"no Arrow type is declared for {kind!r}")


@cache
def table_schema(name: str) -> pa.Schema:
    """Return the columns of a declared table, in order. Raises KeyError for an unknown name."""
    return pa.schema([(column.name, arrow_type(column.type)) for column in metadata.tables[name].columns])


def fact_table(name: str) -> Table:
    """Return the fact that the staged table `name` fills. Raises KeyError for a name not in `STAGED_FACTS`."""
    return _FACTS[name]


def staged_column_name(column: Column[Any]) -> str:
    """Return the name of a fact's column in the staged table; a key has the name of its natural member."""
    return str(column.info.get("natural") or column.name)


def _staged_columns(name: str) -> list[Column[Any]]:
    return [column for column in fact_table(name).columns if column.name != "account_key"]


def _staged_type(column: Column[Any]) -> TypeEngine[Any]:
    return String() if column.info["role"] == "key" else column.type


@cache
def staged_schema(name: str) -> pa.Schema:
    """Return the columns of the staged fact `name`, in order, `date` first. Raises KeyError for an unknown name."""
    return pa.schema(
        [(staged_column_name(column), arrow_type(_staged_type(column))) for column in _staged_columns(name)]
    )


@cache
def staged_grain(name: str) -> tuple[str, ...]:
    """Return the staged columns that are unique within one account, `date` first."""
    return tuple(staged_column_name(column) for column in _staged_columns(name) if column.info.get("grain"))


def member_dimension(name: str) -> Table:
    """Return the dimension of the staged members `name`. Raises KeyError for an unknown name."""
    return metadata.tables[f"dim_{name}"]


@cache
def member_schema(name: str) -> pa.Schema:
    """Return the columns of the staged members `name`: the dimension's attributes without key and provider."""
    columns = member_dimension(name).columns
    return pa.schema(
        [(c.name, arrow_type(c.type)) for c in columns if c.info["role"] == "attribute" and c.name != "provider"]
    )
