"""The invented warehouse in every kind of store, its report, and the page read back: made once."""

import pytest

from pipelines.report.build import Asked, make
from pipelines.report.model import Report
from pipelines.report.page.html import render
from tests.support.html_page import Element, read
from tests.support.report_warehouse import ACCOUNTS, NOW, fill
from tests.support.sample_world import begin_warehouse
from tests.warehouse.sample import store_at
from warehouse.store import Store


@pytest.fixture(scope="package")
def filled_file(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return fill_new(tmp_path_factory, "duckdb")


@pytest.fixture(scope="package", params=["duckdb", pytest.param("parquet", marks=pytest.mark.long)])
def filled(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Store:
    if request.param == "duckdb":
        store: Store = request.getfixturevalue("filled_file")
        return store
    return fill_new(tmp_path_factory, request.param)


def fill_new(tmp_path_factory: pytest.TempPathFactory, kind: str) -> Store:
    store = store_at(tmp_path_factory.mktemp("report"), kind)
    fill(store)
    return store


@pytest.fixture(scope="package")
def report(filled: Store) -> Report:
    return make(filled, Asked(ACCOUNTS), NOW)


@pytest.fixture(scope="package")
def page(report: Report) -> Element:
    return read(render(report))


@pytest.fixture
def empty(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return store_at(tmp_path_factory.mktemp("empty"))


@pytest.fixture
def begun(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store in which nothing is loaded; to make one anew takes longer than to load some days."""
    store = store_at(tmp_path_factory.mktemp("begun"))
    begin_warehouse(store.location)
    return store
