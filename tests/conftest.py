"""What a test changes for the whole process is changed back after it."""

import logging
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("chatmart", deadline=None)  # a busy machine is no defect
settings.load_profile("chatmart")


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    """Restore the program's logger and the last word on errors: the command sets both for its whole process."""
    logger, hook = logging.getLogger("chatmart"), sys.excepthook
    handlers, propagate, level = logger.handlers[:], logger.propagate, logger.level
    yield
    logger.handlers[:], logger.propagate = handlers, propagate
    logger.setLevel(level)
    sys.excepthook = hook
