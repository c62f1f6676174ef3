"""The command inside the test's own process: what it printed and its exit code."""

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
from pipelines.cli.main import main


@dataclass(frozen=True)
class CommandResult:
    exit_code: int
    out: str
    err: str


@contextmanager
def process_settings_kept() -> Iterator[None]:
    """Set back what the command sets for its whole process: the logger, the hook for defects."""
    logger, hook = logging.getLogger("chatmart"), sys.excepthook
    before = (logger.handlers[:], logger.propagate, logger.level)
    try:
        yield
    finally:
        logger.handlers[:], logger.propagate = before[0], before[1]
        logger.setLevel(before[2])
        sys.excepthook = hook


def run_chatmart(capsys: pytest.CaptureFixture[str], *arguments: object) -> CommandResult:
    """Run the command with these arguments; what it sets for its whole process is set back."""
    capsys.readouterr()
    with process_settings_kept(), pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    told = capsys.readouterr()
    assert isinstance(left.value.code, int)
    return CommandResult(left.value.code, told.out, told.err)


def run_as_if_alone(arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> CommandResult:
    """Run the command as a process of its own would: in this folder, with these variables, knowing no secret yet."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with (
        chdir(folder),
        mock.patch.dict(os.environ, environment, clear=True),
        mock.patch.multiple(redaction, _secrets=set(), _signatures=set()),
        process_settings_kept(),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as left,
    ):
        main(list(arguments))
    assert isinstance(left.value.code, int)
    return CommandResult(left.value.code, *(stream.buffer.getvalue().decode() for stream in (out, err)))
