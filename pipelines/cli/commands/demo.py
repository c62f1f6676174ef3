"""``chatmart demo``: the main job on invented data, from HTTP to SQL, in a folder of its own."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import yaml

from extractors.windows import Window, today
from pipelines.cli.commands.report import write_report
from pipelines.cli.display.formats import write_result
from pipelines.cli.steps.run_with_progress import run_with_progress
from pipelines.configuration import config as configuration
from pipelines.configuration.json_schema import schema_comment
from pipelines.loads.run import LoadJob, run_jobs
from pipelines.loads.workspace import Workspace
from pipelines.report.build import ReportRequest
from sandbox.accounts import DEMO_ACCOUNTS
from sandbox.config import build_config, build_environment
from sandbox.server import Sandbox

DEMO_FOLDER = Path("data/demo")
DEMO_DAYS = 60
SANDBOX_PORTS = (8600, 8601)
"""Of the sandbox, so that later commands with the demo's configuration find it where ``chatmart sandbox`` listens."""

_TOTALS = """
SELECT provider, count(DISTINCT account) AS accounts, count(DISTINCT date) AS days, sum(conversations) AS conversations
FROM conversation_daily GROUP BY provider ORDER BY provider
"""

_TO_TRY = (
    "select provider, channel, sum(conversations) conversations from channel_daily group by all order by 3 desc",
    "select monthname(date) as month, provider, sum(conversations) from conversation_daily group by all order by all",
    "select account, intent, sum(hits) hits from intent_daily group by all order by hits desc limit 10",
)


@click.command()
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=DEMO_FOLDER, show_default=True)
def demo(folder: Path) -> int:
    """Load 60 days of 7 invented accounts at five providers, and show what to ask."""
    end = min(today(ZoneInfo(account.timezone), datetime.now(UTC)) for account in DEMO_ACCOUNTS)
    window = Window(end - timedelta(days=DEMO_DAYS), end)  # up to a yesterday that is over in every account's zone
    with _sandbox() as sandbox:
        path = write_demo_config(folder, sandbox, window.start)
        workspace = Workspace.open(configuration.load_config(path), command="demo")
        jobs = [LoadJob(account, tuple(window.days())) for account in workspace.config.accounts]
        code = run_with_progress(workspace, lambda observer: run_jobs(workspace, jobs, observer=observer))
    if workspace.stop.is_requested:
        return code
    write_result(workspace.store.read(_TOTALS), "table", sys.stdout)
    written = write_report(workspace, ReportRequest(workspace.config.accounts))
    click.echo(f"\nThe report is {_shortest(written)}: open it in a browser.")
    click.echo(f"The warehouse is {_shortest(workspace.store.location)}; any DuckDB tool opens it, read-only. Try:\n")
    for query in _TO_TRY:
        click.echo(f"  {_program()} --config {path} sql {shlex.quote(query)}")
    click.echo(
        f"\nThe providers were invented ones: `{_program()} sandbox` starts them again, for `load` and `backfill`."
    )
    return code


@contextmanager
def _sandbox() -> Iterator[Sandbox]:
    """A sandbox on the ports where later commands look for it; on free ones when another program has those."""
    try:
        sandbox = Sandbox(api_port=SANDBOX_PORTS[0], download_port=SANDBOX_PORTS[1]).start()
    except OSError:
        sandbox = Sandbox().start()
    try:
        yield sandbox
    finally:
        sandbox.stop()


def write_demo_config(folder: Path, sandbox: Sandbox, first: date) -> Path:
    """Write the demo's own configuration, and a ``.env`` with the sandbox's invented credentials."""
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
    head = f"{schema_comment(path.parent.absolute())}\n# Written by `chatmart demo`, for the sandbox.\n"
    path.write_text(head + yaml.safe_dump(document, sort_keys=False))
    variables = build_environment(DEMO_ACCOUNTS)
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    return path


def _program() -> str:
    local = Path(".venv/bin/chatmart")
    return str(local) if local.exists() else "chatmart"


def _shortest(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
