"""The days that a back-fill has to load, for all accounts at once."""

from datetime import date
from pathlib import Path

import pytest

from extractors.windows import Window
from pipelines.loads.unsettled import plan_unsettled_days
from sandbox.server import Sandbox
from tests.support.sample_world import BERLIN, NEW_YORK, SampleWorld
from warehouse.ledger_store import LedgerStore
from warehouse.store import Store

FIRST, LAST = date(2025, 3, 1), date(2025, 3, 4)
WINDOW = Window(date(2025, 3, 1), date(2025, 3, 6))


@pytest.fixture
def world(tmp_path: Path, sandbox: Sandbox) -> SampleWorld:
    world = SampleWorld(tmp_path, sandbox, accounts=(BERLIN, NEW_YORK), begun=True)
    world.backfill(FIRST, LAST)
    return world


def plan(world: SampleWorld) -> dict[str, list[date]]:
    workspace = world.open_workspace()
    jobs = plan_unsettled_days(workspace, [(account, WINDOW) for account in workspace.config.accounts])
    return {job.account.name: list(job.days) for job in jobs}


def test_the_ledger_of_all_accounts_is_read_once_as_ranges(world: SampleWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    read_ranges, reads = Store.settled_ranges, []

    def count(store: Store, *accounts: str, days: tuple[date, date]) -> object:
        reads.append((accounts, days))
        return read_ranges(store, *accounts, days=days)

    monkeypatch.setattr(Store, "settled_ranges", count)
    monkeypatch.delattr(LedgerStore, "ledger")
    names = [account.name for account in world.open_workspace().config.accounts]
    assert len(names) > 1
    assert plan(world) == {key: [date(2025, 3, 5)] for key in names}
    assert reads == [(tuple(names), (date(2025, 3, 1), date(2025, 3, 5)))]
    assert plan_unsettled_days(world.open_workspace(), []) == []


def test_only_the_account_with_a_damaged_file_loads_its_days_again(world: SampleWorld) -> None:
    workspace = world.open_workspace()
    damaged, *others = [account.name for account in workspace.config.accounts]
    folder = workspace.landing.account_folder(workspace.config.accounts[0].provider, damaged)
    for segment in folder.glob("*.zst"):
        segment.write_bytes(b"")
    assert plan(world) == {damaged: list(WINDOW.days()), **{key: [date(2025, 3, 5)] for key in others}}
