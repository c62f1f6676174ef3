from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.warehouse.filled import Fill, FilledStores, load_one_day, load_three_days, load_two_days
from tests.warehouse.sample import STORE_KINDS, open_sample_store
from warehouse.docs.catalog import Relation, read_catalog
from warehouse.store import Store


@pytest.fixture(params=sorted(STORE_KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    """Every kind of store: whoever asks for `store` is run on each of them."""
    return str(request.param)


@pytest.fixture
def store(kind: str, tmp_path: Path) -> Store:
    return open_sample_store(tmp_path / "data", kind)


@pytest.fixture(scope="session")
def filled_stores(tmp_path_factory: pytest.TempPathFactory) -> FilledStores:
    return FilledStores(tmp_path_factory.mktemp("filled"))


@pytest.fixture
def copy_filled(filled_stores: FilledStores, kind: str, tmp_path: Path) -> Callable[[Fill], Store]:
    """Return a copy, of this kind and at the place of `store`, of the warehouse that a function fills once."""
    return lambda fill: filled_stores.copy(kind, fill, tmp_path / "data")


@pytest.fixture
def one_day(copy_filled: Callable[[Fill], Store]) -> Store:
    """A published warehouse of one full day."""
    return copy_filled(load_one_day)


@pytest.fixture
def two_days(copy_filled: Callable[[Fill], Store]) -> Store:
    """A published warehouse of two full days."""
    return copy_filled(load_two_days)


@pytest.fixture
def three_days(copy_filled: Callable[[Fill], Store]) -> Store:
    """A published warehouse of three full days."""
    return copy_filled(load_three_days)


@pytest.fixture(scope="session")
def catalog() -> Mapping[str, Relation]:
    """All tables and views, read once."""
    return read_catalog()
