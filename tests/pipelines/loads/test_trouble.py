"""What goes wrong for one account, or between fetching and loading, and what it leaves."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from extractors import registry
from extractors.http.session import Session
from extractors.landing.batch import Batch
from extractors.landing.zone import BatchWriter, LandingZone
from extractors.windows import Window
from pipelines.loads import run as runs
from pipelines.loads.run import Job, fetch, load_landed
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.sample_world import BERLIN, NEW_YORK, Shop, days

FEW = (date(2026, 1, 1), date(2026, 1, 3))


def test_what_the_fetch_took_as_it_was_is_loaded_however_long_that_takes(shop: Shop) -> None:
    workspace = shop.workspace()
    jobs = [Job(workspace.config.accounts[0], tuple(days(*FEW)))]
    assert fetch(workspace, jobs).ok  # and the run was killed
    shop.clock.advance(6 * 3600 - 600)
    shop.asked()
    started = shop.clock.now()
    assert fetch(shop.workspace(), jobs).ok
    assert shop.asked() == []
    shop.clock.advance(1200)
    [outcome] = load_landed(shop.workspace(), jobs, started).outcomes
    assert (outcome.loaded, outcome.ok) == (3, True)


def test_a_refused_refetch_is_not_hidden_by_what_was_landed_before(shop: Shop, sandbox: Sandbox) -> None:
    workspace = shop.workspace()
    jobs = [Job(workspace.config.accounts[0], tuple(days(*FEW)))]
    assert fetch(workspace, jobs).ok
    shop.clock.advance(600)
    sandbox.fail(Fault(times=99, status=401))
    started = shop.clock.now()
    assert not fetch(shop.workspace(), jobs, refetch=True).ok
    [outcome] = load_landed(shop.workspace(), jobs, started).outcomes
    assert (outcome.loaded, outcome.failed, outcome.ok) == (0, 3, False)
    assert {row.state for row in shop.ledger(BERLIN.name).values()} == {"failed"}


def test_one_accounts_folder_that_cannot_be_read_holds_up_no_other(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.accounts = (BERLIN, NEW_YORK)
    workspace, started = shop.workspace(), shop.clock.now()
    jobs = [Job(each, tuple(days(*FEW))) for each in workspace.config.accounts]
    assert fetch(workspace, jobs).ok
    original = LandingZone.batches

    def batches(self: LandingZone, provider: str, account: str, *more: Any) -> list[Batch]:
        if account == BERLIN.name:
            raise PermissionError(13, "Permission denied", "acme-berlin's folder")
        return original(self, provider, account, *more)

    monkeypatch.setattr(LandingZone, "batches", batches)
    for result in (load_landed(workspace, jobs, started), fetch(workspace, jobs)):
        assert list(result.failed) == [BERLIN.name]
        assert "acme-berlin's folder: Permission denied; see that this user may" in result.failed[BERLIN.name]
    assert len(shop.ledger(NEW_YORK.name)) == 3


def test_a_defect_fails_the_days_that_were_still_to_come(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    known = registry.provider("cognigy")
    counter = known.streams["conversation_counter"]

    async def broken(session: Session, window: Window, writer: BatchWriter) -> dict[str, Any] | None:
        if window.start.month == 1:
            raise RuntimeError("boom")
        return await counter.fetch(session, window, writer)

    changed = replace(known, streams={**known.streams, "conversation_counter": replace(counter, fetch=broken)})
    monkeypatch.setattr(runs, "provider", lambda _name: changed)
    [outcome] = shop.backfill(date(2025, 1, 30), date(2025, 2, 3)).outcomes
    assert (outcome.planned, outcome.loaded, outcome.failed) == (5, 3, 2)
    assert {day.month for day, row in shop.ledger(BERLIN.name).items() if row.error} == {1}
