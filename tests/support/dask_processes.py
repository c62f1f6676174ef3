"""A Dask cluster of plain processes on this machine: a scheduler and workers, which stop with their caller."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
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
    """A scheduler at ``host``, and workers with one thread. Their working folder, with the logs, is ``folder``."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"
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
        options = ["--host", self.host, "--port", "0", "--no-dashboard", "--dashboard-address", f"{self.host}:0"]
        self.scheduler = self._start("distributed.cli.dask_scheduler", options, log)
        deadline = time.monotonic() + START_SECONDS
        while not (lines := [line for line in log.read_text().splitlines() if "Scheduler at:" in line]):
            if time.monotonic() > deadline or self.scheduler.poll() is not None:
                raise RuntimeError(f"the scheduler did not start:\n{log.read_text()}")
            time.sleep(0.05)
        self._address = lines[-1].split()[-1]

    def add_worker(
        self, host: str = "127.0.0.1", entry: Sequence[str] = (), preloads: Sequence[str] = ()
    ) -> "subprocess.Popen[bytes]":
        """Start a worker without a nanny, so that a killed one stays dead.

        It listens at ``host``. ``entry`` is a command that runs the rest of its line on another machine.
        """
        number = len(self.workers)
        options = [self._address, "--host", host, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        options += ["--memory-limit", "0", "--local-directory", str(self.folder / f"scratch-{number}")]
        options += ["--name", f"worker-{number}"]
        for preload in ("pipelines.worker", *preloads):
            options += ["--preload", preload]
        log = self.folder / f"worker-{number}.log"
        self.workers.append(self._start("distributed.cli.dask_worker", options, log, entry))
        return self.workers[-1]

    def _start(
        self, module: str, options: list[str], log: Path, entry: Sequence[str] = ()
    ) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, **_QUICK, **self.environment}
        with log.open("wb") as output:
            command = [*entry, sys.executable, "-m", module, *options]
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
