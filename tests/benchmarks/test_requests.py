"""The benchmark of requests counts as the conformance suite does, with the real command."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from benchmarks.requests import ACCOUNTS, SHAPES, count_requests
from extractors.registry import PROVIDERS
from sandbox.server import Sandbox
from sandbox.world import World
from tests.conformance.cases import OVER_TWO_MONTHS
from tests.conformance.cases.chatlayer import LONGEST_SERIES
from tests.support.day_range import DayRange


@pytest.mark.e2e
@pytest.mark.long
def test_the_benchmark_counts_the_same() -> None:
    with Sandbox(World(7, ACCOUNTS), SHAPES) as sandbox:
        assert count_requests(sandbox, ACCOUNTS[0], OVER_TWO_MONTHS) == OVER_TWO_MONTHS.count_months()


def test_every_provider_is_counted() -> None:
    assert {account.provider for account in ACCOUNTS} == set(PROVIDERS)


@pytest.mark.parametrize(
    ("first", "last", "zone", "range_count"),
    [
        (date(2025, 10, 1), date(2025, 10, 31), "UTC", 1),
        (date(2025, 10, 1), date(2025, 10, 31), "Europe/Berlin", 2),  # an hour longer than 31 x 24
        (date(2025, 1, 1), date(2025, 12, 31), "UTC", 12),
    ],
)
def test_the_ranges_of_a_series(first: date, last: date, zone: str, range_count: int) -> None:
    assert DayRange(first, last).count_ranges(LONGEST_SERIES, ZoneInfo(zone)) == range_count
