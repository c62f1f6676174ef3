from pathlib import Path

import pytest

from warehouse.duckdb_store import DuckDBStore


@pytest.fixture
def store(tmp_path: Path) -> DuckDBStore:
    return DuckDBStore(tmp_path / "data" / "warehouse.duckdb")
