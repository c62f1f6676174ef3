from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.account import Account
from extractors.registry import get_provider
from extractors.windows import Window, today
from pipelines.configuration.config import Config
from pipelines.configuration.settings import ProviderTime, Schedule
from pipelines.orchestration.partitions import build_partitions, due_day, plan_ended_days

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
ZONES = ("Pacific/Kiritimati", "Asia/Kolkata", "Europe/Berlin", "UTC", "America/St_Johns", "Pacific/Pago_Pago")
INSTANTS = st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: BEGIN + timedelta(minutes=minutes))
SCHEDULE = Schedule(hour=5, minute=30)


def build_account(name: str, timezone: str, first: str | None = "2024-01-01", lookback: int = 3) -> Account:
    model = get_provider("cognigy").account
    ids = {"project_id": "5f0c2f4e8a1b2c3d4e5f6a7b", "api_key": "invented"}
    return model.model_validate(
        {"name": name, "timezone": timezone, "start_date": first, "lookback_days": lookback, **ids}
    )


def build_config(accounts: Sequence[Account]) -> Config:
    return Config(Path("chatmart.yaml"), Path("landing"), "duckdb://warehouse.duckdb", SCHEDULE, tuple(accounts))


def check_that_yesterday_is_a_partition(zones: set[str], now: datetime) -> None:
    accounts = [build_account(f"a{number}", zone) for number, zone in enumerate(sorted(zones))]
    known = build_partitions(build_config(accounts), "cognigy")
    for account in accounts:
        assert str(today(account.zone, now) - timedelta(days=1)) in known.get_partition_keys(current_time=now)


@settings(max_examples=20, deadline=None)
@given(st.sets(st.sampled_from(ZONES), min_size=1), INSTANTS)
def test_yesterday_is_a_partition_in_every_zone(zones: set[str], now: datetime) -> None:
    check_that_yesterday_is_a_partition(zones, now)


@pytest.mark.long
@settings(deadline=None)
@given(st.sets(st.sampled_from(ZONES), min_size=1), INSTANTS)
def test_yesterday_is_a_partition_at_every_hour_in_every_zone(zones: set[str], now: datetime) -> None:
    check_that_yesterday_is_a_partition(zones, now)


def test_a_day_that_has_ended_nowhere_is_no_partition() -> None:
    known = build_partitions(
        build_config([build_account("a", "UTC"), build_account("b", "America/St_Johns")]), "cognigy"
    )
    assert known.get_partition_keys(current_time=datetime(2025, 3, 31, 23, 59, tzinfo=UTC))[-1] == "2025-03-30"
    assert known.get_partition_keys(current_time=datetime(2025, 4, 1, tzinfo=UTC))[-1] == "2025-03-31"


def test_partitions_begin_with_the_earliest_account() -> None:
    begun = [build_account("a", "UTC", "2025-06-01"), build_account("b", "UTC", None)]
    assert build_partitions(build_config(begun), "cognigy").get_first_partition_key() == "2025-01-01"
    assert build_partitions(build_config(begun[:1]), "cognigy").get_first_partition_key() == "2025-06-01"


def test_a_day_is_loaded_when_it_has_ended_where_the_account_is() -> None:
    accounts = [build_account("east", "Pacific/Kiritimati"), build_account("west", "Pacific/Pago_Pago")]
    jobs = plan_ended_days(accounts, Window(date(2025, 3, 29), date(2025, 4, 2)), datetime(2025, 3, 31, 12, tzinfo=UTC))
    assert {job.account.name: str(job.days[-1]) for job in jobs} == {"east": "2025-03-31", "west": "2025-03-30"}


def test_an_account_without_any_of_the_days_is_left_out() -> None:
    accounts = [build_account("begun", "UTC"), build_account("later", "UTC", "2025-06-01")]
    jobs = plan_ended_days(accounts, Window.of_day(date(2025, 3, 1)), datetime(2025, 7, 1, tzinfo=UTC))
    assert [job.account.name for job in jobs] == ["begun"]


@pytest.mark.parametrize(
    ("now", "due"),
    [("05:29", "2025-03-29"), ("07:29", "2025-03-29"), ("07:30", "2025-03-30"), ("23:59", "2025-03-30")],
)
def test_a_day_is_due_two_hours_after_its_scheduled_load(now: str, due: str) -> None:
    at = datetime.combine(date(2025, 3, 31), time.fromisoformat(now), UTC)
    assert str(due_day(build_account("a", "Europe/Berlin"), SCHEDULE, at)) == due


def test_a_provider_with_a_time_of_its_own_is_due_then() -> None:
    late = Schedule(hour=5, minute=30, providers={"cognigy": ProviderTime(hour=20)})
    assert str(due_day(build_account("a", "UTC"), late, datetime(2025, 3, 31, 12, tzinfo=UTC))) == "2025-03-29"
    assert str(due_day(build_account("a", "UTC"), late, datetime(2025, 3, 31, 22, 30, tzinfo=UTC))) == "2025-03-30"


@given(INSTANTS, st.sampled_from(ZONES))
def test_a_due_day_had_ended_when_its_load_was_scheduled(now: datetime, zone: str) -> None:
    due = due_day(build_account("a", zone), SCHEDULE, now)
    ended = datetime.combine(due + timedelta(days=1), time(), ZoneInfo(zone))
    assert ended + timedelta(hours=2) <= now
