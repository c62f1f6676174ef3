"""Fixtures: the invented warehouse in each kind of store, its report, and the parsed page, built once each."""

import pytest

from extractors.account import Account
from pipelines.report.build import ReportRequest, build_report
from pipelines.report.model import Report
from pipelines.report.page.html import render_page
from tests.support.html_page import Element, parse_page
from tests.support.report_warehouse import ACCOUNTS, NOW, fill_rich_store, fill_store
from tests.support.sample_world import begin_warehouse
from tests.warehouse.sample import open_sample_store
from warehouse.store import Store


@pytest.fixture(scope="package")
def filled_file(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return build_filled_store(tmp_path_factory, "duckdb")


@pytest.fixture(scope="package", params=["duckdb", pytest.param("parquet", marks=pytest.mark.long)])
def filled_store(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Store:
    if request.param == "duckdb":
        store: Store = request.getfixturevalue("filled_file")
        return store
    return build_filled_store(tmp_path_factory, request.param)


def build_filled_store(tmp_path_factory: pytest.TempPathFactory, kind: str) -> Store:
    store = open_sample_store(tmp_path_factory.mktemp("report"), kind)
    fill_store(store)
    return store


@pytest.fixture(scope="package")
def rich_store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, list[Account]]:
    """The store of ``fill_rich_store``, and the accounts of its report."""
    store = open_sample_store(tmp_path_factory.mktemp("rich"))
    return store, fill_rich_store(store)


@pytest.fixture(scope="package")
def report(filled_store: Store) -> Report:
    return build_report(filled_store, ReportRequest(ACCOUNTS), NOW)


@pytest.fixture(scope="package")
def page(report: Report) -> Element:
    return parse_page(render_page(report))


@pytest.fixture
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_sample_store(tmp_path_factory.mktemp("empty"))


@pytest.fixture
def started_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A published store without slices, copied from a template: creating one takes longer than loading some days."""
    store = open_sample_store(tmp_path_factory.mktemp("started"))
    begin_warehouse(store.location)
    return store
