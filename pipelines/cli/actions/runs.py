"""The work of ``chatmart runs``: print the history of runs, or the accounts of one run, as text or JSON.

What must not come in: the queries behind it, which are in ``pipelines.loads.run_history``.
"""

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from extractors.errors import ConfigError
from extractors.foreign_text import clean_line
from pipelines.cli.display.estimate import format_duration
from pipelines.cli.display.tables import make_console
from pipelines.cli.display.values import dump_json, format_for_terminal
from pipelines.cli.steps.open_workspace import open_workspace
from pipelines.loads.failures import MAX_DETAIL
from pipelines.loads.run_history import (
    FAILED,
    INTERRUPTED,
    NOT_ENDED,
    PARTLY_FAILED,
    AccountRun,
    RunTotals,
    find_run_ids,
    read_account_runs,
    read_runs,
)
from pipelines.loads.workspace import Workspace

LAST = "last"
"""The argument that stands for the newest run."""

_ID_LENGTH = 8
_NO_RUNS = "no run is recorded yet: `chatmart load` or `chatmart backfill` starts one"
_COLOURS = {FAILED: "red", PARTLY_FAILED: "red", INTERRUPTED: "yellow", NOT_ENDED: "yellow"}


def print_runs(config: str | None, limit: int, as_json: bool, accounts: Sequence[str], providers: Sequence[str]) -> int:
    """Print at most ``limit`` runs, newest first. Returns the exit code."""
    workspace = open_workspace(config, "runs", needs_secrets=False)
    totals = read_runs(workspace.store, limit=limit, accounts=_choose_accounts(workspace, accounts, providers))
    if as_json:
        click.echo(f'{{"runs": {_format_list([_describe_totals(run) for run in totals])}}}')
    elif totals:
        console = make_console(sys.stdout)
        console.print(f"last run: {_summarise(totals[0])}", style=_COLOURS.get(totals[0].result), soft_wrap=True)
        console.print(_build_runs_table(totals))
    else:
        click.echo(_NO_RUNS)
    return 0


def print_run(config: str | None, run: str, as_json: bool, accounts: Sequence[str], providers: Sequence[str]) -> int:
    """Print the work of one run for each account. Returns the exit code.

    ``run`` is the beginning of the run's id, or ``LAST``. Raises ConfigError for an unknown or ambiguous beginning.
    """
    workspace = open_workspace(config, "runs", needs_secrets=False)
    names = _choose_accounts(workspace, accounts, providers)
    [totals] = read_runs(workspace.store, limit=1, accounts=names, run_id=_find_run_id(workspace, run, names))
    rows = read_account_runs(workspace.store, totals.run_id, names)
    if as_json:
        accounts_text = _format_list([_describe_account(row) for row in rows])
        click.echo(f'{{"run": {_format_object(_describe_totals(totals))},\n "accounts": {accounts_text}}}')
    else:
        _print_account_runs(totals, rows, make_console(sys.stdout))
    return 0


def _choose_accounts(workspace: Workspace, accounts: Sequence[str], providers: Sequence[str]) -> Collection[str] | None:
    """Return the names of the chosen accounts; None without a choice: then removed accounts count too."""
    if not accounts and not providers:
        return None
    return [account.name for account in workspace.config.select_accounts(accounts, providers)]


def _find_run_id(workspace: Workspace, run: str, accounts: Collection[str] | None) -> str:
    if run == LAST:
        run_ids = [totals.run_id for totals in read_runs(workspace.store, limit=1, accounts=accounts)]
    else:
        run_ids = find_run_ids(workspace.store, run, accounts)
    if not run_ids:
        problem = _NO_RUNS if run == LAST else f"no run has an id that begins with {run!r}: `chatmart runs` lists them"
        raise ConfigError([problem])
    if len(run_ids) > 1:
        raise ConfigError([f"several runs have ids that begin with {run!r}: give more of the id"])
    return run_ids[0]


def _print_account_runs(totals: RunTotals, rows: Sequence[AccountRun], console: Console) -> None:
    console.print(f"run {totals.run_id}: {_summarise(totals)}", style=_COLOURS.get(totals.result), soft_wrap=True)
    console.print(_build_accounts_table(rows))
    console.print(
        f"{totals.requests:,} requests, {totals.retries:,} retries, {decimal(totals.bytes)} received, "
        f"{_format_seconds(totals.waited_seconds)} waited for limits, {totals.rows:,} rows",
        soft_wrap=True,
    )
    for row in rows:
        if row.error is not None:
            sentence = clean_line(row.error, MAX_DETAIL)
            sentence = sentence if sentence.startswith(row.account) else f"{row.account}: {sentence}"
            console.print(format_for_terminal(sentence), style=_COLOURS.get(row.result), soft_wrap=True)


def _summarise(run: RunTotals) -> str:
    """Return the answer in one line: command, start, result, days, duration."""
    accounts = f"{run.accounts:,} account{'' if run.accounts == 1 else 's'}"
    days = f"{run.loaded:,} of {run.planned:,} days loaded"
    start = f"{run.command}, {_format_minute(run.started_at)}"
    if run.seconds is None:
        return f"{start}, {accounts}: {days} so far; it is running, or was killed"
    if run.failed_accounts:
        accounts = f"failed for {run.failed_accounts:,} of {accounts}"
    elif run.result == INTERRUPTED:
        accounts += ", interrupted"
    return f"{start}, {accounts}: {days} in {_format_seconds(run.seconds)}"


def _build_runs_table(totals: Sequence[RunTotals]) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, name in enumerate(
        ("run", "started", "command", "result", "took", "loaded", "failed", "requests", "received")
    ):
        table.add_column(name, justify="left" if number < 4 else "right")
    for run in totals:
        table.add_row(
            run.run_id[:_ID_LENGTH],
            _format_minute(run.started_at),
            format_for_terminal(run.command),
            _format_result(run),
            _format_seconds(run.seconds),
            str(run.loaded),
            str(run.failed),
            str(run.requests),
            decimal(run.bytes),
            style=_COLOURS.get(run.result),
        )
    return table


def _format_result(run: RunTotals) -> str:
    return f"{run.failed_accounts} of {run.accounts} failed" if run.failed_accounts else run.result


def _build_accounts_table(rows: Sequence[AccountRun]) -> Table:
    table = Table(box=None, pad_edge=False)
    names = ("account", "provider", "result", "took", "loaded", "failed", "requests", "retries", "received", "waited")
    for number, name in enumerate(names):
        table.add_column(name, justify="left" if number < 3 else "right")
    for row in rows:
        table.add_row(
            format_for_terminal(row.account),
            row.provider,
            row.result,
            _format_seconds(row.seconds),
            f"{row.loaded}/{row.planned}",
            str(row.failed),
            str(row.requests),
            str(row.retries),
            decimal(row.bytes),
            _format_seconds(row.waited_seconds),
            style=_COLOURS.get(row.result),
        )
    return table


def _describe_totals(run: RunTotals) -> dict[str, Any]:
    return {**asdict(run), "result": run.result, "seconds": run.seconds}


def _describe_account(row: AccountRun) -> dict[str, Any]:
    error = None if row.error is None else clean_line(row.error, MAX_DETAIL)
    return {**asdict(row), "seconds": row.seconds, "error": error}


def _format_list(items: Sequence[Mapping[str, Any]]) -> str:
    """Return a JSON list with one object a line."""
    return "[" + ",\n ".join(map(_format_object, items)) + "]"


def _format_object(item: Mapping[str, Any]) -> str:
    return dump_json(item, default=format_for_terminal)


def _format_minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}Z"


def _format_seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s" if seconds < 60 else format_duration(seconds)
