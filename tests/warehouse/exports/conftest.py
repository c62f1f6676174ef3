"""The catalog, read once for all tests of exports."""

from collections.abc import Mapping

import pytest

from warehouse.exports.catalog import Relation, read_catalog


@pytest.fixture(scope="session")
def catalog() -> Mapping[str, Relation]:
    return read_catalog()
