"""Print messages and tables to standard error, or log them as JSON lines when the log is JSON.

Data goes to standard output and must not come in here. Each command decides which messages to print.
"""

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from extractors.foreign_text import clean_lines
from pipelines.cli.display.tables import make_console
from pipelines.cli.logs import is_json_log

console = Console(stderr=True)
log = logging.getLogger("chatmart.command")


def print_message(sentence: str, style: str | None = None, **fields: object) -> None:
    """Print one sentence, made safe to show. ``fields`` are its values, for programs that read the JSON log."""
    if is_json_log():
        log.info("%s", sentence, extra=fields)
    else:
        console.print(clean_lines(sentence), style=style, soft_wrap=True, markup=False, highlight=False)


def print_table(
    rows: Sequence[Mapping[str, str]],
    *,
    left_columns: int = 0,
    row_styles: Sequence[str | None] | None = None,
    label: str,
) -> None:
    """Print rows of the same columns. The first ``left_columns`` are aligned left, the others right.

    In the JSON log each row is a line that begins with ``label``.
    """
    if is_json_log():
        for row in rows:
            cells = ", ".join(f"{name} {value}" for name, value in row.items())
            log.info("%s: %s", label, cells, extra={name.replace(" ", "_"): value for name, value in row.items()})
        return
    terminal = make_console(sys.stderr)
    if terminal.is_terminal:
        terminal.print(_build_table(rows, left_columns, row_styles))
    else:  # a log of a thousand accounts: as wide as it needs, without a second of colours and wrapping
        sys.stderr.writelines(f"{line}\n" for line in _format_lines(rows, left_columns))


def _build_table(
    rows: Sequence[Mapping[str, str]], left_columns: int, row_styles: Sequence[str | None] | None
) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, name in enumerate(rows[0] if rows else ()):
        table.add_column(name, justify="left" if number < left_columns else "right")
    for number, row in enumerate(rows):
        table.add_row(*row.values(), style=row_styles[number] if row_styles else None)
    return table


def _format_lines(rows: Sequence[Mapping[str, str]], left_columns: int) -> Iterator[str]:
    """Format the names and rows of a table as lines with aligned cells."""
    lines = [list(rows[0]), *(list(row.values()) for row in rows)] if rows else []
    widths = [max(map(cell_len, cells)) for cells in zip(*lines, strict=True)]
    for line in lines:
        spaces = (" " * (width - cell_len(text)) for text, width in zip(line, widths, strict=True))
        cells = (
            text + space if number < left_columns else space + text
            for number, (text, space) in enumerate(zip(line, spaces, strict=True))
        )
        yield "  ".join(cells).rstrip()
