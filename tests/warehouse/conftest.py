from pathlib import Path

import pytest

from tests.warehouse.sample import KINDS, store_at
from warehouse.stores import Store


@pytest.fixture(params=sorted(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    """Every kind of store: whoever asks for `store` is run on each of them."""
    return str(request.param)


@pytest.fixture
def store(kind: str, tmp_path: Path) -> Store:
    return store_at(tmp_path / "data", kind)
