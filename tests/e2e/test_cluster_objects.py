"""Faults of a cluster without a folder in common: objects hold landing zone and lake, PostgreSQL has the locks."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from sandbox.accounts import DEMO_ACCOUNTS
from tests.support.cluster_world import ClusterWorld, count_exports, run_cluster_world
from tests.support.object_store import BUCKET, start_object_store
from tests.support.postgres import PASSWORD, start_postgres

pytestmark = pytest.mark.long

FIRST, LAST = date(2025, 3, 28), date(2025, 4, 2)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClusterWorld]:
    monkeypatch.setenv("LOCKS_PASSWORD", PASSWORD)
    place = f"{BUCKET}/{tmp_path.name}"
    shared = {
        "landing": f"s3://{place}/landing",
        "warehouse": f"delta+s3://{place}/star",
        "object_store": {"endpoint": start_object_store(), "allow_http": True},
        "locks": start_postgres().url.replace(PASSWORD, "${LOCKS_PASSWORD}"),
    }
    with run_cluster_world(tmp_path, DEMO_ACCOUNTS, FIRST, LAST, shared=shared) as world:
        yield world


def test_a_worker_without_a_folder_in_common_is_killed(world: ClusterWorld) -> None:
    alone = world.load_alone()
    process = world.start()
    world.wait_for_exports()
    world.cluster.workers[0].kill()
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    requests = world.take_requests()
    assert count_exports(requests) == count_exports(alone) > 0
    assert requests.total() - alone.total() < 40, "only what was under way is requested again"
    assert world.differences() == {}


def test_two_runs_without_a_folder_in_common_send_the_requests_of_one(world: ClusterWorld) -> None:
    alone = world.load_alone()
    processes = [world.start(), world.start()]
    for process in processes:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    assert world.take_requests() == alone
    assert world.differences() == {}
