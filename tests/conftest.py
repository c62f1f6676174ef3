"""Fixtures for all tests: they undo the changes that a test makes to its process."""

import logging
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

from extractors import redaction
from extractors.secret_finder import SecretFinder
from tests.support.quick_variants import leave_most_variants_to_the_long_series
from tests.support.store_kinds import leave_other_kinds_to_the_long_series

settings.register_profile("chatmart", deadline=None)  # a busy machine is no defect
settings.load_profile("chatmart")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    leave_other_kinds_to_the_long_series(items, config.rootpath)
    leave_most_variants_to_the_long_series(items, config.rootpath)


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    """Restore the program's logger and the hook for uncaught errors: the command sets both for its process."""
    logger, hook = logging.getLogger("chatmart"), sys.excepthook
    handlers, propagate, level = logger.handlers[:], logger.propagate, logger.level
    yield
    logger.handlers[:], logger.propagate = handlers, propagate
    logger.setLevel(level)
    sys.excepthook = hook


@pytest.fixture(autouse=True)
def _forget_registered_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without a secret: one that another test registered would be masked in this test's data too."""
    for name in ("_secrets", "_signatures"):
        monkeypatch.setattr(redaction, name, SecretFinder())
