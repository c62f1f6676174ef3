from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from extractors.windows import Window
from pipelines.loads.run import Job
from pipelines.loads.workspace import account_row
from pipelines.orchestration import checks
from tests.pipelines.conftest import Orchestrated
from tests.warehouse.sample import chunk, days, full_tables, staged, store_at
from warehouse.model.schema import fact, metadata
from warehouse.records import Reconciled, SliceFailure
from warehouse.store import Store

FIRST = date(2025, 3, 1)
STARTED = datetime(2025, 3, 20, 7, tzinfo=UTC)
LATER = STARTED + timedelta(minutes=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_at(tmp_path)


@pytest.fixture
def bot(orchestrate: Callable[..., Orchestrated]) -> Orchestrated:
    return orchestrate("acme-voice", first=FIRST)


def reasons(store: Store, job: Job) -> dict[str, str]:
    store.publish()
    found = checks.outstanding(store, [job], STARTED).get(job.account.name, {})
    return {str(day): reason for day, reason in found.items()}


def test_a_slice_is_outstanding_when_it_is_missing_failed_stale_or_its_last_attempt_failed(
    store: Store, bot: Orchestrated
) -> None:
    [account] = bot.config.accounts
    row, job = account_row(account), Job(account, tuple(days(5)))
    store.describe([row], [])
    elsewhere = replace(row, timezone="Asia/Tokyo")
    store.commit(chunk(days(2), account=row))
    store.commit(chunk([job.days[2]], account=elsewhere))
    store.describe([row], [])
    store.record_failures([SliceFailure(row, (job.days[1], job.days[3]), "it broke", LATER)])
    found = reasons(store, job)
    assert list(found) == ["2025-03-02", "2025-03-03", "2025-03-04", "2025-03-05"]
    assert found["2025-03-02"] == found["2025-03-04"] == "it broke"
    assert "another zone" in found["2025-03-03"]
    assert "never landed" in found["2025-03-05"]


def test_a_settled_slice_is_outstanding_only_when_this_run_failed_to_fetch_it_again(
    store: Store, bot: Orchestrated
) -> None:
    [account] = bot.config.accounts
    row, job = account_row(account), Job(account, (FIRST,))
    store.describe([row], [])
    store.commit(chunk([FIRST], account=row))
    store.record_failures([SliceFailure(row, (FIRST,), "long ago", STARTED - timedelta(days=1))])
    assert reasons(store, job) == {}
    store.record_failures([SliceFailure(row, (FIRST,), "just now", LATER)])
    assert reasons(store, job) == {"2025-03-01": "just now"}


def test_an_unexplained_difference_is_a_warning_with_its_numbers(store: Store, bot: Orchestrated) -> None:
    row = account_row(bot.config.accounts[0])
    store.describe([row], [])
    line = Reconciled(FIRST, "conversations", "channels", Decimal(10), Decimal(9), "unexplained", None)
    explained = replace(line, against="export", verdict="explained", reason="tests")
    store.commit(chunk([FIRST], account=row, reconciled=(line, explained)))
    store.publish()
    result = checks.reconciled(store, "chatcaptain", Window.of_day(FIRST))
    assert not result.passed
    assert result.severity.value == "WARN"
    assert result.metadata["unexplained"].value == 1
    assert checks.reconciled(store, "chatcaptain", Window.of_day(FIRST + timedelta(days=1))).passed


def test_a_doubled_grain_is_seen(store: Store, bot: Orchestrated) -> None:
    row = account_row(bot.config.accounts[0])
    store.describe([row], [])
    store.commit(chunk([FIRST], full_tables([FIRST]), account=row))
    store.publish()
    tables = [fact("channel_daily"), fact("conversation_daily"), metadata.tables["dim_channel"]]
    assert all(checks.unique_grain(store, table).passed for table in tables)
    with duckdb.connect(store.location) as con:
        con.execute("INSERT INTO fact_channel_daily SELECT * FROM fact_channel_daily")
        con.execute("INSERT INTO dim_channel SELECT * FROM dim_channel LIMIT 1")
    assert [checks.unique_grain(store, table).passed for table in tables] == [False, True, False]


def test_a_key_that_nothing_describes_is_seen(store: Store, bot: Orchestrated) -> None:
    row = account_row(bot.config.accounts[0])
    store.commit(chunk([FIRST], full_tables([FIRST]), account=row))
    store.publish()
    assert checks.described_keys(store, fact("channel_daily")).passed
    with duckdb.connect(store.location) as con:
        con.execute("DELETE FROM dim_channel WHERE channel_code = 'whatsapp'")
    result = checks.described_keys(store, fact("channel_daily"))
    assert not result.passed
    assert result.description == "Keys that no dimension describes: 1 rows by channel_key."


def test_channels_that_the_map_does_not_know_are_named(store: Store, bot: Orchestrated) -> None:
    row = account_row(bot.config.accounts[0])
    store.describe([row], [])
    rows = [{"date": FIRST, "channel_code": code, "conversations": 10} for code in ("webchat", "whatsapp")]
    store.commit(chunk([FIRST], {"channel_daily": staged("channel_daily", rows)}, account=row))
    store.publish()
    assert checks.known_channels(store).passed
    with duckdb.connect(store.location) as con:
        con.execute("UPDATE dim_channel SET channel = 'other' WHERE channel_code = 'whatsapp'")
    result = checks.known_channels(store)
    assert not result.passed
    assert "chatcaptain 50.0%" in str(result.description)
    assert "whatsapp" in str(result.metadata)


def test_an_account_is_behind_when_the_newest_due_day_is_not_loaded(store: Store, bot: Orchestrated) -> None:
    row = account_row(bot.config.accounts[0])
    store.describe([row], [])
    store.commit(chunk([FIRST, FIRST + timedelta(days=2)], account=row))
    store.publish()
    loaded_until, a_day_later = (datetime(2025, 3, day, 12, tzinfo=UTC) for day in (4, 5))
    assert checks.fresh(store, bot.config, loaded_until).passed
    late = checks.fresh(store, bot.config, a_day_later)
    assert late.metadata["acme-voice"].value == "2025-03-04 is due, and 2025-03-03 is the newest that is loaded"
    gaps = checks.without_gaps(store, bot.config, loaded_until)
    assert gaps.metadata["acme-voice"].value == "1 days missing between 2025-03-02 and 2025-03-02"
