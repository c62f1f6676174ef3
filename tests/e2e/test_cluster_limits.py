"""A documented limit that accounts share, counted by the simulator, which answers 429 to whatever is beyond it."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from extractors.registry import get_provider
from sandbox.account import SandboxAccount
from sandbox.request_limit import RequestLimit
from tests.support.cluster_world import ClusterWorld, run_cluster_world

pytestmark = pytest.mark.long

SALES = tuple(SandboxAccount(name, "chatdash", "Europe/Berlin") for name in ("acme-sales", "globex-sales"))
BOT = SandboxAccount("acme-bot", "chatlayer", "UTC")
FIRST, LAST = date(2025, 3, 1), date(2025, 4, 9)
REQUESTS = 80
"""One for each account and day: more than the limit of a minute, and less than that of two."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ClusterWorld]:
    with run_cluster_world(tmp_path, (*SALES, BOT), FIRST, LAST, rate_limit={}) as world:
        yield world


def begin_limit(world: ClusterWorld) -> RequestLimit:
    """Let the simulator count by the provider's documented limit."""
    documented = get_provider("chatdash").limits
    assert documented.requests == 60
    limit = RequestLimit(documented.requests, documented.period_seconds)
    world.sandbox.request_log.limits["chatdash"] = limit
    return limit


def count_statuses(world: ClusterWorld) -> dict[int, int]:
    records = world.sandbox.request_log.select("chatdash")
    return {status: sum(record.status == status for record in records) for status in {200, 429}}


def test_two_workers_keep_a_limit_that_accounts_share(world: ClusterWorld) -> None:
    limit = begin_limit(world)
    done = world.run()
    assert done.returncode == 0, done.stderr
    assert "shard chatdash-0 (2 accounts): 80 of 80 slices loaded" in done.stderr
    assert count_statuses(world) == {200: REQUESTS, 429: 0}
    assert limit.most_in_a_period == limit.requests, "as fast as the limit allows, and never faster"


def test_two_runs_on_the_cluster_keep_it(world: ClusterWorld) -> None:
    limit = begin_limit(world)
    world.run_two_at_once()
    assert count_statuses(world) == {200: REQUESTS, 429: 0}
    assert limit.most_in_a_period == limit.requests


def test_two_runs_of_the_same_days_on_one_machine_keep_it(world: ClusterWorld) -> None:
    limit = begin_limit(world)
    world.run_two_at_once("alone")
    assert count_statuses(world) == {200: REQUESTS, 429: 0}
    assert limit.most_in_a_period == limit.requests


def test_two_runs_of_different_accounts_heed_the_answers_of_the_provider(world: ClusterWorld) -> None:
    """Each process counts its own requests: together they send more, are told so, and lose nothing."""
    limit = begin_limit(world)
    world.run_two_at_once("alone", *(("--account", account.name) for account in SALES))
    statuses = count_statuses(world)
    assert statuses[200] == REQUESTS
    assert 0 < statuses[429] < 20
    assert limit.most_in_a_period > limit.requests
