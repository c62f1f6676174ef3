"""The request to end a run early. Its sources (a signal, a person) are handled elsewhere.

Then a commit under way is finished, no new work begins, and commits are published.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class StopSignal:
    """A request to stop, which cannot be withdrawn. ``request`` may be called from a signal handler.

    >>> stop = StopSignal()
    >>> with stop.subscribe(lambda: print("stopping")):
    ...     stop.request()
    stopping
    >>> stop.is_requested
    True
    """

    def __init__(self) -> None:
        self._is_requested = False
        self._listeners: list[Callable[[], object]] = []

    @property
    def is_requested(self) -> bool:
        """Whether the run is to end."""
        return self._is_requested

    def request(self) -> None:
        """Request the end of the run, and call all listeners."""
        self._is_requested = True
        for listener in tuple(self._listeners):
            listener()

    @contextmanager
    def subscribe(self, listener: Callable[[], object]) -> Iterator[None]:
        """Call ``listener`` when the stop is requested inside the block; at once if it was requested before."""
        self._listeners.append(listener)
        try:
            if self._is_requested:
                listener()
            yield
        finally:
            self._listeners.remove(listener)
