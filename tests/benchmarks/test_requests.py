"""A back-fill makes exactly the requests that the providers' contracts demand."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from benchmarks.requests import ACCOUNTS, LEAST_REQUESTS, LONG_PAGES, DayRange, count_requests
from sandbox.accounts import SandboxAccount
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import Installation

OVER_TWO_MONTHS = DayRange(date(2025, 3, 28), date(2025, 4, 1))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(7, ACCOUNTS), LONG_PAGES) as running:
        yield running


@pytest.mark.e2e
@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.name)
def test_no_request_is_made_that_is_not_needed(sandbox: Sandbox, tmp_path: Path, account: SandboxAccount) -> None:
    sandbox.request_log.clear()
    Installation(tmp_path, sandbox, [account]).backfill(OVER_TWO_MONTHS.first, OVER_TWO_MONTHS.last)
    assert len(sandbox.requests) == LEAST_REQUESTS[account.provider](sandbox.world, account, OVER_TWO_MONTHS)


@pytest.mark.e2e
@pytest.mark.long
def test_the_benchmark_counts_the_same(sandbox: Sandbox) -> None:
    assert count_requests(sandbox, ACCOUNTS[0], OVER_TWO_MONTHS) == OVER_TWO_MONTHS.count_months()


@pytest.mark.parametrize(
    ("first", "last", "zone", "ranges"),
    [
        (date(2025, 10, 1), date(2025, 10, 31), "UTC", 1),
        (date(2025, 10, 1), date(2025, 10, 31), "Europe/Berlin", 2),  # an hour longer than 31 x 24
        (date(2025, 1, 1), date(2025, 12, 31), "UTC", 12),
    ],
)
def test_the_ranges_of_a_series(first: date, last: date, zone: str, ranges: int) -> None:
    account = SandboxAccount("bot", "chatlayer", zone)
    assert DayRange(first, last).count_series(account.zone) == ranges
