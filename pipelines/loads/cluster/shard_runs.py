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
from datetime import date
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import uuid4

from extractors.account import Account
from extractors.errors import ConfigError, Defect, ErrorLocation
from pipelines.loads.cluster.connection import ClusterLost, describe_lost_scheduler
from pipelines.loads.cluster.events import TOPIC, pass_on
from pipelines.loads.cluster.shards import Shard
from pipelines.loads.cluster.stops import stop_run
from pipelines.loads.cluster.task import TaskResult, run_task
from pipelines.loads.cluster.task_template import TaskTemplate
from pipelines.loads.observer import Observer, TaskReport
from pipelines.loads.plan import LoadJob
from pipelines.loads.result import Failure, Outcome, record_failures
from pipelines.loads.run_log import RunRecorder
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
_ASK_FOR_WORKERS_SECONDS = 5.0
_REPEAT_STOP_SECONDS = 2.0


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
        self._workers_asked_at = float("-inf")

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
        """Pass on a requested stop, see that there are workers, and write the run's rows. Raises ClusterLost."""
        now = time.monotonic()
        if self._is_stopping and now - self._stop_sent_at > _REPEAT_STOP_SECONDS:
            self._stop_workers()  # again: a worker may have come since, and take what is left
        if self._stopping_since is not None and now - self._stopping_since > STOP_SECONDS:
            self._running.clear()  # they are given up with the connection
        if not self._running:
            return
        if self._client.status != "running":
            self._lose(describe_lost_scheduler(self._executor))
        if now - self._workers_asked_at > _ASK_FOR_WORKERS_SECONDS:
            self._workers_asked_at = now
            self._require_workers(now)
        if now - self._rows_written_at > WRITE_ROWS_EVERY_SECONDS:
            self._recorder.write_rows()
            self._rows_written_at = now

    def _require_workers(self, now: float) -> None:
        if self._has_workers():
            self._workers_seen_at = now
        elif now - self._workers_seen_at > WORKER_WAIT_SECONDS:
            self._lose(
                f"executor {self._executor}: it has had no worker for {WORKER_WAIT_SECONDS:.0f} s; start workers "
                "(`dask worker`), and run the same command again to go on: what is landed is not requested again"
            )

    def _has_workers(self) -> bool:
        """Ask the scheduler for its workers. Raises ClusterLost when it does not answer."""
        try:
            return bool(self._client.scheduler_info()["workers"])
        except OSError:
            self._lose(describe_lost_scheduler(self._executor))

    @property
    def _executor(self) -> str:
        return self._workspace.config.settings.executor

    def _lose(self, sentence: str) -> NoReturn:
        self._running.clear()
        raise ClusterLost(sentence)

    def _stop_workers(self) -> None:
        now = time.monotonic()
        self._stopping_since = self._stopping_since or now
        self._stop_sent_at = now
        with suppress(OSError):  # of a scheduler that is lost its workers hear themselves
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
        problem, advice = _describe_loss(error)
        log.error("shard %s: %s", task.shard.name, problem)
        log.debug("its trace", exc_info=error)
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
