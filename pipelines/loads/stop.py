"""How a run is told to end early. Who tells it (a signal, a person) is decided elsewhere.

What is under way is finished, nothing new begins, and what is committed is published.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class StopSignal:
    """Asked once, it stays asked. ``ask`` may be called from a signal's handler."""

    def __init__(self) -> None:
        self._asked = False
        self._listeners: list[Callable[[], object]] = []

    @property
    def is_requested(self) -> bool:
        """Whether the run is to end."""
        return self._asked

    def request(self) -> None:
        """Tell the run to end."""
        self._asked = True
        for listener in tuple(self._listeners):
            listener()

    @contextmanager
    def subscribe(self, listener: Callable[[], object]) -> Iterator[None]:
        """Inside, ``listener`` is called when the run is to end; at once when it was told before."""
        self._listeners.append(listener)
        try:
            if self._asked:
                listener()
            yield
        finally:
            self._listeners.remove(listener)
