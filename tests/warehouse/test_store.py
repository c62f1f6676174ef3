from pathlib import Path

import pytest

from warehouse.errors import UnsupportedStore
from warehouse.store import open_store


def test_a_relative_path_belongs_to_the_base(tmp_path: Path) -> None:
    assert open_store("duckdb://data/x.duckdb", tmp_path).location == tmp_path.resolve() / "data" / "x.duckdb"
    assert list(tmp_path.iterdir()) == []


def test_three_slashes_are_absolute(tmp_path: Path) -> None:
    assert open_store(f"duckdb://{tmp_path}/x.duckdb", Path("/elsewhere")).location == tmp_path.resolve() / "x.duckdb"


@pytest.mark.parametrize(
    "url", ["parquet://", "delta+s3://", "delta://", "s3://bucket/x", "duckdb://", "data/x.duckdb", ""]
)
def test_other_addresses_are_refused_in_a_sentence(url: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedStore, match=r"duckdb://data/warehouse\.duckdb"):
        open_store(url, tmp_path)
