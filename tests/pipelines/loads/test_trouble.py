"""Failures of one account, or between fetching and loading, and the state that they leave."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from extractors import registry
from extractors.http.session import Session
from extractors.landing.batch import Batch
from extractors.landing.writer import BatchWriter
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from pipelines.loads import concurrent_run
from pipelines.loads.run import LoadJob, fetch_jobs, load_landed_batches
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.sample_world import BERLIN, NEW_YORK, SampleWorld, days_between

FEW = (date(2026, 1, 1), date(2026, 1, 3))


def test_a_batch_that_the_fetch_reused_is_loaded_however_long_that_takes(sample_world: SampleWorld) -> None:
    workspace = sample_world.open_workspace()
    jobs = [LoadJob(workspace.config.accounts[0], tuple(days_between(*FEW)))]
    assert fetch_jobs(workspace, jobs).is_ok  # and the run was killed
    sample_world.clock.advance(6 * 3600 - 600)
    sample_world.take_requests()
    started = sample_world.clock.now()
    assert fetch_jobs(sample_world.open_workspace(), jobs).is_ok
    assert sample_world.take_requests() == []
    sample_world.clock.advance(1200)
    [outcome] = load_landed_batches(sample_world.open_workspace(), jobs, started).outcomes
    assert (outcome.loaded, outcome.is_ok) == (3, True)


def test_a_refused_refetch_is_not_hidden_by_what_was_landed_before(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    workspace = sample_world.open_workspace()
    jobs = [LoadJob(workspace.config.accounts[0], tuple(days_between(*FEW)))]
    assert fetch_jobs(workspace, jobs).is_ok
    sample_world.clock.advance(600)
    sandbox.plan_faults(Fault(times=99, status=401))
    started = sample_world.clock.now()
    assert not fetch_jobs(sample_world.open_workspace(), jobs, refetch=True).is_ok
    [outcome] = load_landed_batches(sample_world.open_workspace(), jobs, started).outcomes
    assert (outcome.loaded, outcome.failed, outcome.is_ok) == (0, 3, False)
    assert {row.state for row in sample_world.read_ledger(BERLIN.name).values()} == {"failed"}


def test_an_unreadable_folder_of_one_account_stops_no_other(
    sample_world: SampleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample_world.accounts = (BERLIN, NEW_YORK)
    workspace, started = sample_world.open_workspace(), sample_world.clock.now()
    jobs = [LoadJob(account, tuple(days_between(*FEW))) for account in workspace.config.accounts]
    assert fetch_jobs(workspace, jobs).is_ok
    original = LandingZone.list_batches

    def list_batches(self: LandingZone, provider: str, account: str, *more: Any) -> list[Batch]:
        if account == BERLIN.name:
            raise PermissionError(13, "Permission denied", "acme-berlin's folder")
        return original(self, provider, account, *more)

    monkeypatch.setattr(LandingZone, "list_batches", list_batches)
    for result in (load_landed_batches(workspace, jobs, started), fetch_jobs(workspace, jobs)):
        assert list(result.errors_by_account) == [BERLIN.name]
        assert (
            "acme-berlin's folder: Permission denied; see that this user may" in result.errors_by_account[BERLIN.name]
        )
    assert len(sample_world.read_ledger(NEW_YORK.name)) == 3


def test_a_defect_fails_the_days_that_were_still_to_come(
    sample_world: SampleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = registry.get_provider("cognigy")
    counter = known.streams["conversation_counter"]

    async def fetch_or_fail(session: Session, window: Window, writer: BatchWriter) -> dict[str, Any] | None:
        if window.start.month == 1:
            raise RuntimeError("boom")
        return await counter.fetch(session, window, writer)

    changed = replace(known, streams={**known.streams, "conversation_counter": replace(counter, fetch=fetch_or_fail)})
    monkeypatch.setattr(concurrent_run, "get_provider", lambda _name: changed)
    [outcome] = sample_world.backfill(date(2025, 1, 30), date(2025, 2, 3)).outcomes
    assert (outcome.planned, outcome.loaded, outcome.failed) == (5, 3, 2)
    assert {day.month for day, row in sample_world.read_ledger(BERLIN.name).items() if row.error} == {1}
