"""Run the real command in a process of its own that is quick to start, at an instant of the torture, and kill it.

The process is forked from a server that has imported the program. Its clock begins at a given instant, and its sleeps
take no time.
"""

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.cli.main import main
from tests.support.begin_at import begin_at
from tests.torture.plan import Kill

LONGEST_SECONDS = 120
_CLOCK = "clock.txt"


@dataclass(frozen=True)
class CommandOutcome:
    """The exit code of a command (negative: the signal that killed it), its output, and its end (UTC)."""

    exit_code: int
    text: str
    ended_at: datetime


def prepare_processes() -> Any:
    """Return the context in which commands are started."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.torture.preloaded", __name__])
    return context


def run_command(
    context: Any,
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    begins_at: datetime,
    kill: Kill | None = None,
) -> CommandOutcome:
    """Run a command in a folder. Raises TimeoutError when it does not end."""
    log = folder / "output.txt"
    (folder / _CLOCK).unlink(missing_ok=True)
    process = context.Process(target=_run, args=(tuple(arguments), folder, dict(environment), begins_at, log))
    process.start()
    if kill is not None:
        process.join(kill.after_seconds)
        if process.is_alive():
            os.kill(process.pid, kill.number)
    process.join(LONGEST_SECONDS)
    if process.is_alive():
        process.kill()
        process.join()
        raise TimeoutError(f"{' '.join(arguments)} did not end in {LONGEST_SECONDS} s: {log.read_text()}")
    elapsed = float((folder / _CLOCK).read_text()) if (folder / _CLOCK).exists() else 60.0
    return CommandOutcome(
        process.exitcode, log.read_text() if log.exists() else "", begins_at + timedelta(seconds=elapsed)
    )


def _run(arguments: tuple[str, ...], folder: Path, environment: dict[str, str], begins_at: datetime, log: Path) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    with log.open("wb") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    with begin_at(begins_at) as clock:
        try:
            main(list(arguments))
        finally:
            (folder / _CLOCK).write_text(str(clock.elapsed_seconds))
            sys.stdout.flush()
            sys.stderr.flush()
