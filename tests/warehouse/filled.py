"""Warehouses that are filled once per process: copying their files takes a tenth of the time of a load."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

from tests.warehouse.sample import (
    DAY,
    STORE_KINDS,
    build_chunk_commit,
    build_full_tables,
    consecutive_days,
    open_sample_store,
)
from warehouse.store import Store

Fill = Callable[[Store], object]


class FilledStores:
    """One filled warehouse per kind and function that fills it, in a folder below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: dict[tuple[str, Fill], Path] = {}

    def copy(self, kind: str, fill: Fill, folder: Path) -> Store:
        """Return a copy in `folder` that the test may change. Objects are not copied, but filled anew."""
        if kind not in STORE_KINDS:
            store = open_sample_store(folder, kind)
            fill(store)
            return store
        if (kind, fill) not in self._folders:
            original = self._root / str(len(self._folders))
            fill(open_sample_store(original, kind))
            self._folders[kind, fill] = original
        copy_tree(self._folders[kind, fill], folder)
        return open_sample_store(folder, kind)


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder; names of one file stay names of one file, as a lake has them."""
    copies: dict[int, str] = {}

    def copy_once(old: str, new: str) -> None:
        inode = Path(old).stat().st_ino
        if inode in copies:
            Path(new).hardlink_to(copies[inode])
        else:
            copies[inode] = new
            shutil.copy2(old, new)

    shutil.copytree(source, target, copy_function=copy_once, dirs_exist_ok=True)


def load_days(store: Store, count: int, start: date = DAY) -> None:
    """Load full days and publish them."""
    store.commit(build_chunk_commit(consecutive_days(count, start), build_full_tables(consecutive_days(count, start))))
    store.publish()


def load_one_day(store: Store) -> None:
    load_days(store, 1)


def load_two_days(store: Store) -> None:
    load_days(store, 2)


def load_three_days(store: Store) -> None:
    load_days(store, 3)
