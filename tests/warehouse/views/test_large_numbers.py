"""Numbers that are as large as a fact can hold: their sums are unknown where they do not fit, and nobody else's are."""

from pathlib import Path

import pytest

from tests.support.report_warehouse import enlarge_numbers, fill_store
from tests.warehouse.sample import open_sample_store
from warehouse.ddl.views import view_queries
from warehouse.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_sample_store(tmp_path)
    fill_store(opened)
    return opened


@pytest.mark.parametrize("account", ["support", "sales", "voice"])
def test_one_account_breaks_no_view_for_the_others(store: Store, account: str) -> None:
    views = [name for name in view_queries() if name != "coverage"]
    others = f"SELECT * FROM {{}} WHERE account <> '{account}' ORDER BY ALL"
    before = {view: store.read(others.format(view)).to_pylist() for view in views if has_account(store, view)}
    enlarge_numbers(store, account)
    for view in views:
        store.read(f"SELECT * FROM {view}")
    assert {view: store.read(others.format(view)).to_pylist() for view in before} == before


def has_account(store: Store, view: str) -> bool:
    return "account" in store.read(f"SELECT * FROM {view} LIMIT 0").column_names
