"""The tasks of a run's shards: submitted, gathered into the outcomes of their accounts, and stopped.

The ranges of a shard are submitted one after the other. A task whose worker is lost is done by another one. Nothing is
planned here, and no connection is opened.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from extractors.account import Account
from extractors.errors import ConfigError, Defect, ErrorLocation
from pipelines.loads.cluster.connection import ClusterLost, describe_lost_scheduler
from pipelines.loads.cluster.events import TOPIC, pass_on
from pipelines.loads.cluster.shards import Shard
from pipelines.loads.cluster.stops import stop_run
from pipelines.loads.cluster.task import Half, LoadTask, TaskResult, run_task, select_raw
from pipelines.loads.observer import Observer, TaskReport
from pipelines.loads.plan import LoadJob
from pipelines.loads.result import Failure, Outcome, record_failures
from pipelines.loads.run_log import RunRecorder
from pipelines.loads.workspace import Workspace
from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from distributed import Client, Future

log = logging.getLogger("chatmart.run")

WORKER_WAIT_SECONDS = 120.0
"""The longest wait for a first worker, and for another one after all were lost."""

STOP_SECONDS = 120.0
"""The longest wait for workers to finish their commits after a stop was requested."""

WRITE_ROWS_EVERY_SECONDS = 600.0

_LOOK_SECONDS = 0.5
_REPEAT_STOP_SECONDS = 2.0


@dataclass(frozen=True)
class TaskTemplate:
    """What the tasks of a run have in common. The instants are in UTC (``LoadTask``)."""

    workspace: Workspace
    half: Half
    run_started_at: datetime
    failed_since: datetime
    refetch: bool = False

    @cached_property
    def _raw(self) -> Mapping[str, Any]:
        """The configuration's content, with folders that the working folder of a worker does not change."""
        config = self.workspace.config
        scheme, _, place = config.warehouse.partition("://")
        folder = (config.folder / place).expanduser().resolve()
        warehouse = f"{scheme}://{folder}" if scheme == "delta" else config.warehouse
        landing = str(config.landing.absolute()) if isinstance(config.landing, Path) else config.landing
        return {**config.raw, "landing": landing, "warehouse": warehouse}

    @cached_property
    def _entries(self) -> Mapping[str, Mapping[str, Any]]:
        return {str(entry.get("name")): entry for entry in self.workspace.config.raw["accounts"]}

    def build(self, shard: str, jobs: Sequence[LoadJob]) -> LoadTask:
        """Return the task for some jobs of a shard."""
        return LoadTask(
            run_id=self.workspace.run_id,
            command=self.workspace.command,
            shard=shard,
            half=self.half,
            refetch=self.refetch,
            run_started_at=self.run_started_at,
            failed_since=self.failed_since,
            file_name=self.workspace.config.path.name,
            raw=select_raw(self._raw, [self._entries[job.account.name] for job in jobs]),
            days={job.account.name: job.days for job in jobs},
        )


@dataclass(frozen=True)
class _Running:
    shard: Shard
    range_index: int

    @property
    def jobs(self) -> tuple[LoadJob, ...]:
        return self.shard.ranges[self.range_index]

    @property
    def is_last(self) -> bool:
        return self.range_index == len(self.shard.ranges) - 1


class ShardRuns:
    """The tasks of one run. An instance is used once."""

    def __init__(
        self,
        client: "Client",
        template: TaskTemplate,
        outcomes: Sequence[Outcome],
        recorder: RunRecorder,
        observer: Observer,
    ) -> None:
        self._client = client
        self._template = template
        self._workspace = template.workspace
        self._outcomes = {outcome.account.name: outcome for outcome in outcomes}
        self._accounts: Mapping[str, Account] = {name: outcome.account for name, outcome in self._outcomes.items()}
        self._recorder = recorder
        self._observer = observer
        self._running: dict[Future[TaskResult], _Running] = {}
        self._ended: SimpleQueue[Future[TaskResult]] = SimpleQueue()
        self._error: Exception | None = None
        self._stopping_since: float | None = None
        self._stop_sent_at = float("-inf")
        self._workers_seen_at = self._rows_written_at = time.monotonic()

    def run(self, shards: Sequence[Shard]) -> None:
        """Do all tasks, and add their results to the outcomes. Raises as ``pipelines.loads.cluster.driver``."""
        self._client.subscribe_topic(TOPIC, self._pass_on)
        try:
            for shard in shards:
                self._submit(_Running(shard, 0))
            self._gather()
        except BaseException:
            self._stop_workers()  # a person, or the orchestrator, ended the run: commits under way are finished
            self._gather()
            raise
        self._end_accounts(self._accounts)
        if self._error is not None:
            raise self._error

    def _submit(self, task: _Running) -> None:
        parts = (self._workspace.run_id, self._template.half, task.shard.name, task.range_index, uuid4().hex)
        key = "-".join(map(str, ("chatmart", *parts)))
        arguments = self._template.build(task.shard.name, task.jobs)
        future = self._client.submit(run_task, arguments, key=key, pure=False)
        self._running[future] = task
        future.add_done_callback(self._ended.put)

    def _gather(self) -> None:
        while self._running:
            with suppress(Empty):
                future = self._ended.get(timeout=_LOOK_SECONDS)
                if future in self._running:
                    self._take(future, self._running.pop(future))
            self._look_around()

    def _look_around(self) -> None:
        """Pass on a requested stop, and see that there are workers. Raises ClusterLost."""
        now = time.monotonic()
        if (self._workspace.stop.is_requested or self._error is not None) and self._stopping_since is None:
            self._stop_workers()
        if self._stopping_since is not None:
            if now - self._stopping_since > STOP_SECONDS:
                self._running.clear()  # they are given up with the connection
                return
            if now - self._stop_sent_at > _REPEAT_STOP_SECONDS:  # a worker may have come since, and take what is left
                self._stop_workers()
        if self._client.status != "running":
            self._lose(describe_lost_scheduler(self._executor))
        elif self._client.scheduler_info()["workers"]:
            self._workers_seen_at = now
        elif now - self._workers_seen_at > WORKER_WAIT_SECONDS:
            self._lose(
                f"executor {self._executor}: it has had no worker for {WORKER_WAIT_SECONDS:.0f} s; start workers "
                "(`dask worker`), and run the same command again to go on: what is landed is not requested again"
            )
        if now - self._rows_written_at > WRITE_ROWS_EVERY_SECONDS:
            self._recorder.write_rows()
            self._rows_written_at = now

    @property
    def _executor(self) -> str:
        return self._workspace.config.settings.executor

    def _lose(self, sentence: str) -> None:
        self._running.clear()
        raise ClusterLost(sentence)

    def _stop_workers(self) -> None:
        now = time.monotonic()
        self._stopping_since = self._stopping_since or now
        self._stop_sent_at = now
        if self._client.status == "running":
            self._client.run(stop_run, self._workspace.run_id, on_error="ignore", wait=False)

    def _take(self, future: "Future[TaskResult]", task: _Running) -> None:
        if future.status == "finished":
            self._add_result(task, future.result())
        elif future.status == "error":
            self._add_loss(task, future.exception())
        else:  # the connection to the scheduler, which alone cancels a task of ours
            self._lose(describe_lost_scheduler(self._executor))

    @property
    def _is_stopping(self) -> bool:
        return self._error is not None or self._workspace.stop.is_requested or self._stopping_since is not None

    def _add_result(self, task: _Running, result: TaskResult) -> None:
        if result.is_stopped and not self._is_stopping:
            for added in result.accounts:
                self._outcomes[added.account].stats += added.stats
            self._submit(task)  # its worker was told to end; what it has landed is not requested again
            return
        if result.problems:
            self._error = self._error or ConfigError(
                [f"worker {result.worker}: {problem}" for problem in result.problems]
            )
        if result.error is not None:
            self._error = self._error or result.error
        for added in result.accounts:
            outcome = self._outcomes[added.account]
            outcome.loaded += added.loaded
            outcome.failed += added.failed
            outcome.rows += added.rows
            outcome.stats += added.stats
            outcome.planned = max(outcome.planned, outcome.loaded + outcome.failed)
            for sentence in added.errors:
                outcome.add_error(sentence)
            for sentence, days in _group_by_reason(added.failures).items():
                self._observer.on_days_failed(outcome.account, days, sentence)
        self._report(task, result)
        if self._is_stopping:
            return
        if task.is_last:
            self._end_accounts([job.account.name for jobs in task.shard.ranges for job in jobs])
        else:
            self._submit(_Running(task.shard, task.range_index + 1))

    def _report(self, task: _Running, result: TaskResult) -> None:
        self._observer.on_task_ended(
            TaskReport(
                shard=task.shard.name,
                range_number=task.range_index + 1,
                ranges=len(task.shard.ranges),
                accounts=len(task.jobs),
                slices=sum(len(job.days) for job in task.jobs),
                loaded=sum(added.loaded for added in result.accounts),
                failed=sum(added.failed for added in result.accounts),
                worker=result.worker,
                seconds=result.seconds,
            )
        )

    def _add_loss(self, task: _Running, error: BaseException | None) -> None:
        """Record the days of a shard whose task failed as a whole: workers died at it, or the program failed."""
        if isinstance(error, WarehouseError):
            self._error = self._error or error
            return
        log.error("shard %s failed", task.shard.name, exc_info=error)
        problem, advice = _describe_loss(error)
        failures = []
        for job in (job for jobs in task.shard.ranges[task.range_index :] for job in jobs):
            account = job.account
            where = ErrorLocation(account.provider, account.name)
            failures.append(Failure(self._outcomes[account.name], job.days, Defect(where, problem, advice)))
        record_failures(self._workspace, failures, self._observer)
        self._end_accounts([failure.outcome.account.name for failure in failures])

    def _end_accounts(self, names: Sequence[str] | Mapping[str, Account]) -> None:
        if self._error is None and self._stopping_since is None:
            for name in names:
                self._outcomes[name].ended_at = self._outcomes[name].ended_at or self._workspace.clock.now()

    def _pass_on(self, event: tuple[float, Mapping[str, Any]]) -> None:
        if event[1].get("run") == self._workspace.run_id:
            pass_on(event[1], self._accounts, self._observer)


def _describe_loss(error: BaseException | None) -> tuple[str, str]:
    """Return the problem and the advice about a task that failed as a whole."""
    if type(error).__name__ == "KilledWorker":
        return (
            "every worker that loaded this shard died",
            "see the workers' memory and logs; run the same command again",
        )
    return f"the program failed on a worker ({type(error).__name__}: {error})", "please report it, with --verbose"


def _group_by_reason(failures: Mapping[date, str]) -> dict[str, list[date]]:
    days: dict[str, list[date]] = defaultdict(list)
    for day, sentence in failures.items():
        days[sentence].append(day)
    return days
