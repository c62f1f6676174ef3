"""What Ctrl-C and a request to terminate (from docker, systemd, a scheduler) do to a run: end it well, or at once.

The first signal tells the run to end: a commit under way is finished, what is committed is published, and the process
ends with 130 (SIGINT) or 143 (SIGTERM). A second one ends it on the spot; nothing is half-loaded then either.
"""

import _thread
import os
import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from pipelines.loads.stop import StopSignal

SIGNALS = (signal.SIGINT, signal.SIGTERM)

_SHOW_CURSOR = b"\x1b[?25h"  # a progress bar hides it


class Interrupts:
    """A context manager for the main thread; ``say`` is called with what is going on, from a thread of its own."""

    def __init__(self, stop: StopSignal, say: Callable[[str], None]) -> None:
        self._stop = stop
        self._say = say
        self._received: int | None = None

    @property
    def exit_code(self) -> int | None:
        """128 and the first signal's number; None without one."""
        return None if self._received is None else 128 + self._received

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._received is not None:
            if os.isatty(2):
                os.write(2, _SHOW_CURSOR)
            os._exit(128 + number)
        self._received = number
        # the main thread may be writing at this very moment, and cannot be asked to write once more
        _thread.start_new_thread(self._say, ("ending; what is being committed is finished. Once more ends at once",))
        self._stop.request()
