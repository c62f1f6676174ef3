from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractors.landing.zone import LandingZone
from pipelines.loads.run import LoadJob, fetch_jobs, load_landed_batches
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.truth import compute_truth
from tests.support.clock import FakeClock
from tests.support.sample_world import (
    BERLIN,
    NEW_YORK,
    RecordingObserver,
    SampleWorld,
    days_between,
    loaded_conversations,
    true_conversations,
)

FIRST, LAST = date(2025, 3, 1), date(2025, 6, 30)


@pytest.mark.parametrize(
    ("first", "months"), [(date(2025, 11, 1), 2), pytest.param(date(2025, 1, 1), 12, marks=pytest.mark.long)]
)
def test_months_are_a_request_each_and_the_truth(tmp_path: Path, sandbox: Sandbox, first: date, months: int) -> None:
    world, last = SampleWorld(tmp_path, sandbox), date(2025, 12, 31)
    result = world.backfill(first, last)
    count = len(days_between(first, last))
    assert result.is_ok
    assert (result.outcomes[0].planned, result.outcomes[0].loaded, result.outcomes[0].failed) == (count, count, 0)
    assert len(world.take_requests()) == result.stats.requests == months
    assert loaded_conversations(world) == true_conversations(sandbox, first, last)
    channels = compute_truth(sandbox.world, BERLIN.name, "channel_daily", days_between(first, last))
    loaded = world.read_view("channel_daily")
    assert {(r["date"], r["channel_code"], r["conversations"]) for r in loaded} == {
        (r["date"], r["channel_code"], r["conversations"]) for r in channels
    }
    assert {row.state for row in world.read_ledger(BERLIN.name).values()} == {"settled"}


def test_a_settled_day_is_skipped_and_an_unsettled_one_fetched_again(sample_world: SampleWorld) -> None:
    sample_world.backfill(date(2025, 12, 28), date(2026, 1, 9))
    ledger = sample_world.read_ledger(BERLIN.name)
    assert ledger[date(2026, 1, 6)].state == "settled"
    assert ledger[date(2026, 1, 7)].state == "loaded"
    before = sample_world.read_all_views()
    sample_world.take_requests()
    result = sample_world.backfill(date(2025, 12, 28), date(2026, 1, 9))
    assert result.outcomes[0].planned == 3
    assert [record.query for record in sample_world.take_requests()] == ["year=2026&month=1"]
    assert sample_world.read_all_views() == before
    assert sample_world.read_view("restatement_log") == []


def test_everything_is_fetched_again_with_refetch(sample_world: SampleWorld) -> None:
    sample_world.backfill(date(2025, 5, 1), LAST)
    before = sample_world.read_all_views()
    sample_world.take_requests()
    sample_world.backfill(date(2025, 5, 1), LAST, refetch=True)
    assert len(sample_world.take_requests()) == 2
    assert sample_world.read_all_views() == before
    landed = LandingZone(sample_world.folder / "data/landing").list_batches(
        "cognigy", BERLIN.name, "conversation_counter"
    )
    assert len(landed) == 4


def test_some_days_give_the_tables_of_their_days(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> None:
    assert_parts_make_the_whole(tmp_path_factory, sandbox, date(2025, 3, 30), 5, cut=2, singles=3)


@pytest.mark.long
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.dates(date(2025, 1, 1), date(2025, 12, 1)), length=st.integers(2, 45), cut=st.integers(1, 44))
def test_a_range_gives_the_tables_of_its_days(
    tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox, first: date, length: int, cut: int
) -> None:
    assert_parts_make_the_whole(tmp_path_factory, sandbox, first, length, cut, singles=5)


def assert_parts_make_the_whole(
    tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox, first: date, length: int, cut: int, singles: int
) -> None:
    last = first + timedelta(days=length - 1)
    middle = first + timedelta(days=min(cut, length - 1))
    whole, parts, single = (SampleWorld(tmp_path_factory.mktemp("world"), sandbox, begun=True) for _ in range(3))
    whole.backfill(first, last)
    parts.backfill(middle, last)
    parts.backfill(first, middle)
    for day in days_between(first, min(last, first + timedelta(days=singles - 1))):
        single.backfill(day, day)
    assert whole.read_all_views() == parts.read_all_views()
    some = {
        name: [row for row in rows if row["date"] < first + timedelta(days=singles)]
        for name, rows in whole.read_all_views().items()
    }
    assert single.read_all_views() == some


@pytest.mark.parametrize("change", ["smaller", "empty", "late"])
def test_a_restated_day_is_mirrored(sample_world: SampleWorld, sandbox: Sandbox, change: str) -> None:
    first, day, last = date(2025, 3, 1), date(2025, 3, 12), date(2025, 3, 31)
    sample_world.backfill(first, last)
    before = sample_world.read_all_views()
    sandbox.world.restate(BERLIN.name, day, change)
    sample_world.backfill(first, last, refetch=True)
    assert loaded_conversations(sample_world) == true_conversations(sandbox, first, last)
    if change == "empty":
        assert loaded_conversations(sample_world)[day] == 0
        assert sample_world.read_view("channel_daily", f"date = '{day}'") == []
    untouched = {name: [row for row in rows if row["date"] != day] for name, rows in before.items()}
    now = {name: [row for row in rows if row["date"] != day] for name, rows in sample_world.read_all_views().items()}
    assert now == untouched
    logged = sample_world.read_view("restatement_log")
    assert {row["date"] for row in logged} == {day}
    assert ("conversation_daily", "conversations") in {(row["view"], row["measure"]) for row in logged}


def test_a_bad_credential_stops_its_account_only(sample_world: SampleWorld) -> None:
    sample_world.accounts = (BERLIN, NEW_YORK)
    sample_world.backfill(date(2025, 2, 1), date(2025, 2, 28))
    before = sample_world.read_all_views()
    bad = replace(BERLIN, credential="fake-key-that-nobody-knows")
    sample_world.accounts = (bad, NEW_YORK)
    sample_world.take_requests()
    seen = RecordingObserver()
    result = sample_world.backfill(date(2025, 2, 1), date(2025, 4, 30), refetch=True, observer=seen)
    assert not result.is_ok
    berlin, york = result.outcomes
    assert (berlin.loaded, berlin.failed, york.loaded, york.failed) == (0, 89, 89, 0)
    (sentence,) = berlin.errors
    assert sentence.startswith("acme-berlin (cognigy.conversation_counter): HTTP 401")
    assert "check the account's credential" in sentence
    assert bad.credential not in sentence
    assert [record.status for record in sample_world.take_requests()].count(401) == 1
    assert [(name, count) for name, count, _ in seen.failures] == [(BERLIN.name, 30), (BERLIN.name, 59)]
    ledger = sample_world.read_ledger(BERLIN.name)
    assert ledger[date(2025, 3, 1)].state == "failed"
    assert ledger[date(2025, 2, 1)].state == "settled"
    assert ledger[date(2025, 2, 1)].error == ledger[date(2025, 3, 1)].error == sentence
    kept = [row for row in sample_world.read_view("conversation_daily") if row["account"] == BERLIN.name]
    assert kept == [row for row in before["conversation_daily"] if row["account"] == BERLIN.name]


def test_one_month_that_fails_leaves_the_others(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    sandbox.plan_faults(
        Fault(path="month=6", times=50, status=500), Fault(path="month=3", status=400, body='{"detail": "no"}')
    )
    result = sample_world.backfill(FIRST, LAST)
    (outcome,) = result.outcomes
    assert (outcome.loaded, outcome.failed, outcome.is_ok) == (30 + 31, 61, False)
    assert len(outcome.errors) == 2
    assert set(loaded_conversations(sample_world)) == {
        day for day in days_between(FIRST, LAST) if day.month not in (3, 6)
    }
    assert {day.month for day, row in sample_world.read_ledger(BERLIN.name).items() if row.state == "failed"} == {3, 6}
    sandbox.request_log.faults.clear()
    sample_world.take_requests()
    assert sample_world.backfill(FIRST, LAST).is_ok
    assert sorted(record.query for record in sample_world.take_requests()) == ["year=2025&month=3", "year=2025&month=6"]
    assert loaded_conversations(sample_world) == true_conversations(sandbox, FIRST, LAST)
    assert not any(row.error for row in sample_world.read_ledger(BERLIN.name).values())


def test_a_wrong_project_is_requested_once(sample_world: SampleWorld) -> None:
    sample_world.overrides = {BERLIN.name: {"project_id": "0" * 24}}
    (outcome,) = sample_world.backfill(FIRST, LAST).outcomes
    assert (outcome.loaded, outcome.failed) == (0, 122)
    assert len(sample_world.take_requests()) == 1
    assert "HTTP 404, the provider says: no project" in outcome.errors[0]


def test_a_far_limit_is_deferred_and_the_rest_loaded_later(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    sandbox.plan_faults(Fault(status=429, headers={"retry-after": "3600"}, skip=3))
    (outcome,) = sample_world.backfill(date(2025, 2, 1), LAST).outcomes
    assert outcome.loaded == 91
    assert len(outcome.errors) == 1
    assert "run the same command again after that" in outcome.errors[0]
    assert len(sample_world.take_requests()) == 4
    sample_world.clock.advance(3600)
    assert sample_world.backfill(date(2025, 2, 1), LAST).is_ok
    assert len(sample_world.take_requests()) == 2
    assert loaded_conversations(sample_world) == true_conversations(sandbox, date(2025, 2, 1), LAST)


def test_a_response_of_another_shape_fails_its_month_and_is_kept(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    sandbox.plan_faults(Fault(path="month=6", status=200, body='{"items": "soon"}'))
    (outcome,) = sample_world.backfill(FIRST, LAST).outcomes
    assert (outcome.loaded, outcome.failed) == (92, 30)
    assert "field $.items: is not an array, saw 'soon'" in outcome.errors[0]
    batches = LandingZone(sample_world.folder / "data/landing").list_batches(
        "cognigy", BERLIN.name, "conversation_counter"
    )
    assert len(batches) == 4
    sample_world.take_requests()
    assert sample_world.backfill(FIRST, LAST).is_ok
    assert [record.query for record in sample_world.take_requests()] == ["year=2025&month=6"]


def test_a_damaged_batch_is_fetched_again(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    workspace = sample_world.open_workspace()
    (account,) = workspace.config.accounts
    month = tuple(days_between(date(2025, 3, 1), date(2025, 3, 31)))
    assert fetch_jobs(workspace, [LoadJob(account, month)]).is_ok
    (landed,) = (sample_world.folder / "data/landing").rglob("*.zst")
    landed.write_bytes(landed.read_bytes()[:-20])
    sample_world.clock.advance(60)
    sample_world.take_requests()
    (outcome,) = sample_world.backfill(month[0], month[-1]).outcomes
    assert (outcome.loaded, outcome.failed) == (31, 0)
    assert len(sample_world.take_requests()) == 1
    assert loaded_conversations(sample_world) == true_conversations(sandbox, month[0], month[-1])


def test_a_landed_batch_that_is_not_loaded_is_loaded_and_not_fetched(sample_world: SampleWorld) -> None:
    workspace = sample_world.open_workspace()
    (account,) = workspace.config.accounts
    assert fetch_jobs(workspace, [LoadJob(account, tuple(days_between(date(2025, 2, 1), date(2025, 3, 31))))]).is_ok
    assert len(sample_world.take_requests()) == 2
    sample_world.clock.advance(3600)
    assert sample_world.backfill(date(2025, 1, 1), date(2025, 3, 31)).is_ok
    assert [record.query for record in sample_world.take_requests()] == ["year=2025&month=1"]


def test_a_batch_landed_long_ago_is_fetched_again(sample_world: SampleWorld) -> None:
    workspace = sample_world.open_workspace()
    (account,) = workspace.config.accounts
    fetch_jobs(workspace, [LoadJob(account, tuple(days_between(date(2025, 2, 1), date(2025, 2, 28))))])
    sample_world.clock.advance(6 * 3600 + 1)
    sample_world.take_requests()
    sample_world.backfill(date(2025, 2, 1), date(2025, 2, 28))
    assert len(sample_world.take_requests()) == 1


def test_fetching_and_loading_apart(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    workspace = sample_world.open_workspace()
    (account,) = workspace.config.accounts
    started = sample_world.clock.now()
    jobs = [LoadJob(account, tuple(days_between(date(2025, 2, 1), date(2025, 3, 31))))]
    sandbox.plan_faults(Fault(path="month=2", times=50, status=500))
    result = fetch_jobs(workspace, jobs)
    assert [outcome.failed for outcome in result.outcomes] == [28]
    assert len(result.outcomes[0].errors) == 1
    sample_world.clock.advance(60)
    (outcome,) = load_landed_batches(sample_world.open_workspace(), jobs, started).outcomes
    assert (outcome.loaded, outcome.failed) == (31, 28)
    assert set(loaded_conversations(sample_world)) == set(days_between(date(2025, 3, 1), date(2025, 3, 31)))


def test_another_zone_makes_older_slices_stale_and_is_loaded_anew(sample_world: SampleWorld) -> None:
    march = (date(2025, 3, 1), date(2025, 3, 31))
    sample_world.backfill(*march)
    sample_world.overrides = {BERLIN.name: {"timezone": "Asia/Tokyo"}}
    sample_world.take_requests()
    sample_world.backfill(date(2025, 4, 1), date(2025, 4, 2))
    assert {row.state for day, row in sample_world.read_ledger(BERLIN.name).items() if day.month == 3} == {"stale"}
    sample_world.take_requests()
    sample_world.backfill(*march)
    assert len(sample_world.take_requests()) == 1
    assert {row.state for row in sample_world.read_ledger(BERLIN.name).values()} == {"settled"}


def test_a_fake_clock_runs_no_real_time(sample_world: SampleWorld) -> None:
    clock = FakeClock(sample_world.clock.now())
    workspace = sample_world.open_workspace(clock)
    (account,) = workspace.config.accounts
    sample_world.sandbox.plan_faults(Fault(status=429, headers={"retry-after": "30"}))
    assert fetch_jobs(workspace, [LoadJob(account, (date(2025, 3, 1),))]).is_ok
    assert clock.elapsed_seconds >= 30
