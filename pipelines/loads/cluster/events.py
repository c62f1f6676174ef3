"""The progress of a task on its way from the worker to the driver, about once a second. It decides nothing.

Whatever counts in the end is in the result of the task: an event may be lost, or come twice.
"""

import time
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from extractors.account import Account
from pipelines.loads.observer import LandedBatch, NullObserver, Observer

if TYPE_CHECKING:
    from distributed import Worker

TOPIC = "chatmart"
"""One topic for all runs: the scheduler keeps a limited number of events of each topic."""

_PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class _RemoteBatch:
    account: str


class EventSender(NullObserver):
    """An observer on a worker, which sends what it sees to the drivers. Use as a context manager."""

    def __init__(self, worker: "Worker", run_id: str) -> None:
        self._worker = worker
        self._run_id = run_id
        self._lock = Lock()
        self._sent_at = time.monotonic()
        self._clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._send()

    def on_planned(self, account: Account, slices: int, batches: int) -> None:
        """Note the account's work."""
        with self._lock:
            self._planned.append((account.name, slices, batches))
        self._send_in_time()

    def on_batch_landed(self, batch: LandedBatch) -> None:
        """Count the batch."""
        with self._lock:
            self._batches[batch.account] += 1
        self._send_in_time()

    def on_days_loaded(self, account: Account, days: Collection[date]) -> None:
        """Note the days."""
        with self._lock:
            self._loaded.setdefault(account.name, []).extend(day.toordinal() for day in days)
        self._send_in_time()

    def _clear(self) -> None:
        self._planned: list[tuple[str, int, int]] = []
        self._batches: Counter[str] = Counter()
        self._loaded: dict[str, list[int]] = {}

    def _send_in_time(self) -> None:
        if time.monotonic() - self._sent_at >= _PAUSE_SECONDS:
            self._send()

    def _send(self) -> None:
        with self._lock:
            event = {"planned": self._planned, "batches": dict(self._batches), "loaded": self._loaded}
            self._clear()
            self._sent_at = time.monotonic()
        if any(event.values()):
            self._worker.log_event(TOPIC, {"run": self._run_id, **event})


def pass_on(event: Mapping[str, Any], accounts: Mapping[str, Account], observer: Observer) -> None:
    """Pass an event of this run to an observer of the driver."""
    for name, slices, batches in event["planned"]:
        observer.on_planned(accounts[name], slices, batches)
    for name, count in event["batches"].items():
        for _ in range(count):
            observer.on_batch_landed(_RemoteBatch(name))
    for name, days in event["loaded"].items():
        observer.on_days_loaded(accounts[name], [date.fromordinal(day) for day in days])
