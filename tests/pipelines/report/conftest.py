"""The invented warehouse in every kind of store, its report, and the page read back: made once."""

import pytest

from pipelines.report.making import Asked, make
from pipelines.report.model import Report
from pipelines.report.page import render
from tests.support.pages import Element, read
from tests.support.reported import ACCOUNTS, NOW, fill
from tests.warehouse.sample import KINDS, store_at
from warehouse.stores import Store


@pytest.fixture(scope="package", params=sorted(KINDS))
def filled(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Store:
    store = store_at(tmp_path_factory.mktemp("report"), request.param)
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
