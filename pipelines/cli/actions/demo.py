"""The work of ``chatmart demo``: load invented data from a simulator, from HTTP to SQL, in a folder of its own.

Loading and the report are the same functions as in ``load`` and ``report``; the simulator is ``sandbox``.
"""

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import yaml

from extractors.landing.files import write_private_file
from extractors.windows import Window, today
from pipelines.cli.actions.report import write_report
from pipelines.cli.display.formats import write_result
from pipelines.cli.display.output import print_message
from pipelines.cli.display.paths import shorten_path
from pipelines.cli.options import SANDBOX_PORTS
from pipelines.cli.steps.program_name import name_command
from pipelines.cli.steps.run_with_progress import run_with_progress
from pipelines.configuration import config as configuration
from pipelines.configuration.schema_file import schema_comment
from pipelines.loads.run import LoadJob, run_jobs
from pipelines.loads.workspace import Workspace
from pipelines.report.build import ReportRequest
from sandbox.account import SandboxAccount
from sandbox.config import build_config, build_environment
from sandbox.demo.calendar import DEMO_DAYS
from sandbox.demo.world import (
    build_demo_world,
    build_restated_demo_world,
    choose_first_day,
    label_demo_accounts,
    list_demo_accounts,
    restate_demo_week,
)
from sandbox.remembered import RememberedSandbox, read_remembered, write_remembered
from sandbox.server import Sandbox
from sandbox.truth import compute_truth
from sandbox.world import World

SEED = 7

_TOTALS_QUERY = """
SELECT provider, count(DISTINCT account) AS accounts, count(DISTINCT date) AS days, sum(conversations) AS conversations
FROM conversation_daily GROUP BY provider ORDER BY provider
"""

_EXAMPLE_QUERIES = (
    "select provider, channel, sum(conversations) conversations from channel_daily group by all order by 3 desc",
    "select month, account, days, days_in_month, conversations from conversation_monthly order by all",
    "select account, intent, sum(hits) hits from intent_daily group by all order by hits desc limit 10",
)


def run_demo(folder: Path) -> int:
    """Load the demo's accounts from a simulator into ``folder``, and print queries to try. Returns the exit code.

    A demo that is loaded again has the same numbers, and the days since. Raises OSError when the folder cannot be
    written.
    """
    remembered = read_remembered(folder)
    end = _find_end_of_days()
    first_day = remembered.first_day if remembered else choose_first_day(end)
    window = Window(first_day if remembered else end - timedelta(days=DEMO_DAYS), end)
    world = (build_restated_demo_world if remembered else build_demo_world)(first_day, SEED)
    with _run_sandbox(world, remembered) as sandbox:
        path = write_demo_config(folder, sandbox, tuple(world.accounts.values()), window.start)
        write_remembered(folder, RememberedSandbox(*sandbox.ports, SEED, first_day))
        code, workspace = _load_days(path, window.days())
        if code == 0 and not remembered:
            account, week = restate_demo_week(world, first_day)
            if days := [day for day in week if day in window]:
                print_message(f"{account} now reports other numbers for {days[0]} to {days[-1]}: they are loaded again")
                code, workspace = _load_days(path, days, account)
    if not workspace.stop.is_requested:
        _print_results(workspace, world, window.days())
    return code


def _find_end_of_days() -> date:
    """Return the day after the last one that is over in the zone of every account."""
    now = datetime.now(UTC)
    accounts = list_demo_accounts(now.date())
    return min(today(ZoneInfo(account.timezone), now) for account in accounts)


@contextmanager
def _run_sandbox(world: World, remembered: RememberedSandbox | None) -> Iterator[Sandbox]:
    """Run a sandbox on its earlier ports, else ``SANDBOX_PORTS``; on free ports when another program uses those."""
    ports = (remembered.port, remembered.download_port) if remembered else SANDBOX_PORTS
    try:
        sandbox = Sandbox(world, api_port=ports[0], download_port=ports[1]).start()
    except OSError:
        sandbox = Sandbox(world).start()
    try:
        yield sandbox
    finally:
        sandbox.stop()


def write_demo_config(folder: Path, sandbox: Sandbox, accounts: Sequence[SandboxAccount], first: date) -> Path:
    """Write ``chatmart.yaml`` and a ``.env`` with the sandbox's invented credentials. Returns the configuration's path.

    An account starts on the day ``first``, or on its own first day when that is later. Raises OSError when the folder
    cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    labels = label_demo_accounts(first)
    document = build_config(
        sandbox,
        accounts,
        {
            account.name: {
                "start_date": max(first, account.start_date).isoformat(),
                **({"labels": labels[account.name]} if account.name in labels else {}),
            }
            for account in accounts
        },
        landing="landing",
        warehouse="duckdb://warehouse.duckdb",
        defaults={"rate_limit": {"requests": 1000, "period_seconds": 1}},
    )
    path = folder / "chatmart.yaml"
    header = f"{schema_comment(path.parent.absolute())}\n# Written by `chatmart demo`, for the sandbox.\n"
    path.write_text(header + yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    variables = build_environment(accounts)
    text = "".join(f"{name}={value}\n" for name, value in variables.items())
    write_private_file(folder / ".env", text.encode())
    return path


def _load_days(path: Path, days: Sequence[date], account: str | None = None) -> tuple[int, Workspace]:
    """Load days of all accounts, or of one. Returns the exit code, and the workspace of the load."""
    workspace = Workspace.open(configuration.load_config(path), command="demo")
    accounts = workspace.config.select_accounts([account] if account else ())
    jobs = [
        LoadJob(account, tuple(day for day in days if account.start_date is None or day >= account.start_date))
        for account in accounts
    ]
    return run_with_progress(workspace, lambda observer: run_jobs(workspace, jobs, observer=observer)), workspace


def _print_results(workspace: Workspace, world: World, days: Sequence[date]) -> None:
    """Print totals, the comparison with the simulator, the report's path, and queries to try."""
    write_result(workspace.store.read(_TOTALS_QUERY), "table", sys.stdout)
    click.echo(f"\n{_compare_with_truth(workspace, world, days)}")
    report = write_report(workspace, ReportRequest(workspace.config.accounts))
    click.echo(f"The report is {shorten_path(report)}. Open it in a browser.")
    click.echo(
        f"The warehouse is {shorten_path(workspace.store.location)}. Open it read-only with any DuckDB tool. Try:\n"
    )
    command = name_command(workspace.config.path)
    for query in _EXAMPLE_QUERIES:
        click.echo(f"  {command} sql {shlex.quote(query)}")
    click.echo(f"\nThe providers were simulated. `{command} sandbox` starts them again, for `load` and `backfill`.")


def _compare_with_truth(workspace: Workspace, world: World, days: Sequence[date]) -> str:
    """Return a sentence: for how many accounts and days the conversations are those that the simulator invented."""
    table = workspace.store.read("SELECT account, date, conversations FROM conversation_daily")
    loaded = {(row["account"], row["date"]): row["conversations"] for row in table.to_pylist()}
    true = {
        (name, row["date"]): row["conversations"]
        for name, account in world.accounts.items()
        for row in compute_truth(world, name, "conversation_daily", [day for day in days if day >= account.start_date])
    }
    differing = sum(loaded.get(key) != value for key, value in true.items())
    verdict = "as many conversations as were invented" if not differing else f"{differing} of them differ"
    return f"Compared with the simulator: {len(true)} days of {len(world.accounts)} accounts, {verdict}."
