"""Reading a lake: its files are of one form, and a damaged one is named with the way out, whenever it is met."""

from pathlib import Path

import duckdb
import pytest

from tests.warehouse.filled import FilledStores, load_two_days
from tests.warehouse.sample import query_rows
from warehouse.ddl.create import table_statements
from warehouse.errors import QueryError, UnreadableWarehouse
from warehouse.model.schema import metadata
from warehouse.model.schemas import name_with_schema
from warehouse.store import Store

TOTAL = "SELECT CAST(sum(conversations) AS BIGINT) FROM conversation_daily"
WAY_OUT = "Move the lake's folder away, and run `chatmart replay`"


@pytest.fixture
def store(filled_stores: FilledStores, tmp_path: Path) -> Store:
    return filled_stores.copy("parquet", load_two_days, tmp_path)


def find_file(store: Store) -> Path:
    [file] = (store.location / "_versions").glob("fact_conversation_daily.*")
    return file


def test_files_of_the_present_version_have_the_declared_columns_and_types(store: Store) -> None:
    """So the engine reads many of them without a look at each."""
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA star; CREATE SCHEMA books")
        for name in metadata.tables:
            con.execute(table_statements()[name])
            declared = [row[:2] for row in con.execute(f"DESCRIBE {name_with_schema(name)}").fetchall()]
            for file in (store.location / "_versions").glob(f"{name}.*"):
                rows = f"read_parquet('{file}', hive_partitioning = false)"
                assert [row[:2] for row in con.execute(f"DESCRIBE FROM {rows}").fetchall()] == declared, file.name


@pytest.mark.parametrize("content", [None, b"", b"PAR1"], ids=["missing", "empty", "cut"])
def test_a_session_is_not_opened_on_a_lake_with_a_file_in_part(store: Store, content: bytes | None) -> None:
    file = find_file(store)
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UnreadableWarehouse, match=WAY_OUT) as caught, store.open_session():
        pass
    assert str(file) in str(caught.value)
    assert query_rows(store, "SELECT count(*) FROM load_ledger") == [(2,)], "what is whole can be asked"


def test_a_damage_that_leaves_the_size_is_named_by_the_query_that_meets_it(store: Store) -> None:
    file = find_file(store)
    file.write_bytes(b"x" * file.stat().st_size)
    with pytest.raises(UnreadableWarehouse, match=WAY_OUT) as caught:
        store.read(TOTAL)
    assert file.name in str(caught.value)


def test_a_changed_byte_anywhere_is_damage_and_no_defect(store: Store) -> None:
    file, sentences = find_file(store), []
    content = file.read_bytes()
    for place in range(4, len(content), 37):
        file.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            query_rows(store, TOTAL)
        except UnreadableWarehouse as error:
            sentences.append(str(error))
    assert sentences
    assert all("The lake has a file that cannot be read" in sentence for sentence in sentences)
    assert any(file.name in sentence for sentence in sentences)


def test_a_damaged_file_that_is_not_of_the_lake_is_the_querys_own(store: Store, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.parquet"
    foreign.write_bytes(b"x" * 100)
    with pytest.raises(QueryError, match=r"foreign\.parquet"):
        store.read(f"SELECT count(*) FROM '{foreign}', dim_date")
