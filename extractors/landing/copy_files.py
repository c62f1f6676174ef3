"""The files in a folder of copies: which of them are copies, and work on several at once. No store is known here."""

import os
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import TypeVar

from extractors.landing.landed_files import AWAY_ENDING
from extractors.landing.objects import StoredObject

T = TypeVar("T")

LARGE_ENDING = ".zst"
"""The ending of files that are fetched when they are opened first."""

COPY_MODE = 0o400
"""A file that the store has can only be read: so a later run knows it from what a killed run has left."""

_AT_ONCE = 8
"""Requests at the same time: a store answers each after some 40 ms, whatever else it does."""

_OPEN_ENDING = ".jsonl"
_PART_ENDING = ".part"


def do_at_once(work: Callable[[T], object], items: Collection[T]) -> None:
    """Do some work for all items, several at once. Raises the first error, when the others are done."""
    if len(items) < 2:
        for item in items:
            work(item)
        return
    with ThreadPoolExecutor(min(_AT_ONCE, len(items))) as pool:
        for _ in pool.map(work, items):
            pass


def is_copy_of(path: Path, stat: os.stat_result, entry: StoredObject) -> bool:
    """Return whether a file is a copy, or stands for one: what a killed run has not written to the store is none."""
    return (path.name.endswith(AWAY_ENDING) or is_copy(stat)) and stat.st_size == entry.size


def is_copy(stat: os.stat_result) -> bool:
    """Return whether the store has a file, by its state."""
    return stat.st_mode & 0o777 == COPY_MODE


def is_copied(entry: StoredObject) -> bool:
    """Return whether an object has a copy: a hidden one, such as a journal, is read where it is."""
    return not entry.name.rpartition("/")[2].startswith(".")


def list_files(folder: Path) -> list[tuple[Path, os.stat_result]]:
    """Return all files of an account's folder but the index, with their states."""
    files = []
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # room was made
            stat = path.stat()
            if S_ISREG(stat.st_mode) and not path.name.startswith("."):
                files.append((path, stat))
    return files


def is_whole(path: Path) -> bool:
    """Return whether a file is neither being written nor away."""
    return not path.name.endswith((_OPEN_ENDING, _PART_ENDING, AWAY_ENDING))
