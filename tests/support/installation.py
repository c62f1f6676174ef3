"""A configured product beside a running sandbox, for end-to-end tests: its commands, its views, its comparison.

`run` runs a command in this process, `run_process` in one of its own: a start takes 2.5 CPU seconds.
"""

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from extractors.clock import SYSTEM_CLOCK, Clock
from pipelines.configuration import config as configuration
from pipelines.loads.result import RunResult
from pipelines.loads.run import LoadJob, run_jobs
from pipelines.loads.workspace import Workspace
from sandbox.account import SandboxAccount
from sandbox.config import build_config, build_environment
from sandbox.server import Sandbox
from sandbox.truth import VIEWS, compute_truth
from tests.support.command import CommandResult, run_as_if_alone
from warehouse.store import Store, open_store

CHATMART = Path(sys.executable).with_name("chatmart")

_VIEWED_METRICS = ("end_reason", "topic", "tokens", "type", "inbox")  # the truth has them in their own views only


@dataclass
class Installation:
    """A folder with a configuration for the accounts of a sandbox."""

    folder: Path
    sandbox: Sandbox
    accounts: Sequence[SandboxAccount]
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    warehouse_url: str = "duckdb://data/warehouse.duckdb"
    rate_limit: Mapping[str, Any] = field(default_factory=lambda: {"requests": 100_000, "period_seconds": 1})

    def __post_init__(self) -> None:
        self.configure()

    def configure(self, **extra: Any) -> None:
        document = build_config(
            self.sandbox,
            self.accounts,
            self.overrides,
            **{"warehouse": self.warehouse_url, "defaults": {"rate_limit": dict(self.rate_limit)}, **extra},
        )
        (self.folder / "chatmart.yaml").write_text(yaml.safe_dump(document))

    @property
    def store(self) -> Store:
        return open_store(self.warehouse_url, self.folder)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **build_environment(self.accounts), "CHATMART_CONFIG": str(self.folder / "chatmart.yaml")}

    def run(self, *arguments: str, exit_code: int = 0) -> CommandResult:
        """Run a command in this process as the installed program would run it; checks its exit code."""
        return _check_exit_code(run_as_if_alone(arguments, self.environment, self.folder), exit_code)

    def run_process(self, *arguments: str, exit_code: int = 0) -> CommandResult:
        """Run a command by the installed program, as users do; checks its exit code."""
        done = subprocess.run(
            [CHATMART, *arguments], env=self.environment, cwd=self.folder, text=True, capture_output=True, check=False
        )
        return _check_exit_code(CommandResult(done.returncode, done.stdout, done.stderr), exit_code)

    def backfill(self, first: date, last: date, *more: str, exit_code: int = 0) -> CommandResult:
        return self.run("backfill", "--from", str(first), "--to", str(last), *more, exit_code=exit_code)

    def load(self, days: Sequence[date], *, refetch: bool = False, clock: Clock = SYSTEM_CLOCK) -> RunResult:
        """Load local days as `backfill` does, without the command line; returns the outcome by account."""
        secrets = build_environment(self.accounts)
        (self.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in secrets.items()))
        workspace = replace(Workspace.open(configuration.load_config(self.folder / "chatmart.yaml")), clock=clock)
        jobs = [LoadJob(account, tuple(days)) for account in workspace.config.accounts]
        return run_jobs(workspace, jobs, refetch=refetch)

    def query(self, query: str) -> list[dict[str, Any]]:
        """Return the rows of `chatmart sql --format json`."""
        rows: list[dict[str, Any]] = json.loads(self.run("sql", query, "--format", "json").out)
        return rows

    def read_view(self, name: str, account: str) -> list[dict[str, Any]]:
        return self.read_rows([name])[name].get(account, [])

    def compare_with_truth(self, days: Iterable[date], views: Iterable[str] = VIEWS) -> tuple[int, list[str]]:
        """Return the number of rows compared over all accounts, and a line for each row that only one side has."""
        compared, lines = 0, []
        wanted = list(days)
        for view, rows in self.read_rows(list(views)).items():
            for account in self.accounts:
                expected, loaded = self.compute_truth_rows(account, view, wanted), rows.get(account.name, [])
                expected = _sum_over("language_code", expected) if view == "team_daily" else expected
                columns = sorted(expected[0] if expected else loaded[0] if loaded else ())
                left, right = (Counter(to_plain_row(row, columns) for row in side) for side in (expected, loaded))
                compared += sum((left | right).values())
                lines += [f"{view} only in truth: {dict(zip(columns, row, strict=True))}" for row in left - right]
                lines += [f"{view} only loaded: {dict(zip(columns, row, strict=True))}" for row in right - left]
        return compared, lines

    def read_unexplained(self) -> list[str]:
        """Return a line for each row of the reconciliation without an explanation."""
        table = self.store.read("SELECT * EXCLUDE (provider) FROM reconciliation WHERE verdict = 'unexplained'")
        return [f"unexplained: {row}" for row in table.to_pylist()]

    def read_all_views(self) -> dict[str, list[str]]:
        """Return the sorted rows of all views as text, for comparing two warehouses."""
        return {view: sorted(map(str, rows)) for view, rows in read_views(self.store, VIEWS).items()}

    def read_rows(self, views: Sequence[str]) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """Return the rows by view and account."""
        by_account: dict[str, dict[str, list[dict[str, Any]]]] = {view: defaultdict(list) for view in views}
        for view, rows in read_views(self.store, views).items():
            for row in rows:
                if view != "metric_daily" or row["metric"] not in _VIEWED_METRICS:
                    by_account[view][row["account"]].append(row)
        return by_account

    def compute_truth_rows(self, account: SandboxAccount, view: str, days: Sequence[date]) -> list[dict[str, Any]]:
        """Compute the truth under the account's settings; `team_daily` has `language_code`, which no view has."""
        settings, world = self.overrides.get(account.name, {}), self.sandbox.world
        streams = settings.get("streams", ["conversation_totals"] if settings.get("detail") is False else None)
        conversation_ids = settings.get("conversation_ids", ())
        if "events" in (streams or ()):
            since_the_day_before = days_from(days[0] - timedelta(days=1), len(days) + 1)
            by_day = world.conversations_by_day(account.name, since_the_day_before)
            conversation_ids = [conversation.id for _, conversations in by_day for conversation in conversations]
        return compute_truth(
            world,
            account.name,
            view,
            days,
            streams=streams,
            shapes=self.sandbox.shapes,
            conversation_ids=conversation_ids,
            keep_message_texts=settings.get("privacy", {}).get("message_texts") == "keep",
        )


def read_views(store: Store, views: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Read the rows of all views in one query, which starts the engine once instead of once per view."""
    lists = ", ".join(f"(SELECT coalesce(list(v), []) FROM {view} AS v) AS {view}" for view in views)
    [rows_by_view] = store.read(f"SELECT {lists}").to_pylist()
    return dict(rows_by_view)


def days_from(first: date, count: int) -> list[date]:
    """List `count` days from `first` on."""
    return [first + timedelta(days=number) for number in range(count)]


def _check_exit_code(result: CommandResult, code: int) -> CommandResult:
    assert result.exit_code == code, f"exit {result.exit_code}\n{result.out}\n{result.err}"
    return result


def _sum_over(column: str, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Sum the rows over a column that the view does not have."""
    sums: Counter[tuple[tuple[str, Any], ...]] = Counter()
    for row in rows:
        sums[tuple((name, row[name]) for name in row if name not in (column, "conversations"))] += row["conversations"]
    return [{**dict(key), "conversations": number} for key, number in sums.items()]


def to_plain_row(row: Mapping[str, Any], columns: Iterable[str]) -> tuple[str, ...]:
    return tuple(_to_plain_text(row[column]) for column in columns)


def _to_plain_text(value: Any) -> str:
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return format(Decimal(value).normalize(), "f")
    if isinstance(value, datetime):
        return str(value.timestamp())
    return repr(value)
