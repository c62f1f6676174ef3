"""Volume checks, with medians and deviations that are computed by hand."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from extractors.cognigy.account import CognigyAccount
from pipelines.configuration.alert_settings import VolumeCheck
from pipelines.loads.volume import LEAST_WEEKS, UnusualNumber, describe_unusual_numbers, read_unusual_numbers
from pipelines.loads.workspace import build_account_row
from tests.warehouse.sample import build_chunk_commit, build_staged_table, open_sample_store
from warehouse.store import Store

NOW = datetime(2025, 3, 31, 12, tzinfo=UTC)
SUNDAY = date(2025, 3, 30)  # the newest local day
THURSDAY = date(2025, 3, 27)
THURSDAYS = (100, 102, 98, 101, 99, 100, 103, 97)  # median 100, median absolute deviation 1.5: the least share counts


def build_account(name: str = "acme") -> CognigyAccount:
    return CognigyAccount.model_validate({"name": name, "project_id": "0" * 24, "api_key": "fake-key"})


def list_days(first: date, count: int) -> list[date]:
    return [first + timedelta(days=offset) for offset in range(count)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_sample_store(tmp_path)


def load(store: Store, numbers: Mapping[date, Mapping[str, int | None]], name: str = "acme") -> None:
    rows = [{"date": day, **values} for day, values in numbers.items()]
    tables = {"conversation_daily": build_staged_table("conversation_daily", rows)}
    store.commit(build_chunk_commit(list(numbers), tables, account=build_account_row(build_account(name))))
    store.publish()


def load_history(store: Store, count: Callable[[date], int], *, days: int = 80, **changes: int) -> None:
    """Load days up to the newest; ``changes`` are other counts by day, as in ``d20250327``."""
    history = list_days(SUNDAY - timedelta(days=days - 1), days)
    load(store, {day: {"conversations": changes.get(f"d{day:%Y%m%d}", count(day))} for day in history})


def find(store: Store, **settings: float) -> list[UnusualNumber]:
    return read_unusual_numbers(store, [build_account()], NOW, VolumeCheck.model_validate(settings))


def week_of(day: date) -> int:
    """A usual week: working days have about 100, Saturdays 40, Sundays 25."""
    return (100, 100, 100, 100, 100, 40, 25)[day.weekday()]


@pytest.mark.parametrize(
    ("count", "is_unusual"), [(0, True), (59, True), (60, False), (140, False), (141, True), (900, True)]
)
def test_a_day_is_compared_with_the_median_of_its_weekday(store: Store, count: int, is_unusual: bool) -> None:
    # spread: max(1.4826 * 1.5, sqrt(100), 0.1 * 100) = 10; unusual is what is more than 4 * 10 away from 100
    thursdays = {THURSDAY - timedelta(weeks=back): number for back, number in enumerate(THURSDAYS, 1)}
    load(store, {day: {"conversations": number} for day, number in {**thursdays, THURSDAY: count}.items()})
    numbers = find(store)
    assert bool(numbers) == is_unusual
    if is_unusual:
        assert numbers == [UnusualNumber(THURSDAY, "cognigy", "acme", "conversations", count, 100, 8)]


def test_numbers_that_vary_may_vary(store: Store) -> None:
    # median 1000; deviations 500, 400, 300, 200, 200, 300, 400, 500: their median is 350, spread 518.9, limit 2075.6
    counts = (500, 600, 700, 800, 1200, 1300, 1400, 1500)
    thursdays = {THURSDAY - timedelta(weeks=back): number for back, number in enumerate(counts, 1)}
    for count, expected in ((3075, 0), (3076, 1)):
        load(store, {day: {"conversations": number} for day, number in {**thursdays, THURSDAY: count}.items()})
        assert len(find(store)) == expected


def test_an_outage_and_a_campaign_are_found_and_weekends_are_not(store: Store) -> None:
    load_history(store, week_of, d20250327=3, d20250329=400)
    campaign, outage = find(store)
    assert (outage.date, outage.value, outage.usual, outage.is_low) == (THURSDAY, 3, 100, True)
    assert (campaign.date, campaign.value, campaign.usual, campaign.is_low) == (date(2025, 3, 29), 400, 40, False)
    assert describe_unusual_numbers([campaign, outage]) == [
        "acme: Saturday 2025-03-29 is unusually high: conversations 400, usually 40.",
        "acme: Thursday 2025-03-27 is unusually low: conversations 3, usually 100.",
    ]


def test_one_outlier_does_not_hide_or_cause_another(store: Store) -> None:
    load_history(store, week_of, d20250320=2, d20250313=900, d20250327=100)
    assert [number.date for number in find(store)] == [date(2025, 3, 20)]


@pytest.mark.parametrize("weekly_growth", [1.05, 0.95, 1.15])
def test_a_trend_is_not_unusual(store: Store, weekly_growth: float) -> None:
    first = SUNDAY - timedelta(days=79)
    load_history(store, lambda day: math.ceil(10 * week_of(day) * weekly_growth ** ((day - first).days / 7)))
    assert find(store) == []


def test_young_accounts_and_small_counts_are_silent(store: Store) -> None:
    load_history(store, week_of, days=7 * LEAST_WEEKS, d20250327=0)
    assert find(store) == []
    load_history(store, lambda _day: 18, d20250327=0)
    assert find(store) == []
    assert [number.date for number in find(store, min_count=18)] == [THURSDAY]


def test_a_number_that_is_not_reported_is_not_low(store: Store) -> None:
    history = list_days(SUNDAY - timedelta(days=79), 80)
    load(store, {day: {"conversations": None if day == THURSDAY else 100, "messages": 0} for day in history})
    assert find(store) == []


def test_the_check_can_be_turned_off_and_tuned(store: Store) -> None:
    assert find(store) == []
    load_history(store, week_of, d20250327=50)
    assert len(find(store)) == 1
    assert find(store, deviations=6) == []
    assert find(store, enabled=False) == []
    assert read_unusual_numbers(store, [build_account("other")], NOW, VolumeCheck()) == []
