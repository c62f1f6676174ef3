"""A sample world: a folder with a configuration, the sandbox behind it, and a clock that the test advances.

Expectations of tests must not come in.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from extractors.account import Account
from extractors.clock import Clock
from extractors.landing.batch import Batch
from extractors.windows import ONE_DAY, Window
from pipelines.configuration import config as configuration
from pipelines.loads.observer import NullObserver
from pipelines.loads.plan import list_unsettled_days
from pipelines.loads.result import RunResult
from pipelines.loads.run import LoadJob, run_jobs
from pipelines.loads.workspace import Workspace
from sandbox.account import SandboxAccount
from sandbox.config import build_config, build_environment
from sandbox.recorder import RequestRecord
from sandbox.server import Sandbox
from sandbox.truth import compute_truth
from sandbox.world import World
from tests.support.clock import FakeClock
from warehouse.records import LedgerRow
from warehouse.store import open_store

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
BERLIN = SandboxAccount("acme-berlin", "cognigy", "Europe/Berlin", daily_conversations=12)
NEW_YORK = SandboxAccount("acme-york", "cognigy", "America/New_York", daily_conversations=12)
VIEWS = ("conversation_daily", "channel_daily", "metric_daily")


class RecordingObserver(NullObserver):
    """Records the events of a run."""

    def __init__(self) -> None:
        self.plans: dict[str, tuple[int, int]] = {}
        self.batches: list[Batch] = []
        self.failures: list[tuple[str, int, str]] = []

    def on_planned(self, account: Account, slices: int, requests: int) -> None:
        self.plans[account.name] = (slices, requests)

    def on_batch_landed(self, batch: Batch) -> None:
        self.batches.append(batch)

    def on_days_failed(self, account: Account, days: Collection[date], error: str) -> None:
        self.failures.append((account.name, len(days), error))


@cache
def _build_empty_warehouse() -> bytes:
    """Return the private file of an empty warehouse; building one takes longer than loading a month."""
    with TemporaryDirectory() as folder:
        store = open_store("duckdb://warehouse.duckdb", Path(folder))
        store.publish()
        return store.location.read_bytes()


def begin_warehouse(published: Path) -> None:
    """Write an empty private warehouse beside the path at which it is published."""
    published.parent.mkdir(parents=True, exist_ok=True)
    published.with_name(f"_{published.name}.loader").write_bytes(_build_empty_warehouse())


@dataclass
class SampleWorld:
    """With ``begun`` its warehouse exists and is empty; else the first run creates it, as it does for a user."""

    folder: Path
    sandbox: Sandbox
    accounts: Sequence[SandboxAccount] = (BERLIN,)
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    top_level: dict[str, Any] = field(default_factory=dict)
    begun: bool = False

    def __post_init__(self) -> None:
        if self.begun:
            begin_warehouse(self.folder / "data/warehouse.duckdb")

    def configure(self, **extra: Any) -> Path:
        document = build_config(self.sandbox, self.accounts, self.overrides, **{**self.top_level, **extra})
        path = self.folder / "chatmart.yaml"
        path.write_text(yaml.safe_dump(document))
        known = build_environment(self.accounts)
        (self.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in known.items()))
        return path

    def open_workspace(self, clock: Clock | None = None) -> Workspace:
        opened = Workspace.open(configuration.load_config(self.configure()))
        return replace(opened, clock=clock or self.clock)

    def backfill(
        self, first: date, last: date, *, refetch: bool = False, observer: RecordingObserver | None = None
    ) -> RunResult:
        """Load as the command does: settled days are skipped, unless with ``refetch``."""
        workspace = self.open_workspace()
        window = Window(first, last + ONE_DAY)
        jobs = []
        for account in workspace.config.accounts:
            settled = [] if refetch else workspace.store.settled_ranges(account.name)
            jobs.append(LoadJob(account, tuple(list_unsettled_days(account, window, settled))))
        result = run_jobs(workspace, jobs, refetch=refetch, observer=observer)
        self.clock.advance(60)
        return result

    def read_view(self, name: str, where: str = "true") -> list[dict[str, Any]]:
        query = f"SELECT * FROM {name} WHERE {where} ORDER BY ALL"
        rows: list[dict[str, Any]] = self.open_workspace().store.read(query).to_pylist()
        return rows

    def read_all_views(self) -> dict[str, list[dict[str, Any]]]:
        return {name: self.read_view(name) for name in VIEWS}

    def read_ledger(self, account: str) -> dict[date, LedgerRow]:
        return {row.date: row for row in self.open_workspace().store.ledger(account)}

    def take_requests(self) -> list[RequestRecord]:
        """Return the requests since the last call."""
        requests = self.sandbox.requests
        self.sandbox.request_log.requests.clear()
        return requests


@contextmanager
def open_sandbox() -> Iterator[Sandbox]:
    """Open a sandbox with a world of two small accounts that ends at ``NOW``."""
    with Sandbox(World(5, (BERLIN, NEW_YORK), clock=lambda: NOW)) as running:
        yield running


def days_between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def loaded_conversations(sample_world: SampleWorld, account: str = BERLIN.name) -> dict[date, int]:
    return {
        row["date"]: row["conversations"]
        for row in sample_world.read_view("conversation_daily", f"account = '{account}'")
    }


def true_conversations(sandbox: Sandbox, first: date, last: date, account: str = BERLIN.name) -> dict[date, int]:
    rows = compute_truth(sandbox.world, account, "conversation_daily", days_between(first, last))
    return {row["date"]: row["conversations"] for row in rows}
