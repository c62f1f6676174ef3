"""A task of a run on a worker: the days of one range of one shard are loaded as on one machine.

A task may be done twice, by two workers: what the first has landed is not requested again, and its commits are replaced
by equal ones. Its arguments hold the configuration as it is written: references to secrets are filled in from the
environment of the worker, or from ``.env`` in its working folder. Dask must not come in, but for the caller of a task.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from extractors.errors import ConfigError
from extractors.http.stats import RequestStats
from pipelines.configuration.config import validate_config
from pipelines.loads.cluster.events import EventSender
from pipelines.loads.cluster.stops import hear_stop
from pipelines.loads.code_version import CODE_VERSION
from pipelines.loads.concurrent_run import ConcurrentRun
from pipelines.loads.landed_load import load_landed
from pipelines.loads.observer import FailureCollector, Observer
from pipelines.loads.plan import LoadJob
from pipelines.loads.result import Outcome
from pipelines.loads.run_log import track_part
from pipelines.loads.stop import StopSignal
from pipelines.loads.workspace import RunPart, Workspace
from warehouse.errors import WarehouseError

Half = Literal["both", "fetch", "load"]
"""The halves of a run that a task does."""

_OF_THE_DRIVER = ("accounts", "alerts", "executor", "owners", "schedule")
"""Keys of the configuration that no worker needs: it need not have the variables that they refer to."""


@dataclass(frozen=True)
class LoadTask:
    """The arguments of a task: the local days of its accounts, their part of the configuration, and the run.

    ``run_started_at`` (UTC) is the start of the run, ``failed_since`` that of its present attempt.
    """

    run_id: str
    command: str
    shard: str
    half: Half
    refetch: bool
    run_started_at: datetime
    failed_since: datetime
    file_name: str
    raw: Mapping[str, Any]
    days: Mapping[str, tuple[date, ...]]
    code_version: str = CODE_VERSION


@dataclass(frozen=True)
class AccountResult:
    """The outcome of a task for one account, with the reason for each failed day."""

    account: str
    loaded: int
    failed: int
    rows: int
    errors: tuple[str, ...]
    stats: RequestStats
    failures: Mapping[date, str]


@dataclass(frozen=True)
class TaskResult:
    """The outcome of a task. With ``problems`` of the configuration on this worker, nothing was done.

    ``error`` is one of the warehouse as a whole. One that ``is_stopped`` may have left days to another task.
    ``cpu_seconds`` are those of the worker's process.
    """

    worker: str
    accounts: tuple[AccountResult, ...] = ()
    problems: tuple[str, ...] = ()
    error: WarehouseError | None = None
    is_stopped: bool = False
    seconds: float = 0.0
    cpu_seconds: float = 0.0


def select_raw(raw: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the part of a configuration's raw content that a task with these accounts needs."""
    return {**{key: value for key, value in raw.items() if key not in _OF_THE_DRIVER}, "accounts": list(entries)}


def run_task(task: LoadTask) -> TaskResult:
    """Do a task on the worker that this is called on. Raises nothing but defects of the program."""
    from distributed import get_worker  # imported late: only a worker has it

    worker = get_worker()
    if task.code_version != CODE_VERSION:
        problem = f"the driver has the code {task.code_version} and the worker {CODE_VERSION}: install the same release"
        return TaskResult(worker.address, problems=(problem,))
    stop = StopSignal()
    with EventSender(worker, task.run_id) as sender, hear_stop(stop, task.run_id, worker):
        return load_task(task, stop, sender, worker.address)


def load_task(task: LoadTask, stop: StopSignal, observer: Observer, worker: str) -> TaskResult:
    """Load the days of a task in this process. The working folder is the one that relative paths start from."""
    began, cpu = time.monotonic(), time.process_time()
    try:
        config = validate_config(Path.cwd() / task.file_name, task.raw)
    except ConfigError as refusal:
        return TaskResult(worker, problems=tuple(refusal.problems))
    part = RunPart(f"{task.run_id}-{uuid4().hex}", task.run_started_at)
    opened = Workspace.open(config, task.run_id, task.command, part)
    workspace = replace(opened, stop=stop)
    jobs = [LoadJob(account, task.days[account.name]) for account in config.accounts]
    failures: dict[str, dict[date, str]] = {}
    outcomes: Sequence[Outcome] = []
    error: WarehouseError | None = None
    try:
        outcomes = _run_half(workspace, jobs, task, FailureCollector(observer, failures))
    except WarehouseError as failure:
        error = failure
    results = tuple(_summarize(outcome, failures.get(outcome.account.name, {})) for outcome in outcomes)
    return TaskResult(
        worker,
        results,
        error=error,
        is_stopped=stop.is_requested,
        seconds=time.monotonic() - began,
        cpu_seconds=time.process_time() - cpu,
    )


def _run_half(workspace: Workspace, jobs: Sequence[LoadJob], task: LoadTask, observer: Observer) -> Sequence[Outcome]:
    if task.half != "load":
        return ConcurrentRun(workspace, task.refetch, observer, load=task.half == "both").run(jobs).outcomes
    outcomes = [Outcome(job.account) for job in jobs]
    with track_part(workspace):
        pairs = list(zip(jobs, outcomes, strict=True))
        load_landed(workspace, pairs, task.run_started_at, task.failed_since, observer)
    return outcomes


def _summarize(outcome: Outcome, failures: Mapping[date, str]) -> AccountResult:
    return AccountResult(
        account=outcome.account.name,
        loaded=outcome.loaded,
        failed=outcome.failed,
        rows=outcome.rows,
        errors=tuple(outcome.errors),
        stats=outcome.stats + RequestStats(),  # without what is only of use while requests are sent
        failures=failures,
    )
