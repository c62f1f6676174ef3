"""Signal handling during a run: SIGINT (Ctrl-C) and SIGTERM (docker, systemd, a scheduler).

The first signal requests a stop: the current commit is finished, committed data is published, and the process exits
with 130 (SIGINT) or 143 (SIGTERM). A second signal exits at once; no slice is half-loaded then either. How a run stops
is in ``pipelines.loads.stop``.
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
    """A context manager that handles signals in the main thread. ``print_message`` is called from another thread."""

    def __init__(self, stop: StopSignal, print_message: Callable[[str], None]) -> None:
        self._stop = stop
        self._print_message = print_message
        self._received: int | None = None

    @property
    def exit_code(self) -> int | None:
        """Return 128 plus the number of the first signal, or None without a signal."""
        return None if self._received is None else 128 + self._received

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._handle_signal) for number in SIGNALS}
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._received is not None:
            if os.isatty(2):
                os.write(2, _SHOW_CURSOR)
            os._exit(128 + number)
        self._received = number
        # print from another thread: the handler interrupts the main thread, which may be writing at this moment
        _thread.start_new_thread(
            self._print_message, ("stopping after the current commit; a second signal stops at once",)
        )
        self._stop.request()
