"""The stores of the warehouse's own tests, and a clean state for each provider's tests."""

import random

import pytest

from tests.warehouse.conftest import copy_filled, filled_stores, kind, one_day, store, three_days, two_days

__all__ = ["copy_filled", "filled_stores", "kind", "one_day", "store", "three_days", "two_days"]


@pytest.fixture(autouse=True)
def _same_jitter() -> None:
    random.seed(7)
