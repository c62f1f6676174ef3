"""Faults of a cluster: each is compared with a load on one machine, and exports are counted: nothing lost or extra."""

import signal
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from sandbox.accounts import SAMPLE_ACCOUNTS
from tests.support.cluster_world import ClusterWorld, count_exports, run_cluster_world

pytestmark = pytest.mark.long

FIRST, LAST = date(2025, 3, 25), date(2025, 4, 5)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ClusterWorld]:
    with run_cluster_world(tmp_path, SAMPLE_ACCOUNTS, FIRST, LAST) as world:
        yield world


def test_an_undisturbed_load_sends_the_requests_of_one_machine(world: ClusterWorld) -> None:
    alone = world.load_alone()
    done = world.run()
    assert done.returncode == 0, done.stderr
    assert world.take_requests() == alone
    assert world.differences() == {}
    assert done.stderr.count("\nshard ") == 5
    again = world.run()
    assert again.returncode == 0, again.stderr
    assert world.count_requests() == 0


def test_a_worker_is_killed_in_mid_load(world: ClusterWorld) -> None:
    alone = world.load_alone()
    process = world.start()
    world.wait_for_exports()
    world.cluster.workers[0].kill()
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    requests = world.take_requests()
    assert set(requests) == set(alone)
    assert count_exports(requests) == count_exports(alone) > 0
    assert requests.total() - alone.total() < 40, "only what was under way is requested again"
    assert world.differences() == {}


def test_the_driver_is_killed_and_run_again(world: ClusterWorld) -> None:
    alone = world.load_alone()
    process = world.start()
    world.wait_for_exports()
    process.kill()
    process.communicate()
    sent = world.count_requests()
    again = world.run()
    assert again.returncode == 0, again.stderr
    requests = world.take_requests()
    assert requests.total() > sent
    assert count_exports(requests) == count_exports(alone)
    assert requests.total() - alone.total() < 40
    assert world.differences() == {}


def test_the_scheduler_is_killed_and_the_next_run_completes(world: ClusterWorld) -> None:
    alone = world.load_alone()
    process = world.start()
    world.wait_for_exports()
    assert world.cluster.scheduler is not None
    world.cluster.scheduler.kill()
    world.cluster.scheduler.wait()
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "its scheduler cannot be reached; see that it runs, and run the same command again" in err
    assert "Traceback" not in err, err
    for worker in world.cluster.workers:
        worker.wait(timeout=60)  # they end with their scheduler, after the commit under way
    world.cluster.start_scheduler()
    for _ in range(2):
        world.cluster.add_worker()
    world.write_shared()
    again = world.run()
    assert again.returncode == 0, again.stderr
    requests = world.take_requests()
    assert count_exports(requests) == count_exports(alone)
    assert requests.total() - alone.total() < 40
    assert world.differences() == {}


def test_two_runs_at_once_send_the_requests_of_one(world: ClusterWorld) -> None:
    alone = world.load_alone()
    world.run_two_at_once()
    assert world.take_requests() == alone
    assert world.differences() == {}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_workers_tasks_and_a_later_run_goes_on(world: ClusterWorld, number: signal.Signals) -> None:
    alone = world.load_alone()
    process = world.start()
    world.wait_for_exports()
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "interrupted; run the same command again to continue" in err
    sent = world.count_requests()
    time.sleep(3)
    assert world.count_requests() == sent, "no worker goes on"
    again = world.run()
    assert again.returncode == 0, again.stderr
    assert world.differences() == {}
    requests = world.take_requests()
    assert count_exports(requests) == count_exports(alone)
    assert requests.total() - alone.total() < 40
