"""The stores of the warehouse's own tests, and a clean state for each provider's tests."""

import random
from pathlib import Path

import pytest

from tests.warehouse.conftest import copy_filled, filled_stores, one_day, store, three_days, two_days
from tests.warehouse.sample import CONFORMING_KINDS

__all__ = ["copy_filled", "filled_stores", "kind", "one_day", "store", "three_days", "two_days"]


@pytest.fixture(params=sorted(CONFORMING_KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    """Every kind of store: whoever asks for `store` is run on each of them."""
    return str(request.param)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave most of the object store to the long series: a folder of the same store runs all of it."""
    for item in items:
        is_of_all_kinds = item.path.parent == Path(__file__).parent and "test_restated" not in item.name
        if is_of_all_kinds and "delta+s3" in item.name:
            item.add_marker(pytest.mark.long)


@pytest.fixture(autouse=True)
def _same_jitter() -> None:
    random.seed(7)
