"""Draw a query result as one block of lines for each row: every column is shown, whatever the window's width."""

from typing import TextIO

import pyarrow as pa
from rich.text import Text

from pipelines.cli.display.tables import NO_VALUE, TableStyle, Truncation, make_console
from pipelines.cli.display.values import format_for_terminal, read_column


def draw_expanded(result: pa.Table, out: TextIO, style: TableStyle) -> Truncation:
    """Write the rows, each as lines of a name and a value. Returns the rows that the style's limit left out."""
    rows = result.num_rows if style.max_rows is None else min(style.max_rows, result.num_rows)
    names = [format_for_terminal(name) for name in result.column_names]
    columns = [read_column(result.column(number).slice(0, rows)) for number in range(result.num_columns)]
    width = max(map(len, names), default=0)
    console = make_console(out)
    for number in range(rows if names else 0):
        if number:
            console.print()
        console.print(Text(f"row {number + 1}", "bold"), soft_wrap=True)
        for name, values in zip(names, columns, strict=True):
            value = values[number]
            text = Text(f"{name:{width}}  ", "dim")
            text.append(NO_VALUE if value is None else format_for_terminal(value), "dim" if value is None else "none")
            console.print(text, soft_wrap=True)
    return Truncation(result.num_rows - rows)
