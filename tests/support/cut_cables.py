"""A load on two machines of which one is cut off: a program for the hub, which prints facts as JSON. No expectations.

``python -m tests.support.cut_cables FOLDER [POINT]``: without a point the cable is cut in the middle of the load. With
one (see ``held_commit``) the machine is cut off, and stands still, right before its first commit, and comes back when
the load has ended without it.
"""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import obstore
from obstore.store import S3Store

from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from tests.support.cluster_world import ClusterWorld, count_exports
from tests.support.dask_processes import DaskCluster
from tests.support.held_commit import HELD, OUTCOME, POINT, RELEASE
from tests.support.network_machines import HUB, Machine, add_machine, begin_hub
from tests.support.object_store import BUCKET, start_object_store
from tests.support.postgres import PASSWORD, start_postgres
from tests.support.wait_until import wait_until

FIRST, LAST = date(2025, 3, 28), date(2025, 4, 2)
WAIT_SECONDS = 180


class CutLoad:
    """A load from nothing, and the comparison of all that it did with a load on one machine."""

    def __init__(self, world: ClusterWorld, machine: Machine) -> None:
        self._world = world
        self._machine = machine
        self._worker = world.cluster.workers[0]
        self._alone = world.load_alone()
        self._requests: Counter[str] = Counter()

    def cut_in_the_middle(self) -> dict[str, Any]:
        load = self._world.start()
        self._world.wait_for_exports()
        wait_until(lambda: self._world.sandbox.request_log.count("chatcaptain", "/export", "GET") >= 2)
        self._machine.cut_cable()
        facts = {"load": self._await(load)}
        self._machine.mend_cable()
        return {**facts, "worker": self._worker.wait(WAIT_SECONDS), "afterwards": self._compare()}

    def cut_before_the_first_commit(self) -> dict[str, Any]:
        folder = self._world.cluster.folder
        load = self._world.start()
        wait_until((folder / HELD).exists, WAIT_SECONDS)
        self._world.wait_for_exports()
        self._machine.cut_cable()
        self._worker.send_signal(signal.SIGSTOP)
        facts = {"load": self._await(load), "objects": list_objects()}
        self._machine.mend_cable()
        (folder / RELEASE).touch()
        self._worker.send_signal(signal.SIGCONT)
        wait_until((folder / OUTCOME).exists, WAIT_SECONDS)
        exit_code = self._worker.wait(WAIT_SECONDS)
        outcome = (folder / OUTCOME).read_text()
        new = sorted({*list_objects()} - {*facts.pop("objects")})
        return {**facts, "outcome": outcome, "worker": exit_code, "new_objects": new, "afterwards": self._compare()}

    def _await(self, load: "subprocess.Popen[str]") -> dict[str, Any]:
        _, err = load.communicate(timeout=300)
        return {"exit": load.returncode, "err": err, **self._compare()}

    def _compare(self) -> dict[str, Any]:
        self._requests += self._world.take_requests()
        return {
            "differences": self._world.differences(),
            "more_requests": self._requests.total() - self._alone.total(),
            "exports": count_exports(self._requests),
            "exports_alone": count_exports(self._alone),
        }


def list_objects() -> list[str]:
    """Return the names of all objects of the lake."""
    return [entry["path"] for entry in obstore.list(S3Store(BUCKET), prefix="star").collect()]


def main(folder: Path, point: str) -> None:
    begin_hub()
    machines = [add_machine(1), add_machine(2)]
    endpoint, database = start_object_store(HUB), start_postgres(HUB)
    os.environ["LOCKS_PASSWORD"] = PASSWORD
    shared = {
        "landing": f"s3://{BUCKET}/landing",
        "warehouse": f"delta+s3://{BUCKET}/star",
        "object_store": {"endpoint": endpoint, "allow_http": True},
        "locks": database.url.replace(PASSWORD, "${LOCKS_PASSWORD}"),
    }
    cluster = DaskCluster(folder / "cluster", {POINT: point}, HUB)
    try:
        cluster.start_scheduler()
        for machine, preloads in zip(machines, [["tests.support.held_commit"] if point else [], []], strict=True):
            cluster.add_worker(machine.address, machine.entry, preloads)
        with Sandbox(host=HUB) as sandbox:
            load = CutLoad(ClusterWorld(folder, sandbox, SAMPLE_ACCOUNTS, cluster, FIRST, LAST, shared), machines[0])
            facts = load.cut_before_the_first_commit() if point else load.cut_in_the_middle()
            sys.stdout.write(json.dumps(facts) + "\n")
    finally:
        cluster.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
