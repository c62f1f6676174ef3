"""A Dask cluster of plain processes on this machine: a scheduler and workers, which stop with their caller."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

START_SECONDS = 60
_QUICK = {
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "20s",
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__DISK": "false",
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "false",
}


@dataclass
class DaskCluster:
    """A scheduler and workers with one thread. Their working folder, with the logs, is ``folder``."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    scheduler: "subprocess.Popen[bytes] | None" = None
    workers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._address = ""

    @property
    def executor(self) -> str:
        """The setting of a configuration."""
        return self._address.replace("tcp://", "dask://")

    def start_scheduler(self) -> None:
        """Start the scheduler on a free port, and wait for its address."""
        log = self.folder / "scheduler.log"
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
        self.scheduler = self._start("distributed.cli.dask_scheduler", options, log)
        deadline = time.monotonic() + START_SECONDS
        while not (lines := [line for line in log.read_text().splitlines() if "Scheduler at:" in line]):
            if time.monotonic() > deadline or self.scheduler.poll() is not None:
                raise RuntimeError(f"the scheduler did not start:\n{log.read_text()}")
            time.sleep(0.05)
        self._address = lines[-1].split()[-1]

    def add_worker(self) -> "subprocess.Popen[bytes]":
        """Start a worker without a nanny, so that a killed one stays dead."""
        number = len(self.workers)
        options = [self._address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        options += ["--memory-limit", "0", "--local-directory", str(self.folder / f"scratch-{number}")]
        options += ["--preload", "pipelines.worker", "--name", f"worker-{number}"]
        self.workers.append(self._start("distributed.cli.dask_worker", options, self.folder / f"worker-{number}.log"))
        return self.workers[-1]

    def _start(self, module: str, options: list[str], log: Path) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, **_QUICK, **self.environment}
        with log.open("wb") as output:
            command = [sys.executable, "-m", module, *options]
            return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=output, stderr=output)

    def stop(self) -> None:
        """Kill what still runs."""
        processes = [process for process in (*self.workers, self.scheduler) if process is not None]
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


@contextmanager
def run_cluster(folder: Path, workers: int = 2, **environment: str) -> Iterator[DaskCluster]:
    """Run a scheduler and workers."""
    cluster = DaskCluster(folder, environment)
    try:
        cluster.start_scheduler()
        for _ in range(workers):
            cluster.add_worker()
        yield cluster
    finally:
        cluster.stop()
