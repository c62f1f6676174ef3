"""``chatmart status``: the account × day matrix and what is beside it, for people or as JSON. Asking: ``status``."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TextIO

import click
from rich.console import Console
from rich.table import Table

from extractors.redaction import redact
from pipelines.cli.display.tables import make_console
from pipelines.cli.display.values import format_for_terminal
from pipelines.cli.options import accounts_option, providers_option
from pipelines.cli.steps.open_workspace import open_workspace
from pipelines.loads.status import RESTATEMENT_PERIOD, STATES, AccountStatus, StateRange, read_account_statuses
from pipelines.loads.workspace import Workspace

_GAPS = {"missing": "yellow", "failed": "red", "stale": "yellow"}
_MOST = 12  # lines or ranges of one kind; --json and the bookkeeping views hold all of them


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Every day with its state, as JSON.")
@accounts_option
@providers_option
@click.pass_obj
def status(config: str | None, as_json: bool, accounts: Sequence[str], providers: Sequence[str]) -> int:
    """Show which days of each account are loaded, settled, stale, failed or missing; errors, differences and drift.

    It reports what the published warehouse holds and exits with 0 whatever the states are.
    """
    workspace = open_workspace(config, "status")
    chosen = workspace.config.select_accounts(accounts, providers)
    found = read_account_statuses(workspace.store, chosen, workspace.clock.now())
    next_runs = _next_runs(workspace, found)
    if as_json:
        _as_json(found, next_runs, sys.stdout)
    else:
        _as_text(found, next_runs, make_console(sys.stdout))
    return 0


def _next_runs(workspace: Workspace, found: Sequence[AccountStatus]) -> dict[str, datetime]:
    """By provider, when Dagster's schedule starts its daily load next."""
    providers = dict.fromkeys(each.account.provider for each in found)
    schedule, now = workspace.config.schedule, workspace.clock.now()
    return {provider: schedule.provider_time(provider).next_after(now) for provider in providers}


def _as_json(found: Sequence[AccountStatus], next_runs: Mapping[str, datetime], out: TextIO) -> None:
    days: dict[date, str] = {}
    out.write('{"accounts": [')
    for number, each in enumerate(found):
        told = {
            "account": each.account.name,
            "provider": each.account.provider,
            "days": [
                {"date": days.get(day) or days.setdefault(day, day.isoformat()), "state": part.state}
                for part in each.ranges
                for day in part.window.days()
            ],
            "last_error": _error(each),
            "last_loaded": each.last_loaded_at,
            "next_run": next_runs[each.account.provider],
            "unexplained": each.unexplained,
            "restatements": each.restatements,
            "drift": each.drift,
            "last_run": each.last_run and {**each.last_run, "error": _redacted(each.last_run["error"])},
        }
        out.write(("" if number == 0 else ",\n ") + json.dumps(told, ensure_ascii=False, default=format_for_terminal))
    out.write("]}\n")


def _as_text(found: Sequence[AccountStatus], next_runs: Mapping[str, datetime], console: Console) -> None:
    table = Table("account", "provider", "first", "last", *STATES, "last loaded", box=None, pad_edge=False)
    for column in table.columns[4 : 4 + len(STATES)]:
        column.justify = "right"
    for each in found:
        counts, ends = each.days_by_state, ("-", "-")
        if each.ranges:
            ends = (str(each.ranges[0].first), str(each.ranges[-1].last))
        style = "red" if counts["failed"] else "yellow" if counts["missing"] or counts["stale"] else None
        loaded = _minute(each.last_loaded_at) if each.last_loaded_at else "never"
        cells = (each.account.name, each.account.provider, *ends, *(str(counts[state]) for state in STATES), loaded)
        table.add_row(*cells, style=style)
    console.print(table)
    for at in sorted(set(next_runs.values())):
        providers = ", ".join(provider for provider, own in next_runs.items() if own == at)
        console.print(f"next daily load, while Dagster runs: {_minute(at)} ({providers})", soft_wrap=True)
    for each in sorted(found, key=_urgency):
        lines = list(_details(each))
        if lines:
            console.print(f"\n{each.account.name} ({each.account.provider})", style="bold")
        for line, colour in lines:
            console.print(f"  {format_for_terminal(line)}", style=colour, soft_wrap=True)
    if len(found) > 1:
        console.print()
        for line, colour in _summary(found):
            console.print(line, style=colour, soft_wrap=True)


def _urgency(each: AccountStatus) -> int:
    """Who needs somebody stands last, where a terminal ends: failed days after missing ones after none."""
    counts = each.days_by_state
    return 2 if counts["failed"] else 1 if any(counts[state] for state in _GAPS) or not each.ranges else 0


def _summary(found: Sequence[AccountStatus]) -> Iterator[tuple[str, str | None]]:
    """How many accounts have all that is due, and who has not."""
    whole = sum(not _urgency(each) for each in found)
    yield f"{whole} of {len(found)} accounts have every day that is due", None
    for what, colour, names in _lacking(found):
        more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
        yield f"{what}: {', '.join(names[:_MOST])}{more}", colour


def _lacking(found: Sequence[AccountStatus]) -> Iterator[tuple[str, str | None, list[str]]]:
    never = [each.account.name for each in found if not each.ranges]
    if never:
        yield "nothing loaded yet", None, never
    for state, colour in _GAPS.items():
        names = [each.account.name for each in found if each.days_by_state[state]]
        if names:
            yield f"{state} days", colour, names


def _details(told: AccountStatus) -> Iterator[tuple[str, str | None]]:
    """What is not as it should be, a line each, with its colour."""
    for state, colour in _GAPS.items():
        ranges = [each for each in told.ranges if each.state == state]
        if ranges:
            yield f"{state}: {'; '.join(_short([_range(each) for each in ranges]))}", colour
    if told.last_error_at:
        yield f"last error, {_minute(told.last_error_at)}: {_error(told)}", "red"
    run = told.last_run
    if run and run["ended_at"] is None:
        began = f"{run['command']}, begun {_minute(run['started_at'])}"
        yield f"the last run ({began}) has not ended: it is still going, or was killed", "yellow"
    kinds = (
        ("does not add up: {measure} against {against}, {on}", told.unexplained, "yellow"),
        (
            f"restated in the last {RESTATEMENT_PERIOD.days} days: {{view}}.{{measure}}, {{of}} {{on}}",
            told.restatements,
            None,
        ),
        ("drift in {stream}: {kind} {name}, {on}", told.drift, None),
    )
    for text, rows, style in kinds:
        yield from ((line, style) for line in _short([_line(text, row) for row in rows]))


def _line(text: str, row: Mapping[str, Any]) -> str:
    numbers = row.get("numbers")
    on = f"on {_days(row['days'])}"
    if "first" in row:
        on += f" ({_range_text(row['first'], row['last'])})"
    return text.format(**row, on=on, of=f"{numbers} number{'' if numbers == 1 else 's'}")


def _short(lines: list[str]) -> list[str]:
    """The first lines, and how many there are besides."""
    return lines if len(lines) <= _MOST else [*lines[:_MOST], f"and {len(lines) - _MOST} more, see --json"]


def _range(each: StateRange) -> str:
    return f"{_range_text(each.first, each.last)} ({_days(each.day_count)})"


def _range_text(first: date, last: date) -> str:
    return str(first) if first == last else f"{first} to {last}"


def _days(count: int) -> str:
    return f"{count:,} day{'' if count == 1 else 's'}"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}Z"


def _error(told: AccountStatus) -> str | None:
    return _redacted(told.last_error)


def _redacted(sentence: str | None) -> str | None:
    return None if sentence is None else redact(sentence)
