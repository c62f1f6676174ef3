"""Faults of a cluster without a folder in common: objects hold landing zone and lake, PostgreSQL has the locks."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from sandbox.accounts import SAMPLE_ACCOUNTS
from tests.support.cluster_world import ClusterWorld, count_exports, run_cluster_world
from tests.support.flaky_store import run_flaky_store
from tests.support.object_store import BUCKET, start_object_store
from tests.support.postgres import PASSWORD, start_postgres

pytestmark = pytest.mark.long

FIRST, LAST = date(2025, 3, 28), date(2025, 4, 2)


@contextmanager
def run_world(folder: Path, endpoint: str) -> Iterator[ClusterWorld]:
    place = f"{BUCKET}/{folder.name}"
    shared = {
        "landing": f"s3://{place}/landing",
        "warehouse": f"delta+s3://{place}/star",
        "object_store": {"endpoint": endpoint, "allow_http": True},
        "locks": start_postgres().url.replace(PASSWORD, "${LOCKS_PASSWORD}"),
    }
    with run_cluster_world(folder, SAMPLE_ACCOUNTS, FIRST, LAST, shared=shared) as world:
        yield world


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKS_PASSWORD", PASSWORD)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ClusterWorld]:
    with run_world(tmp_path, start_object_store()) as world:
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
    world.run_two_at_once()
    assert world.take_requests() == alone
    assert world.differences() == {}


def test_a_store_that_is_slow_and_fails_now_and_then(tmp_path: Path) -> None:
    with (
        run_flaky_store(start_object_store(), fail_every=5, delay_seconds=0.04) as endpoint,
        run_world(tmp_path, endpoint) as world,
    ):
        alone = world.load_alone()
        done = world.run()
        assert done.returncode == 0, done.stderr
        assert world.take_requests() == alone
        assert world.differences() == {}


def test_the_database_of_the_locks_is_restarted(world: ClusterWorld) -> None:
    alone = world.load_alone()
    process = world.start()
    world.wait_for_exports()
    database = start_postgres()
    database.stop()
    database.start()
    _, err = process.communicate(timeout=300)
    assert process.returncode in (0, 1), err
    assert "the program failed" not in err
    done = world.run()
    assert done.returncode == 0, done.stderr
    requests = world.take_requests()
    assert count_exports(requests) == count_exports(alone) > 0
    assert world.differences() == {}
