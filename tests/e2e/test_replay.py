"""A warehouse rebuilt from the landing zone without a provider: its numbers and its bookkeeping tables."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pipelines.configuration import config as configuration
from pipelines.loads.history import list_landed_days
from pipelines.loads.observer import NullObserver
from pipelines.loads.replay import replay_jobs
from pipelines.loads.run import LoadJob
from pipelines.loads.workspace import Workspace
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import Installation, days_from, read_views
from transforms import conform
from warehouse.ddl.views import view_queries
from warehouse.store import open_store

KINDS = {"duckdb": "duckdb://data/warehouse.duckdb", "parquet": "parquet://data/lake", "delta": "delta://data/delta"}
DAYS = days_from(date(2025, 10, 30), 4)
ACCOUNTS = tuple(
    replace(account, daily_conversations=12)
    for account in {account.provider: account for account in SAMPLE_ACCOUNTS}.values()
)
Restatements = Sequence[tuple[int, str]]
ROUNDS: Sequence[Restatements] = (((0, "late"), (1, "empty"), (2, "late")), ((0, "smaller"), (1, "late"), (3, "late")))
SETTINGS = {
    account.name: {"export_poll_seconds": [0.05, 0.1]} for account in ACCOUNTS if account.provider == "chatcaptain"
}
BOOKKEEPING_TABLES = {
    "load_ledger": "SELECT * EXCLUDE (loaded_at, run_id) FROM load_ledger",
    "restatement_log": "FROM restatement_log",
    "reconciliation": "FROM reconciliation",
    "drift": "FROM drift",
}
Contents = dict[str, list[str]]


def read_contents(folder: Path, kind: str) -> Contents:
    store = open_store(KINDS[kind], folder)
    views = read_views(store, view_queries())
    bookkeeping = {name: store.read(query).to_pylist() for name, query in BOOKKEEPING_TABLES.items()}
    return {name: sorted(map(str, rows)) for name, rows in {**views, **bookkeeping}.items()}


def delete_warehouse(folder: Path) -> None:
    for path in (folder / "data").iterdir():
        if path.name != "landing":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def replay_all(folder: Path) -> int:
    workspace = Workspace.open(configuration.load_config(folder / "chatmart.yaml"))
    jobs = [
        LoadJob(account, tuple(sorted(list_landed_days(account, workspace.landing))))
        for account in workspace.config.accounts
    ]
    result = replay_jobs(workspace, jobs, NullObserver())
    assert result.is_ok, [outcome.errors for outcome in result.outcomes]
    return sum(outcome.loaded for outcome in result.outcomes)


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("kind", "days", "rounds"),
    [
        pytest.param("duckdb", DAYS[:2], [((0, "late"), (1, "empty"))], id="two days"),
        pytest.param("duckdb", DAYS, ROUNDS, marks=pytest.mark.long, id="duckdb"),
        pytest.param("parquet", DAYS, ROUNDS, marks=pytest.mark.long, id="parquet"),
        pytest.param("delta", DAYS, ROUNDS, marks=pytest.mark.long, id="delta"),
    ],
)
def test_numbers_and_bookkeeping_are_the_same_after_a_replay(
    tmp_path: Path, kind: str, days: Sequence[date], rounds: Sequence[Restatements]
) -> None:
    with Sandbox(World(5, ACCOUNTS)) as sandbox:
        product = Installation(tmp_path, sandbox, ACCOUNTS, SETTINGS, KINDS[kind])
        assert product.load(days).is_ok
        for changes in rounds:
            for number, how in changes:
                for account in ACCOUNTS:
                    sandbox.world.restate(account.name, days[number], how)
            assert product.load(days, refetch=True).is_ok
        assert product.compare_with_truth(days)[1] == []
    before = read_contents(tmp_path, kind)
    assert len(before["restatement_log"]) > 25 * len(days)
    product.run("replay", "--from", str(days[1]), "--account", "acme-docs")
    assert read_contents(tmp_path, kind) == before
    delete_warehouse(tmp_path)
    assert replay_all(tmp_path) == len(days) * len(ACCOUNTS)
    assert read_contents(tmp_path, kind) == before


@pytest.mark.e2e
def test_a_changed_map_is_as_if_it_had_been_so_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier, later = tmp_path / "earlier", tmp_path / "later"
    with Sandbox(World(5, ACCOUNTS)) as sandbox:
        earlier.mkdir()
        assert Installation(earlier, sandbox, ACCOUNTS, SETTINGS).load(DAYS[:2]).is_ok
        changed_map = {**conform._channels(), "whatsapp": conform.ConformedChannel("teams", "agent", is_test=True)}
        monkeypatch.setattr(conform, "_channels", lambda: changed_map)
        later.mkdir()
        assert Installation(later, sandbox, ACCOUNTS, SETTINGS).load(DAYS[:2]).is_ok
    loaded, expected = (read_contents(folder, "duckdb") for folder in (earlier, later))
    assert loaded["channel_daily"] != expected["channel_daily"]
    replay_all(earlier)
    replayed = read_contents(earlier, "duckdb")
    for name in (*view_queries(), "restatement_log"):
        assert replayed[name] == expected[name], name
