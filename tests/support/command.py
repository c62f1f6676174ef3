"""Run the command inside the test's own process, and return its output and exit code.

A test that needs a process of its own starts the installed program instead.
"""

import io
import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

from extractors import redaction
from extractors.secret_finder import SecretFinder
from pipelines.cli.main import main


@dataclass(frozen=True)
class CommandResult:
    """The exit code of a command, and its text on standard output and standard error."""

    exit_code: int
    out: str
    err: str


@contextmanager
def restore_process_settings() -> Iterator[None]:
    """Restore the settings that the command changes for its whole process: the logger, the hook for exceptions."""
    logger, hook = logging.getLogger("chatmart"), sys.excepthook
    before = (logger.handlers[:], logger.propagate, logger.level)
    try:
        yield
    finally:
        logger.handlers[:], logger.propagate = before[0], before[1]
        logger.setLevel(before[2])
        sys.excepthook = hook


def run_chatmart(capsys: pytest.CaptureFixture[str], *arguments: object) -> CommandResult:
    """Run the command with these arguments, then restore the settings of the process."""
    capsys.readouterr()
    with restore_process_settings(), pytest.raises(SystemExit) as exit_info:
        main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    assert isinstance(exit_info.value.code, int)
    return CommandResult(exit_info.value.code, output.out, output.err)


def run_as_if_alone(arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> CommandResult:
    """Run the command as in a process of its own: in this folder, with these variables, with no secret registered."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with (
        chdir(folder),
        mock.patch.dict(os.environ, environment, clear=True),
        mock.patch.multiple(redaction, _secrets=SecretFinder(), _signatures=SecretFinder()),
        restore_process_settings(),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as exit_info,
    ):
        main(list(arguments))
    assert isinstance(exit_info.value.code, int)
    return CommandResult(exit_info.value.code, *(stream.buffer.getvalue().decode() for stream in (out, err)))
