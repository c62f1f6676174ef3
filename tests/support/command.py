"""The command inside the test's own process: what it printed and its exit code."""

import logging
import sys
from dataclasses import dataclass

import pytest

from pipelines.cli.main import main


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


def chatmart(capsys: pytest.CaptureFixture[str], *arguments: object) -> Said:
    """Run the command with these arguments; what it sets for its whole process is set back."""
    logger, hook = logging.getLogger("chatmart"), sys.excepthook
    before = (logger.handlers[:], logger.propagate, logger.level)
    capsys.readouterr()
    try:
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
    finally:
        logger.handlers[:], logger.propagate = before[0], before[1]
        logger.setLevel(before[2])
        sys.excepthook = hook
    told = capsys.readouterr()
    assert isinstance(left.value.code, int)
    return Said(left.value.code, told.out, told.err)
