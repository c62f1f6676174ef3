"""The end of a run as its workers hear it: the driver says so, or nobody wants the task's result any more.

The latter is so when the driver died, when the scheduler is lost, and when the worker closes.
"""

from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

from pipelines.loads.stop import StopSignal

if TYPE_CHECKING:
    from distributed import Worker

_LOOK_SECONDS = 1.0
_WANTED_STATES = ("executing", "long-running")
_LOST_STATUSES = ("closing", "closed", "failed")

_lock = Lock()
_signals: dict[str, list[StopSignal]] = defaultdict(list)
_stopped_runs: deque[str] = deque(maxlen=1000)


def stop_run(run_id: str) -> None:
    """Request the stop of all tasks of a run in this process, and of those that begin later."""
    with _lock:
        if run_id not in _stopped_runs:
            _stopped_runs.append(run_id)
        signals = list(_signals.get(run_id, ()))
    for signal in signals:
        signal.request()


@contextmanager
def hear_stop(stop: StopSignal, run_id: str, worker: "Worker") -> Iterator[None]:
    """Within the block, request ``stop`` when the run is stopped, or when nobody wants the present task any more."""
    key, ended = worker.get_current_task(), Event()

    def look() -> None:
        while not ended.wait(_LOOK_SECONDS):
            if not _is_wanted(worker, key):
                stop.request()
                return

    with _lock:
        _signals[run_id].append(stop)
        is_stopped = run_id in _stopped_runs
    if is_stopped:
        stop.request()
    thread = Thread(target=look, name="chatmart-stop", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        with _lock:
            _signals[run_id].remove(stop)
            if not _signals[run_id]:
                del _signals[run_id]


def _is_wanted(worker: "Worker", key: Any) -> bool:
    state = worker.state.tasks.get(key)
    is_running = state is not None and state.state in _WANTED_STATES
    return is_running and worker.status.name not in _LOST_STATUSES
