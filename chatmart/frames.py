"""Turn the result of a query into a DataFrame that keeps what the warehouse knows: unknown stays apart from zero."""

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import pandas as pd


def to_frame(table: pa.Table) -> "pd.DataFrame":
    """Return the rows as a DataFrame, with the columns of the table.

    Days are `datetime64`, instants `datetime64[us, UTC]`, texts `str`: what pandas resamples, plots and compares. All
    else is of Arrow's types: whole numbers stay whole where some are NULL, money stays decimal. A sum of whole numbers
    is `int64` when all its values fit into that, as they nearly always do, and else decimal.
    """
    import pandas as pd  # imported late: a connection does without

    def find_type(arrow: pa.DataType) -> pd.ArrowDtype | None:
        has_own_type = pa.types.is_date(arrow) or pa.types.is_timestamp(arrow) or pa.types.is_string(arrow)
        return None if has_own_type else pd.ArrowDtype(arrow)

    columns = [_simplify(column) for column in table.columns]
    simple = pa.Table.from_arrays(columns, names=table.column_names)
    frame: pd.DataFrame = simple.to_pandas(types_mapper=find_type, date_as_object=False)
    return frame


def _simplify(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return instants in the zone that Python calls UTC, and sums of whole numbers as such."""
    arrow = column.type
    if pa.types.is_timestamp(arrow) and arrow.tz is not None:
        return column.cast(pa.timestamp(arrow.unit, "UTC"))
    if pa.types.is_decimal(arrow) and arrow.precision == _SUM_DIGITS and arrow.scale == 0:
        try:
            return column.cast(pa.int64())
        except pa.ArrowInvalid:  # a larger number
            return column
    return column


_SUM_DIGITS = 38  # the engine's sum of whole numbers is a HUGEINT, which Arrow holds as a decimal of so many digits
