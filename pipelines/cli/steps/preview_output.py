"""Print a preview: the answer in one line, then the numbers that would change, as text or JSON.

What must not come in: how the numbers are compared, which is in ``pipelines.loads``.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal

import click
from rich.table import Table

from pipelines.cli.display.output import print_message
from pipelines.cli.display.tables import make_console
from pipelines.cli.display.values import format_decimal, format_for_terminal, format_json
from pipelines.loads.failures import format_days
from pipelines.loads.preview import Preview
from warehouse.preview_store import NumberChange

MAX_LINES = 40
"""The most lines that the text shows; --json has all of them."""


def print_preview(preview: Preview, as_json: bool) -> int:
    """Print the preview to standard output, and its failures to standard error.

    Returns the exit code: 1 when some days could not be compared.
    """
    if as_json:
        click.echo(_format_preview(preview))
    else:
        _print_text(preview)
    for failure in preview.failures:
        days = f"{format_days(failure.days)}: " if failure.days else ""
        print_message(f"not compared: {days}{failure.sentence}", style="red", account=failure.account)
    return 1 if preview.failures else 0


def _print_text(preview: Preview) -> None:
    console = make_console(sys.stdout)
    compared = f"{preview.compared:,} day{'' if preview.compared == 1 else 's'} compared, nothing was written"
    totals = [item for item in preview.changes if item.is_total]
    moves = [item for item in preview.changes if item.attribute is not None]
    if preview.failures and not preview.compared:
        console.print("No day could be compared, nothing was written.", style="red", soft_wrap=True)
        return
    if not preview.changes:
        console.print(f"No number would change: {compared}.", soft_wrap=True)
        return
    count, accounts = sum(item.numbers for item in totals), {item.account for item in preview.changes}
    console.print(
        f"{count:,} number{'' if count == 1 else 's'} of {len(accounts):,} account{'' if len(accounts) == 1 else 's'} "
        f"would change: {compared}.",
        style="yellow",
        soft_wrap=True,
    )
    console.print(_build_table(totals[:MAX_LINES]))
    if moves:
        console.print("\nSums by the names of members that would change:", soft_wrap=True)
        console.print(_build_moves_table(moves[:MAX_LINES]))
    hidden = max(len(totals) - MAX_LINES, 0) + max(len(moves) - MAX_LINES, 0)
    if hidden:
        console.print(f"and {hidden:,} more lines, see --json", soft_wrap=True)
    if any(item.old == item.new for item in totals):
        console.print("Where both sums are equal, numbers move between members: --json names them.", soft_wrap=True)


def _build_table(items: Sequence[NumberChange]) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, name in enumerate(("account", "number", "days", "first", "last", "old", "new")):
        table.add_column(name, justify="right" if number in (2, 5, 6) else "left")
    for item in items:
        table.add_row(
            format_for_terminal(item.account),
            f"{item.view}.{item.measure}",
            str(item.days),
            str(item.first),
            str(item.last),
            _format_sum(item.old),
            _format_sum(item.new),
        )
    return table


def _build_moves_table(items: Sequence[NumberChange]) -> Table:
    """Build the table of sums that move because members, such as channels, would be described otherwise."""
    table = Table(box=None, pad_edge=False)
    for number, name in enumerate(("account", "number", "where", "old", "new")):
        table.add_column(name, justify="left" if number < 3 else "right")
    for item in items:
        where = f"{item.attribute} is {item.member}"
        texts = (item.account, f"{item.view}.{item.measure}", where, _format_sum(item.old), _format_sum(item.new))
        table.add_row(*map(format_for_terminal, texts))
    return table


def _format_sum(value: Decimal | None) -> str:
    return "NULL" if value is None else format_decimal(value)


def _format_preview(preview: Preview) -> str:
    """Return the preview as a JSON object, a change a line."""
    changes = ",\n ".join(format_json(asdict(item)) for item in preview.changes)
    failures = format_json([asdict(failure) for failure in preview.failures])
    return f'{{"compared_days": {preview.compared}, "failures": {failures}, "changes": [{changes}]}}'
