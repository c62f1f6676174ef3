"""The stores of the warehouse's own tests, for the suite that runs on each of them."""

from tests.warehouse.conftest import copy_filled, filled_stores, kind, one_day, store, three_days, two_days

__all__ = ["copy_filled", "filled_stores", "kind", "one_day", "store", "three_days", "two_days"]
