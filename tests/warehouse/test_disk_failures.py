"""A disk that fails: a sentence with path, cause and remedy; what is committed is what the books say."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import filelock
import pytest

# a module that is first imported while names of another one are replaced would keep the replacements
import warehouse.storage.delta.storage
import warehouse.storage.duckdb
import warehouse.storage.parquet  # noqa: F401
from tests.warehouse.sample import DAY, build_chunk_commit, build_full_tables, consecutive_days, query_rows
from warehouse.errors import StorageFailed, WarehouseError
from warehouse.store import Store

TOTAL = "SELECT CAST(sum(conversations) AS BIGINT) FROM conversation_daily"
APRIL = DAY.replace(month=4)
DISK_FULL = 'IO Error: Could not write file "x": No space left on device'


def commit_april(store: Store) -> None:
    store.commit(build_chunk_commit([APRIL], build_full_tables([APRIL], 25)))


@contextmanager
def failing_end(store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception) -> Iterator[None]:
    """Let the storage commit, and fail afterwards, once."""
    storage = store._storage  # the engine fails in there
    transaction, is_done = storage.transaction, False

    @contextmanager
    def transaction_that_fails(*arguments: Any) -> Iterator[Any]:
        nonlocal is_done
        with transaction(*arguments) as opened:
            yield opened
        if not is_done:
            is_done = True
            raise error

    with monkeypatch.context() as patch:
        patch.setattr(storage, "transaction", transaction_that_fails)
        yield


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), duckdb.IOException(DISK_FULL)])
def test_a_disk_that_is_full_after_the_commit_does_not_make_it_a_failure(
    one_day: Store, monkeypatch: pytest.MonkeyPatch, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with failing_end(one_day, monkeypatch, error):
        commit_april(one_day)
    assert "all the same, the books have the commit" in caplog.text
    one_day.publish()
    assert query_rows(one_day, TOTAL) == [(35,)]


@pytest.mark.parametrize(
    ("method", "act"),
    [("move_into_place", Store.publish), ("fsync_path", Store.publish), ("hold_writer_lock", commit_april)],
)
@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free some space there"),
        (errno.EACCES, "see that this user may read and write there"),
        (errno.EROFS, "mount it writable"),
        (errno.ENOLCK, "its file system has no locks"),
        (errno.EIO, "look at the disk's health"),
    ],
)
def test_a_failure_of_the_disk_is_a_sentence_and_loses_nothing(
    one_day: Store,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    act: Callable[[Store], object],
    number: int,
    remedy: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    if act is Store.publish:
        commit_april(one_day)
    takes_locks = "locks" if kind == "delta" else kind
    module = f"warehouse.storage.{'files' if method != 'hold_writer_lock' else takes_locks}"
    with monkeypatch.context() as patch:
        patch.setattr(f"{module}.{method}", fail)
        if method == "move_into_place":
            for name in ("duckdb", "parquet", "parquet_manifest"):
                patch.setattr(f"warehouse.storage.{name}.{method}", fail, raising=False)
        if method == "fsync_path":
            patch.setattr(f"warehouse.storage.parquet.{method}", fail, raising=False)
        with pytest.raises(StorageFailed) as caught:
            act(one_day)
    assert (
        str(caught.value)
        == f"{one_day.location}: {os.strerror(number)}; {remedy}" + str(caught.value).partition(remedy)[2]
    )
    if act is not Store.publish:
        commit_april(one_day)
    one_day.publish()
    assert query_rows(one_day, TOTAL) == [(35,)]


def test_a_file_system_without_locks_is_named_at_once(one_day: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(filelock._unix, "lock_fd_nonblocking", fail)
    with pytest.raises(StorageFailed, match="No locks available; its file system has no locks"):
        commit_april(one_day)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read all files")
def test_a_warehouse_of_another_user_is_not_to_be_moved_away(one_day: Store, kind: str) -> None:
    file = one_day.location if kind == "duckdb" else one_day.location / "_manifest.json"
    file.chmod(0)
    with pytest.raises(StorageFailed, match="Permission denied; see that this user may"):
        one_day.read("SELECT 1")


def test_the_engines_own_words_for_a_refused_file_are_understood(
    one_day: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from warehouse import engine

    class Refusing:
        def execute(self, _statement: str) -> None:
            raise duckdb.IOException(f'IO Error: Cannot open file "{tmp_path}": Permission denied')

    with pytest.raises(StorageFailed, match=f"^{tmp_path}/x: Permission denied; see that this user may"):
        engine.attach_warehouse(Refusing(), tmp_path / "x").__enter__()


def test_errors_of_the_disk_are_errors_of_the_warehouse() -> None:
    assert issubclass(StorageFailed, WarehouseError)
    assert consecutive_days(1) == [DAY]
