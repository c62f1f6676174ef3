"""Asset checks on stores with gaps, failures, doubled grains, unknown keys and unknown channels."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from extractors.windows import Window
from pipelines.loads.run import LoadJob
from pipelines.loads.workspace import build_account_row
from pipelines.orchestration import checks
from tests.pipelines.conftest import DagsterProject
from tests.warehouse.sample import (
    build_chunk_commit,
    build_full_tables,
    build_staged_table,
    consecutive_days,
    open_sample_store,
)
from warehouse.model.schema import fact_table, metadata
from warehouse.records import ReconciliationEntry, SliceFailure
from warehouse.store import Store

FIRST = date(2025, 3, 1)
STARTED = datetime(2025, 3, 20, 7, tzinfo=UTC)
LATER = STARTED + timedelta(minutes=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_sample_store(tmp_path)


@pytest.fixture
def bot(build_dagster_project: Callable[..., DagsterProject]) -> DagsterProject:
    return build_dagster_project("acme-voice", first=FIRST)


def find_reasons(store: Store, job: LoadJob) -> dict[str, str]:
    store.publish()
    outstanding = checks.find_outstanding_slices(store, [job], STARTED, LATER).get(job.account.name, {})
    return {str(day): reason for day, reason in outstanding.items()}


def test_a_slice_is_outstanding_when_it_is_missing_failed_stale_or_its_last_attempt_failed(
    store: Store, bot: DagsterProject
) -> None:
    [account] = bot.config.accounts
    row, job = build_account_row(account), LoadJob(account, tuple(consecutive_days(5)))
    store.set_accounts_and_measures([row], [])
    elsewhere = replace(row, timezone="Asia/Tokyo")
    store.commit(build_chunk_commit(consecutive_days(2), account=row))
    store.commit(build_chunk_commit([job.days[2]], account=elsewhere))
    store.set_accounts_and_measures([row], [])
    store.record_failures([SliceFailure(row, (job.days[1], job.days[3]), "it broke", LATER)])
    reasons = find_reasons(store, job)
    assert list(reasons) == ["2025-03-02", "2025-03-03", "2025-03-04", "2025-03-05"]
    assert reasons["2025-03-02"] == reasons["2025-03-04"] == "it broke"
    assert "another zone" in reasons["2025-03-03"]
    assert "never landed" in reasons["2025-03-05"]


def test_a_settled_slice_is_outstanding_only_when_this_run_failed_to_fetch_it_again(
    store: Store, bot: DagsterProject
) -> None:
    [account] = bot.config.accounts
    row, job = build_account_row(account), LoadJob(account, (FIRST,))
    store.set_accounts_and_measures([row], [])
    store.commit(build_chunk_commit([FIRST], account=row))
    store.record_failures([SliceFailure(row, (FIRST,), "long ago", STARTED - timedelta(days=1))])
    assert find_reasons(store, job) == {}
    store.record_failures([SliceFailure(row, (FIRST,), "by a clock that was ahead", LATER + timedelta(days=400))])
    assert find_reasons(store, job) == {}
    store.record_failures([SliceFailure(row, (FIRST,), "just now", LATER)])
    assert find_reasons(store, job) == {"2025-03-01": "just now"}


def test_an_unexplained_difference_is_a_warning_with_its_numbers(store: Store, bot: DagsterProject) -> None:
    row = build_account_row(bot.config.accounts[0])
    store.set_accounts_and_measures([row], [])
    entry = ReconciliationEntry(FIRST, "conversations", "channels", Decimal(10), Decimal(9), "unexplained", None)
    explained = replace(entry, against="export", verdict="explained", reason="tests")
    store.commit(build_chunk_commit([FIRST], account=row, reconciled=(entry, explained)))
    store.publish()
    result = checks.check_totals(store, "chatcaptain", Window.of_day(FIRST))
    assert not result.passed
    assert result.severity.value == "WARN"
    assert result.metadata["unexplained"].value == 1
    assert checks.check_totals(store, "chatcaptain", Window.of_day(FIRST + timedelta(days=1))).passed


def test_a_doubled_grain_fails_the_check(store: Store, bot: DagsterProject) -> None:
    row = build_account_row(bot.config.accounts[0])
    store.set_accounts_and_measures([row], [])
    store.commit(build_chunk_commit([FIRST], build_full_tables([FIRST]), account=row))
    store.publish()
    tables = [fact_table("channel_daily"), fact_table("conversation_daily"), metadata.tables["dim_channel"]]
    assert all(checks.check_unique_grain(store, table).passed for table in tables)
    with duckdb.connect(store.location) as con:
        con.execute("INSERT INTO star.fact_channel_daily SELECT * FROM fact_channel_daily")
        con.execute("INSERT INTO star.dim_channel SELECT * FROM dim_channel LIMIT 1")
    assert [checks.check_unique_grain(store, table).passed for table in tables] == [False, True, False]


def test_a_key_without_a_dimension_row_fails_the_check(store: Store, bot: DagsterProject) -> None:
    row = build_account_row(bot.config.accounts[0])
    store.commit(build_chunk_commit([FIRST], build_full_tables([FIRST]), account=row))
    store.publish()
    assert checks.check_described_keys(store, fact_table("channel_daily")).passed
    with duckdb.connect(store.location) as con:
        con.execute("DELETE FROM star.dim_channel WHERE channel_code = 'whatsapp'")
    result = checks.check_described_keys(store, fact_table("channel_daily"))
    assert not result.passed
    assert result.description == "Keys that no dimension describes: 1 rows by channel_key."


def test_unknown_channels_are_named(store: Store, bot: DagsterProject) -> None:
    row = build_account_row(bot.config.accounts[0])
    store.set_accounts_and_measures([row], [])
    rows = [{"date": FIRST, "channel_code": code, "conversations": 10} for code in ("webchat", "whatsapp")]
    store.commit(build_chunk_commit([FIRST], {"channel_daily": build_staged_table("channel_daily", rows)}, account=row))
    store.publish()
    assert checks.check_known_channels(store).passed
    with duckdb.connect(store.location) as con:
        con.execute("UPDATE star.dim_channel SET channel = 'other' WHERE channel_code = 'whatsapp'")
    result = checks.check_known_channels(store)
    assert not result.passed
    assert "chatcaptain 50.0%" in str(result.description)
    assert "whatsapp" in str(result.metadata)


def test_an_account_is_behind_when_the_newest_due_day_is_not_loaded(store: Store, bot: DagsterProject) -> None:
    row = build_account_row(bot.config.accounts[0])
    store.set_accounts_and_measures([row], [])
    store.commit(build_chunk_commit([FIRST, FIRST + timedelta(days=2)], account=row))
    store.publish()
    loaded_until, a_day_later = (datetime(2025, 3, day, 12, tzinfo=UTC) for day in (4, 5))
    assert checks.check_freshness(store, bot.config, loaded_until).passed
    late = checks.check_freshness(store, bot.config, a_day_later)
    assert late.metadata["acme-voice"].value == "2025-03-04 is due; the newest loaded day is 2025-03-03"
    gaps = checks.check_gaps(store, bot.config, loaded_until)
    assert gaps.metadata["acme-voice"].value == "1 days missing between 2025-03-02 and 2025-03-02"


def test_a_day_that_is_far_from_its_weekday_is_a_warning(store: Store, bot: DagsterProject) -> None:
    row = build_account_row(bot.config.accounts[0])
    days = [FIRST + timedelta(days=offset) for offset in range(64)]
    rows = [{"date": day, "conversations": 3 if day == days[-2] else 100} for day in days]
    tables = {"conversation_daily": build_staged_table("conversation_daily", rows)}
    store.commit(build_chunk_commit(days, tables, account=row))
    store.publish()
    now = datetime.combine(days[-1], datetime.min.time(), UTC) + timedelta(days=1, hours=12)
    result = checks.check_volumes(store, bot.config, now)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.description == f"acme-voice: {days[-2]:%A} {days[-2]} is unusually low: conversations 3, usually 100."
    assert checks.check_volumes(store, bot.config, now + timedelta(days=20)).passed
