"""The kinds of columns that the star is declared with. Their meaning is in `Column.info`.

Roles: `surrogate` (a dimension's own key), `key` (points at a dimension), `date`, `degenerate` (a natural member that
stands in the fact), `measure`, `position` (a place in a list), `attribute` (describes a member, or a row of
bookkeeping). What must not come in: a table.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Numeric, String
from sqlalchemy.types import TypeEngine

from warehouse.model.members import UNKNOWN as UNKNOWN

ADDITIVE = "additive"
NOT_ADDITIVE = "not additive"

SECONDS = Numeric(18, 3)
MONEY = Numeric(18, 6)
SCORE = Numeric(18, 9)
VALUE = Numeric(28, 9)
COMPARED = Numeric(38, 9)
INSTANT = DateTime(timezone=True)
TEXT = String()
COUNT = BigInteger()
FLAG = Boolean()


def _column(name: str, kind: TypeEngine[Any], nullable: bool, comment: str, **info: object) -> Column[Any]:
    # Quoted, because engines differ in what they reserve: `at` is a keyword of DuckDB's.
    return Column(name, kind, nullable=nullable, comment=comment, info=dict(info), quote=True)


def date_column(comment: str = "Local calendar day of the account's zone.") -> Column[Any]:
    """Return the column of the slice's local day."""
    return _column("date", Date(), False, comment, role="date", grain=True)


def surrogate_key(dimension: str, natural: str) -> Column[Any]:
    """Return a dimension's own key, derived from the natural key `natural`."""
    comment = f"First 60 bits of md5({natural}); 0 is the row unknown."
    return _column(f"{dimension}_key", COUNT, False, comment, role="surrogate", natural=natural)


def account_key() -> Column[Any]:
    """Return the key of the account that a row belongs to. The store fills it; no staged table has it."""
    return _column("account_key", COUNT, False, "Joins dim_account.", role="key", dimension="dim_account", grain=True)


def dimension_key(dimension: str, natural: str, *, grain: bool = True) -> Column[Any]:
    """Return the key of a member of `dim_<dimension>`, staged as the column `natural`; 0 is `unknown`."""
    comment = f"Joins dim_{dimension}; 0 is unknown."
    info = {"dimension": f"dim_{dimension}", "natural": natural, "grain": grain}
    return _column(f"{dimension}_key", COUNT, False, comment, role="key", **info)


def degenerate_dimension(
    name: str, comment: str, kind: TypeEngine[Any] = TEXT, *, grain: bool = False, nullable: bool = True
) -> Column[Any]:
    """Return a natural member, or a property, that needs no dimension."""
    return _column(name, kind, nullable, comment, role="degenerate", grain=grain)


def measure(
    name: str, kind: TypeEngine[Any], unit: str, additivity: str, comment: str, *, role: str = "measure"
) -> Column[Any]:
    """Return a number of the provider. NULL where the provider does not report it."""
    text = f"{comment} Unit: {unit}; {additivity}."
    return _column(name, kind, True, text, role=role, unit=unit, additivity=additivity)


def attribute(name: str, kind: TypeEngine[Any], comment: str, *, nullable: bool = True) -> Column[Any]:
    """Return a descriptive column of a dimension or of a bookkeeping table."""
    return _column(name, kind, nullable, comment, role="attribute")
