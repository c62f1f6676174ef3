"""Loads under a clock that is ahead or behind: later loads ask again, and the newest response counts."""

from datetime import UTC, date, datetime, timedelta

import pytest

from extractors.landing import writer
from pipelines.loads.history import list_landed_days
from pipelines.loads.observer import NullObserver
from pipelines.loads.plan import LoadJob
from pipelines.loads.replay import replay_jobs
from pipelines.loads.run import fetch_jobs, load_landed_batches
from pipelines.loads.status import read_account_statuses
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.clock import FakeClock
from tests.support.sample_world import (
    BERLIN,
    NOW,
    SampleWorld,
    days_between,
    loaded_conversations,
    true_conversations,
)

FIRST, LAST = date(2025, 3, 1), date(2025, 3, 9)
AHEAD = datetime.now(UTC) + timedelta(days=400)
BEHIND = datetime(2025, 3, 11, 12, tzinfo=UTC)


@pytest.fixture
def without_date_header(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the provider send no Date header: nothing but this machine's clock tells the time."""
    monkeypatch.setattr(writer, "parse_date_header", lambda _headers: None)


def load_under(clock_at: datetime, world: SampleWorld, *, refetch: bool = False) -> int:
    """Load under a clock that begins at an instant; return the number of requests."""
    world.clock = FakeClock(clock_at)
    world.take_requests()
    assert world.backfill(FIRST, LAST, refetch=refetch).is_ok
    return len(world.take_requests())


@pytest.mark.usefixtures("without_date_header")
@pytest.mark.parametrize("refetch", [False, True])
@pytest.mark.parametrize("wrong", [AHEAD, BEHIND], ids=["ahead", "behind"])
def test_a_load_after_one_under_a_wrong_clock_asks_and_counts(
    sample_world: SampleWorld, sandbox: Sandbox, wrong: datetime, refetch: bool
) -> None:
    assert load_under(wrong, sample_world) == 1
    sandbox.world.restate(BERLIN.name, LAST, "smaller")
    assert load_under(NOW, sample_world, refetch=refetch) == 1
    assert loaded_conversations(sample_world) == true_conversations(sandbox, FIRST, LAST)


@pytest.mark.usefixtures("without_date_header")
def test_a_refetch_asks_each_time_whatever_the_clock_says(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    for clock_at, change in ((AHEAD, "smaller"), (NOW, "empty"), (BEHIND, "late"), (NOW, "smaller")):
        sandbox.world.restate(BERLIN.name, FIRST, change)
        assert load_under(clock_at, sample_world, refetch=True) == 1
        assert loaded_conversations(sample_world) == true_conversations(sandbox, FIRST, LAST)


def test_two_replays_give_the_tables_of_the_loads(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    for clock_at, change in ((NOW, "late"), (AHEAD, "smaller"), (BEHIND, "empty"), (NOW, "late")):
        sandbox.world.restate(BERLIN.name, FIRST, change)
        load_under(clock_at, sample_world, refetch=True)
    loaded = read_tables(sample_world)
    assert len(loaded["restatement_log"]) > 3
    for _ in range(2):
        replay(sample_world)
        assert read_tables(sample_world) == loaded
    for file in (sample_world.folder / "data").glob("*warehouse.duckdb*"):
        file.unlink()
    replay(sample_world)
    assert read_tables(sample_world) == loaded


@pytest.mark.usefixtures("without_date_header")
def test_a_failure_dated_in_the_future_holds_up_no_day(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    sandbox.plan_faults(Fault(status=403))
    ahead, now = (sample_world.open_workspace(FakeClock(at)) for at in (AHEAD, NOW))
    jobs = [LoadJob(account, tuple(days_between(FIRST, LAST))) for account in now.config.accounts]
    assert not fetch_jobs(ahead, jobs).is_ok
    assert fetch_jobs(now, jobs).is_ok
    assert [outcome.loaded for outcome in load_landed_batches(now, jobs, NOW).outcomes] == [9]


def read_tables(world: SampleWorld) -> dict[str, list[dict[str, object]]]:
    return {**world.read_all_views(), "restatement_log": world.read_view("restatement_log")}


def replay(world: SampleWorld) -> None:
    workspace = world.open_workspace()
    [account] = workspace.config.accounts
    days = tuple(sorted(list_landed_days(account, workspace.landing)))
    assert replay_jobs(workspace, [LoadJob(account, days)], NullObserver()).is_ok


class TestDaysDatedInTheFuture:
    @pytest.fixture(autouse=True)
    def load_ahead(self, sample_world: SampleWorld, without_date_header: None) -> None:
        load_under(AHEAD, sample_world)

    def test_they_are_stale_and_are_loaded_again(self, sample_world: SampleWorld) -> None:
        assert {row.state for row in sample_world.read_ledger(BERLIN.name).values()} == {"stale"}
        assert load_under(NOW, sample_world) == 1
        assert {row.state for row in sample_world.read_ledger(BERLIN.name).values()} == {"settled"}

    def test_a_later_run_is_the_last_one(self, sample_world: SampleWorld) -> None:
        workspace = sample_world.open_workspace()
        load_under(NOW, sample_world)
        [status] = read_account_statuses(workspace.store, workspace.config.accounts, NOW + timedelta(hours=1))
        assert status.last_run is not None
        assert status.last_run["started_at"] == NOW
        assert status.last_loaded_at == NOW


def test_a_day_that_has_not_ended_by_the_provider_s_clock_is_refused(sample_world: SampleWorld) -> None:
    sample_world.clock = FakeClock(AHEAD)
    day = datetime.now(UTC).date() + timedelta(days=3)
    result = sample_world.backfill(day, day)
    assert loaded_conversations(sample_world) == {}
    [outcome] = result.outcomes
    assert f"by its Date header, before {day} had ended in Europe/Berlin" in outcome.errors[0]
    assert "set the machine's clock" in outcome.errors[0]


def test_a_response_is_dated_by_its_provider_when_this_clock_is_ahead(sample_world: SampleWorld) -> None:
    load_under(AHEAD, sample_world)
    for row in sample_world.read_ledger(BERLIN.name).values():
        assert row.state == "settled"
        assert row.fetched_at is not None
        assert abs(row.fetched_at - datetime.now(UTC)) < timedelta(minutes=5)
