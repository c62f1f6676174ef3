"""One thread that does the work of many callers in groups. It knows nothing of loads.

While it is busy, further items of the same work come in; it takes all of them as its next group. Work with a pause is
not begun again at once, so that groups become large while nobody waits for them.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass
class GroupWork(Generic[Item, Result]):
    """A function that does the work of several items and returns the result of each, in their order.

    A group has at most ``max_items``, and begins no earlier than ``pause_seconds`` after the end of the one before it.
    """

    function: Callable[[Sequence[Item]], Sequence[Result]]
    max_items: int
    pause_seconds: float = 0.0
    _waiting: deque[tuple[Item, Future[Result]]] = field(default_factory=deque)
    _ended_at: float = float("-inf")

    def add(self, item: Item) -> Future[Result]:
        """Add an item to those that wait, and return the future of its result."""
        future: Future[Result] = Future()
        self._waiting.append((item, future))
        return future

    def seconds_until_due(self, *, in_a_hurry: bool) -> float | None:
        """Return the seconds until a group may begin, zero or less when it may now; None when nothing is waiting."""
        if not self._waiting:
            return None
        if in_a_hurry or len(self._waiting) >= self.max_items:
            return 0.0
        return self._ended_at + self.pause_seconds - time.monotonic()

    def take(self) -> list[tuple[Item, Future[Result]]]:
        """Take the next group, without those items whose futures were cancelled."""
        group = [self._waiting.popleft() for _ in range(min(self.max_items, len(self._waiting)))]
        return [(item, future) for item, future in group if future.set_running_or_notify_cancel()]

    def run(self, group: Sequence[tuple[Item, Future[Result]]]) -> None:
        """Do the work of a group. An error is that of all its items."""
        try:
            results = self.function([item for item, _ in group]) if group else ()
        except BaseException as error:
            for _, future in group:
                future.set_exception(error)
        else:
            for (_, future), result in zip(group, results, strict=True):
                future.set_result(result)
        self._ended_at = time.monotonic()

    def cancel(self) -> None:
        """Cancel all items that wait."""
        while self._waiting:
            self._waiting.popleft()[1].cancel()


class GroupThread:
    """The thread that does some kinds of work; an earlier kind has precedence. An instance is used once.

    >>> doubling = GroupWork(lambda numbers: [2 * number for number in numbers], max_items=10)
    >>> thread = GroupThread("doubling", [doubling])
    >>> futures = [thread.submit(doubling, number) for number in range(3)]
    >>> [future.result() for future in futures]
    [0, 2, 4]
    >>> thread.close()
    """

    def __init__(self, name: str, works: Sequence[GroupWork[Any, Any]]) -> None:
        self._works = works
        self._changed = Condition()
        self._is_in_a_hurry = False
        self._is_closed = False
        self._thread = Thread(target=self._run, name=name)
        self._thread.start()

    def submit(self, work: GroupWork[Item, Result], item: Item) -> Future[Result]:
        """Add an item to a kind of work. A future that is cancelled before its group begins is left out."""
        with self._changed:
            future = work.add(item)
            self._changed.notify()
        return future

    def hurry(self) -> None:
        """Make no more pauses: nothing else will come in soon."""
        with self._changed:
            self._is_in_a_hurry = True
            self._changed.notify()

    def close(self) -> None:
        """Cancel what waits, and wait for the end of the group under way."""
        with self._changed:
            self._is_closed = True
            for work in self._works:
                work.cancel()
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                work = self._wait_for_work()
                if work is None:
                    return
                group = work.take()
            work.run(group)

    def _wait_for_work(self) -> GroupWork[Any, Any] | None:
        """Return the work whose group is due; None when the thread is closed."""
        while not self._is_closed:
            due = [(work, work.seconds_until_due(in_a_hurry=self._is_in_a_hurry)) for work in self._works]
            waits = [(work, seconds) for work, seconds in due if seconds is not None]
            ready = next((work for work, seconds in waits if seconds <= 0), None)
            if ready is not None:
                return ready
            self._changed.wait(min((seconds for _, seconds in waits), default=None))
        return None
