"""The work of ``chatmart status``: print the state of each account's days, its errors and differences, as text or JSON.

What must not come in: the queries behind it, which are in ``pipelines.loads.status``.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from extractors.foreign_text import clean_line
from pipelines.cli.display.tables import make_console
from pipelines.cli.display.values import dump_json, format_for_terminal
from pipelines.cli.steps.open_workspace import open_workspace
from pipelines.loads.attention import AccountProblem, find_problems, write_banner_of
from pipelines.loads.failures import MAX_DETAIL
from pipelines.loads.status import RESTATEMENT_PERIOD, STATES, AccountStatus, StateRange, read_account_statuses
from pipelines.loads.volume import UnusualNumber, describe_unusual_numbers, read_unusual_numbers
from pipelines.loads.workspace import Workspace

_GAPS = {"missing": "yellow", "failed": "red", "stale": "yellow"}
"""States that need attention, with their colours."""

_MAX_LINES = 12
"""Lines or ranges of one kind that the text shows; --json and the bookkeeping views hold all of them."""

_MAX_WRAPPED = 200
"""Accounts whose lines are wrapped to fit into a terminal."""

_COLUMNS = ("account", "provider", "first", "last", *STATES, "last loaded")
_STATE_COLUMNS = slice(4, 4 + len(STATES))

Line = tuple[str, str | None]
"""A line of text and its colour."""


def print_status(config: str | None, as_json: bool, accounts: Sequence[str], providers: Sequence[str]) -> int:
    """Print the state of each account's days, as text or JSON. Returns the exit code."""
    workspace = open_workspace(config, "status", needs_secrets=False)
    chosen = workspace.config.select_accounts(accounts, providers)
    statuses = read_account_statuses(workspace.store, chosen, workspace.clock.now())
    settings, now = workspace.config.settings, workspace.clock.now()
    problems = find_problems(statuses, now, settings.catch_up_days)
    unusual = read_unusual_numbers(workspace.store, chosen, now, settings.volume_check)
    next_runs = _next_runs(workspace, statuses)
    if as_json:
        _write_json(statuses, problems, unusual, next_runs, sys.stdout)
    else:
        console = make_console(sys.stdout)
        _print_banner(problems, console)
        _print_warnings(unusual, console)
        _print_text(statuses, next_runs, console)
    return 0


def _next_runs(workspace: Workspace, statuses: Sequence[AccountStatus]) -> dict[str, datetime]:
    """Return by provider the instant (UTC) at which Dagster's schedule starts the next daily load."""
    providers = dict.fromkeys(status.account.provider for status in statuses)
    schedule, now = workspace.config.schedule, workspace.clock.now()
    return {provider: schedule.provider_time(provider).next_after(now) for provider in providers}


def _write_json(
    statuses: Sequence[AccountStatus],
    problems: Sequence[AccountProblem],
    unusual: Sequence[UnusualNumber],
    next_runs: Mapping[str, datetime],
    out: TextIO,
) -> None:
    texts_by_day: dict[date, str] = {}
    out.write('{"accounts": [')
    for number, status in enumerate(statuses):
        document = {
            "account": status.account.name,
            "provider": status.account.provider,
            "days": [
                {"date": texts_by_day.get(day) or texts_by_day.setdefault(day, day.isoformat()), "state": part.state}
                for part in status.ranges
                for day in part.window.days()
            ],
            "last_error": _clean_optional(status.last_error),
            "last_loaded": status.last_loaded_at,
            "next_run": next_runs[status.account.provider],
            "unexplained": status.unexplained,
            "restatements": status.restatements,
            "drift": status.drift,
            "last_run": status.last_run and {**status.last_run, "error": _clean_optional(status.last_run["error"])},
        }
        text = dump_json(document, default=format_for_terminal)
        out.write(("" if number == 0 else ",\n ") + text)
    items = [{"accounts": problem.accounts, "sentence": problem.sentence} for problem in problems]
    out.write('],\n "needs_somebody": ' + dump_json(items))
    numbers = [{**asdict(number), "date": number.date.isoformat()} for number in unusual]
    out.write(',\n "unusual_numbers": ' + dump_json(numbers) + "}\n")


def _print_banner(problems: Sequence[AccountProblem], console: Console) -> None:
    """Print what needs somebody, before everything else."""
    headline, *sentences = write_banner_of(problems) or [""]
    if headline:
        console.print(headline, style="bold red", soft_wrap=True)
        for sentence in sentences:
            console.print(f"  {format_for_terminal(sentence)}", style="red", soft_wrap=True)
        console.print()


def _print_warnings(unusual: Sequence[UnusualNumber], console: Console) -> None:
    """Print the days that are far from what their weekday usually is: a warning, nothing has failed."""
    lines = _limit_lines(describe_unusual_numbers(unusual))
    if lines:
        console.print("Unusual numbers of the last two weeks; nothing failed:", style="yellow", soft_wrap=True)
        for line in lines:
            console.print(f"  {format_for_terminal(line)}", style="yellow", soft_wrap=True)
        console.print()


def _print_text(statuses: Sequence[AccountStatus], next_runs: Mapping[str, datetime], console: Console) -> None:
    _print_table(statuses, console)
    for instant in sorted(set(next_runs.values())):
        providers = ", ".join(provider for provider, next_run in next_runs.items() if next_run == instant)
        console.print(f"next daily load, while Dagster runs: {_format_minute(instant)} ({providers})", soft_wrap=True)
    for status in sorted(statuses, key=_urgency):
        lines = list(_detail_lines(status))
        if lines:
            console.print(f"\n{status.account.name} ({status.account.provider})", style="bold")
        for line, colour in lines:
            console.print(f"  {format_for_terminal(line)}", style=colour, soft_wrap=True)
    if len(statuses) > 1:
        console.print()
        for line, colour in _summary_lines(statuses):
            console.print(line, style=colour, soft_wrap=True)


def _print_table(statuses: Sequence[AccountStatus], console: Console) -> None:
    """Print a line for each account; a few are wrapped to fit into a terminal, which costs a millisecond each."""
    rows = [_table_row(status) for status in statuses]
    if console.is_terminal and len(rows) <= _MAX_WRAPPED:
        table = Table(*_COLUMNS, box=None, pad_edge=False)
        for column in table.columns[_STATE_COLUMNS]:
            column.justify = "right"
        for cells, colour in rows:
            table.add_row(*cells, style=colour)
        console.print(table)
        return
    widths = [max(map(cell_len, column)) for column in zip(_COLUMNS, *(cells for cells, _ in rows), strict=True)]
    for cells, style in ((_COLUMNS, "bold"), *rows):
        padded = [cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)]
        padded[_STATE_COLUMNS] = [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)][_STATE_COLUMNS]
        console.print("  ".join(padded), style=style, soft_wrap=True)


def _table_row(status: AccountStatus) -> tuple[tuple[str, ...], str | None]:
    """Return the cells of an account, and their colour."""
    counts, ends = status.days_by_state, ("-", "-")
    if status.ranges:
        ends = (str(status.ranges[0].first), str(status.ranges[-1].last))
    colour = "red" if counts["failed"] else "yellow" if counts["missing"] or counts["stale"] else None
    loaded = _format_minute(status.last_loaded_at) if status.last_loaded_at else "never"
    account, state_counts = status.account, (str(counts[state]) for state in STATES)
    return (account.name, account.provider, *ends, *state_counts, loaded), colour


def _urgency(status: AccountStatus) -> int:
    """Sort accounts that need attention last, next to the prompt: first complete ones, then missing, then failed."""
    counts = status.days_by_state
    return 2 if counts["failed"] else 1 if any(counts[state] for state in _GAPS) or not status.ranges else 0


def _summary_lines(statuses: Sequence[AccountStatus]) -> Iterator[Line]:
    """Yield how many accounts are complete, then the names of those that are not, by reason."""
    complete = sum(not _urgency(status) for status in statuses)
    yield f"{complete} of {len(statuses)} accounts have every day that is due", None
    for reason, colour, names in _accounts_with_gaps(statuses):
        more = f" and {len(names) - _MAX_LINES} more" if len(names) > _MAX_LINES else ""
        yield f"{reason}: {', '.join(names[:_MAX_LINES])}{more}", colour


def _accounts_with_gaps(statuses: Sequence[AccountStatus]) -> Iterator[tuple[str, str | None, list[str]]]:
    """Yield each kind of gap with its colour and the names of the accounts that have it."""
    never_loaded = [status.account.name for status in statuses if not status.ranges]
    if never_loaded:
        yield "nothing loaded yet", None, never_loaded
    for state, colour in _GAPS.items():
        names = [status.account.name for status in statuses if status.days_by_state[state]]
        if names:
            yield f"{state} days", colour, names


def _detail_lines(status: AccountStatus) -> Iterator[Line]:
    """Yield a line for everything about an account that may need attention."""
    for state, colour in _GAPS.items():
        ranges = [_format_range(part) for part in status.ranges if part.state == state]
        if ranges:
            yield f"{state}: {'; '.join(_limit_lines(ranges))}", colour
    if status.last_error_at:
        yield f"last error, {_format_minute(status.last_error_at)}: {_clean_optional(status.last_error)}", "red"
    run = status.last_run
    if run and run["ended_at"] is None:
        start = f"{run['command']}, started {_format_minute(run['started_at'])}"
        yield f"the last run ({start}) has not ended: it is running, or was killed", "yellow"
    restated = f"restated in the last {RESTATEMENT_PERIOD.days} days"
    kinds = (
        ("unexplained difference: {measure} against {against}, {on}", status.unexplained, "yellow"),
        (f"{restated}: {{view}}.{{measure}}, {{of}} {{on}}", status.restatements, None),
        ("drift in {stream}: {kind} {name}, {on}", status.drift, None),
    )
    for template, rows, style in kinds:
        yield from ((line, style) for line in _limit_lines([_format_finding(template, row) for row in rows]))


def _format_finding(template: str, row: Mapping[str, Any]) -> str:
    """Fill a template with a difference, restatement or drift: its own fields, its days, its count of numbers."""
    numbers = row.get("numbers")
    on = f"on {_format_day_count(row['days'])}"
    if "first" in row:
        on += f" ({_format_dates(row['first'], row['last'])})"
    return template.format(**row, on=on, of=f"{numbers} number{'' if numbers == 1 else 's'}")


def _limit_lines(lines: list[str]) -> list[str]:
    """Return the first ``_MAX_LINES`` lines, and one with the number of the others."""
    return (
        lines if len(lines) <= _MAX_LINES else [*lines[:_MAX_LINES], f"and {len(lines) - _MAX_LINES} more, see --json"]
    )


def _format_range(part: StateRange) -> str:
    return f"{_format_dates(part.first, part.last)} ({_format_day_count(part.day_count)})"


def _format_dates(first: date, last: date) -> str:
    return str(first) if first == last else f"{first} to {last}"


def _format_day_count(count: int) -> str:
    return f"{count:,} day{'' if count == 1 else 's'}"


def _format_minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}Z"


def _clean_optional(sentence: str | None) -> str | None:
    return None if sentence is None else clean_line(sentence, MAX_DETAIL)
