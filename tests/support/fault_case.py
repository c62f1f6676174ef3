"""One fault of a provider and the expected outcome, as a line of the catalogue ``faults``; nothing is run here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sandbox.recorder import Fault

SUPPORT, VOICE, DOCS = "acme-support", "acme-voice", "acme-docs"  # one at Cognigy, ChatCaptain and Inkeep each
BOT = "acme-bot"  # at Chatlayer
IN_SEVEN_SECONDS = "an HTTP date 7 seconds ahead"  # replaced by a date when the case runs
FOREVER = 10**6  # times that a fault comes


@dataclass(frozen=True)
class FaultCase:
    """A fault of one account while a day is loaded, and the expected outcome.

    ``fault`` and ``action`` are the first columns of the table. ``faults`` and ``shapes`` configure the sandbox,
    ``settings`` the account. ``request_count`` is the number of requests to the account's provider, downloads included.
    ``export_jobs`` is the number of export jobs at the provider after that run and after the next run, which starts
    ``rerun_after`` later if the first one fails. ``error_pattern`` matches the one error message of a run that fails.
    ``can_run_as_command`` marks a case without waits, so that the real command can run it too.
    """

    fault: str
    action: str
    request_count: int
    faults: tuple[Fault, ...] = ()
    shapes: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    account: str = SUPPORT
    error_pattern: str = ""
    wait_seconds: float = 0
    export_jobs: tuple[int, int] = (0, 0)
    rerun_after: timedelta = timedelta(minutes=1)
    can_run_as_command: bool = False

    @property
    def exit_code(self) -> int:
        """The expected exit code: 1 for a case with an error message."""
        return 1 if self.error_pattern else 0
