"""The work of ``chatmart demo``: load invented data from a simulator, from HTTP to SQL, in a folder of its own.

Loading and the report are the same functions as in ``load`` and ``report``; the simulator is ``sandbox``.
"""

import shlex
import sys
from collections.abc import Iterator
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
from pipelines.cli.options import SANDBOX_PORTS
from pipelines.cli.steps.run_with_progress import run_with_progress
from pipelines.configuration import config as configuration
from pipelines.configuration.schema_file import schema_comment
from pipelines.loads.run import LoadJob, run_jobs
from pipelines.loads.workspace import Workspace
from pipelines.report.build import ReportRequest
from sandbox.accounts import DEMO_ACCOUNTS
from sandbox.config import build_config, build_environment
from sandbox.server import Sandbox

DEMO_DAYS = 60
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
    """Load the demo's accounts from a simulator into ``folder``, and print queries to try. Returns the exit code."""
    end = min(today(ZoneInfo(account.timezone), datetime.now(UTC)) for account in DEMO_ACCOUNTS)
    window = Window(end - timedelta(days=DEMO_DAYS), end)  # the last day is over in every account's zone
    with _run_sandbox() as sandbox:
        path = write_demo_config(folder, sandbox, window.start)
        workspace = Workspace.open(configuration.load_config(path), command="demo")
        jobs = [LoadJob(account, tuple(window.days())) for account in workspace.config.accounts]
        code = run_with_progress(workspace, lambda observer: run_jobs(workspace, jobs, observer=observer))
    if workspace.stop.is_requested:
        return code
    write_result(workspace.store.read(_TOTALS_QUERY), "table", sys.stdout)
    report = write_report(workspace, ReportRequest(workspace.config.accounts))
    click.echo(f"\nThe report is {_shorten_path(report)}. Open it in a browser.")
    click.echo(
        f"The warehouse is {_shorten_path(workspace.store.location)}. Open it read-only with any DuckDB tool. Try:\n"
    )
    for query in _EXAMPLE_QUERIES:
        click.echo(f"  {_program_name()} --config {path} sql {shlex.quote(query)}")
    click.echo(
        f"\nThe providers were simulated. `{_program_name()} sandbox` starts them again, for `load` and `backfill`."
    )
    return code


@contextmanager
def _run_sandbox() -> Iterator[Sandbox]:
    """Run a sandbox on ``SANDBOX_PORTS``, or on free ports when another program uses those."""
    try:
        sandbox = Sandbox(api_port=SANDBOX_PORTS[0], download_port=SANDBOX_PORTS[1]).start()
    except OSError:
        sandbox = Sandbox().start()
    try:
        yield sandbox
    finally:
        sandbox.stop()


def write_demo_config(folder: Path, sandbox: Sandbox, first: date) -> Path:
    """Write ``chatmart.yaml`` and a ``.env`` with the sandbox's invented credentials. Returns the configuration's path.

    ``first`` is the accounts' start date. Raises OSError when the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    overrides = {account.name: {"start_date": first.isoformat()} for account in DEMO_ACCOUNTS}
    document = build_config(
        sandbox,
        DEMO_ACCOUNTS,
        overrides,
        landing="landing",
        warehouse="duckdb://warehouse.duckdb",
        defaults={"rate_limit": {"requests": 1000, "period_seconds": 1}},
    )
    path = folder / "chatmart.yaml"
    header = f"{schema_comment(path.parent.absolute())}\n# Written by `chatmart demo`, for the sandbox.\n"
    path.write_text(header + yaml.safe_dump(document, sort_keys=False))
    variables = build_environment(DEMO_ACCOUNTS)
    text = "".join(f"{name}={value}\n" for name, value in variables.items())
    write_private_file(folder / ".env", text.encode())
    return path


def _program_name() -> str:
    local = Path(".venv/bin/chatmart")
    return str(local) if local.exists() else "chatmart"


def _shorten_path(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
