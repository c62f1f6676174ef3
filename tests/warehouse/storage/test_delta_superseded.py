"""Readers of a lake whose files are removed, as superseded, while they open or read them."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.support.object_store import BUCKET, start_object_store
from tests.warehouse.sample import build_chunk_commit, build_full_tables, consecutive_days, query_rows
from warehouse.errors import UnreadableWarehouse
from warehouse.storage.delta import storage as delta_storage
from warehouse.storage.delta.lake import Lake
from warehouse.store import Store, open_store

TOTAL = "SELECT CAST(sum(conversations) AS BIGINT) FROM conversation_daily"
DAYS = consecutive_days(2)
SUPERSEDED, NEWEST = 3, 8
"""The conversations of either version."""


def load(store: Store, days: list[date], size: int) -> None:
    store.commit(build_chunk_commit(days, build_full_tables(days, size)))


def supersede(store: Store) -> None:
    load(store, DAYS, 4)
    store.purge()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = open_store("delta://lake", tmp_path)
    load(store, DAYS[:1], 3)
    assert query_rows(store, TOTAL) == [(SUPERSEDED,)]
    return store


def supersede_once_after(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, store: Store) -> list[str]:
    """Let the files of the version in hand be removed right after the first call of a function."""
    function, calls = getattr(owner, name), list[str]()

    def call(*arguments: Any, **named: Any) -> Any:
        result = function(*arguments, **named)
        calls.append(name)
        if len(calls) == 1:
            supersede(store)
        return result

    monkeypatch.setattr(owner, name, call)
    return calls


def test_a_reader_whose_files_go_while_it_opens_them_opens_the_newest(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = open_store("delta://lake", tmp_path)
    calls = supersede_once_after(monkeypatch, Lake, "paths_of", store)
    with reader.open_session(TOTAL) as session:
        assert session.run(TOTAL).to_pylist()[0].popitem()[1] == NEWEST
    assert len(calls) > 1


def test_a_query_whose_files_go_before_it_reads_them_is_run_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = open_store("delta://lake", tmp_path)
    supersede_once_after(monkeypatch, delta_storage, "create_table_views", store)
    assert query_rows(reader, TOTAL) == [(NEWEST,)]


def test_the_ledger_of_a_version_whose_files_go_is_read_from_the_newest(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = open_store("delta://lake", tmp_path)
    calls = supersede_once_after(monkeypatch, delta_storage, "files_of_scope", store)
    assert [row.date for row in reader.ledger()] == DAYS
    assert len(calls) > 1


def test_a_session_whose_files_went_says_so(store: Store, tmp_path: Path) -> None:
    reader = open_store("delta://lake", tmp_path)

    def read_what_is_superseded() -> None:
        with reader.open_session(TOTAL) as session:
            supersede(store)
            session.run(TOTAL)

    with pytest.raises(UnreadableWarehouse, match=r"lake was changed while it was read, .*: run the same command"):
        read_what_is_superseded()
    assert query_rows(reader, TOTAL) == [(NEWEST,)]


@pytest.mark.long
def test_a_lake_that_is_damaged_is_still_named_so(store: Store, tmp_path: Path) -> None:
    for path in (tmp_path / "lake").glob("_table=fact_conversation_daily/*/*"):
        path.unlink()
    with pytest.raises(UnreadableWarehouse, match=r"is missing\). Run `chatmart check --repair`"):
        query_rows(store, TOTAL)


@pytest.mark.long
def test_a_copy_that_another_process_removed_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start_object_store()
    store = open_store(f"delta+s3://{BUCKET}/{tmp_path.name}", tmp_path)
    load(store, DAYS[:1], 3)
    reader = open_store(f"delta+s3://{BUCKET}/{tmp_path.name}", tmp_path)
    supersede_once_after(monkeypatch, Lake, "paths_of", store)
    assert query_rows(reader, TOTAL) == [(NEWEST,)]
