"""Files of a landing zone, wherever they are kept. Their contents are not known here.

In a landing zone on a disk a landed file is a file, and these functions do no more than those of the system. In a
landing zone on an object store the file is a copy, which may be missing: beside it stands an empty file of the same
length, ``<name>.away``. Who opens it fetches it. The keeper of the copies (``extractors.landing.mirror``) registers
their folder here, so that whoever reads and writes files need not know which kind of landing zone they are in.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar
from weakref import WeakValueDictionary

from extractors.landing.files import write_private_file

T = TypeVar("T")

AWAY_ENDING = ".away"

INDEX_NAME = ".index.sqlite"
"""The index of an account's log: made here from the segments, never landed itself."""


class CopyKeeper(Protocol):
    """Keeps the files in a folder the same as the objects of a store. Every method raises OSError."""

    def bring(self, path: Path) -> None:
        """Fetch a file that is not here. Raises FileNotFoundError when the store has none."""
        ...

    def write(self, path: Path, content: bytes) -> None:
        """Write a file here and in the store."""
        ...

    def keep(self, path: Path) -> None:
        """Write a file that is here to the store too."""
        ...

    def remove(self, path: Path) -> None:
        """Remove a file here at once, and in the store when the next ``settle`` has written what is new."""
        ...

    def settle(self, folder: Path) -> None:
        """Write to the store what an account's folder has anew, then remove there what was removed here."""
        ...

    def read_document(self, path: Path) -> tuple[bytes | None, str | None]:
        """Return what the store has under a file's name, and its version; None for both when it has nothing."""
        ...

    def write_document(self, path: Path, content: bytes, version: str | None) -> bool:
        """Write to the store under a file's name if the version there is this one. Return whether it was."""
        ...

    def set_document_aside(self, path: Path, aside: Path, content: bytes) -> None:
        """Move what was read under a file's name to another one."""
        ...


_KEEPERS: WeakValueDictionary[Path, CopyKeeper] = WeakValueDictionary()


def register_keeper(root: Path, keeper: CopyKeeper) -> None:
    """Let a keeper care for all files below a folder, as long as it lives."""
    _KEEPERS[root] = keeper


def find_keeper(path: Path) -> CopyKeeper | None:
    """Return who keeps the copies in whose folder a path is; None for a file of a landing zone on a disk."""
    if not _KEEPERS:
        return None
    return next((keeper for root, keeper in list(_KEEPERS.items()) if root in path.parents), None)


def away_path(path: Path) -> Path:
    """Return the file that stands beside a landed one while that is not here."""
    return path.with_name(path.name + AWAY_ENDING)


def open_landed(path: Path) -> BinaryIO:
    """Open a landed file for reading. Raises FileNotFoundError when it is nowhere, and OSError."""
    keeper = find_keeper(path)
    if keeper is None:
        return path.open("rb")
    for _ in range(3):  # room may be needed for another file right after this one was fetched
        try:
            file = path.open("rb")
        except FileNotFoundError:
            keeper.bring(path)
        else:
            _mark_used(file)
            return file
    return path.open("rb")


def _mark_used(file: BinaryIO) -> None:
    """Set the instant of the last use: what was not used for the longest time makes room first."""
    os.utime(file.fileno(), ns=(time.time_ns(), os.fstat(file.fileno()).st_mtime_ns))


def read_landed(path: Path) -> bytes:
    """Return a landed file's content. Raises FileNotFoundError when it is nowhere, and OSError."""
    with open_landed(path) as file:
        return file.read()


def stat_landed(path: Path) -> os.stat_result:
    """Return the state of a landed file, which is here then. Raises FileNotFoundError when it is nowhere."""
    try:
        return path.stat()
    except FileNotFoundError:
        keeper = find_keeper(path)
        if keeper is None:
            raise
        keeper.bring(path)
        return path.stat()


def measure_landed(path: Path) -> int:
    """Return the length of a landed file in bytes without fetching it. Raises FileNotFoundError."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return away_path(path).stat().st_size


def list_landed(folder: Path, ending: str) -> Iterator[Path]:
    """Yield the landed files of a folder whose names have this ending, here or not."""
    names = {path.name.removesuffix(AWAY_ENDING) for path in folder.glob("*")}
    yield from (folder / name for name in sorted(names) if name.endswith(ending))


def write_landed(path: Path, content: bytes) -> None:
    """Write a whole landed file by rename; it survives a power cut when this returns."""
    keeper = find_keeper(path)
    if keeper is None:
        write_private_file(path, content, durable=True)
    else:
        keeper.write(path, content)


def keep_landed(path: Path) -> None:
    """See that a file which is written and synced here is landed: on a disk it is."""
    keeper = find_keeper(path)
    if keeper is not None:
        keeper.keep(path)


def remove_landed(path: Path) -> None:
    """Remove a landed file, if it exists. In an object store it is removed by ``settle_landed``."""
    keeper = find_keeper(path)
    if keeper is None:
        path.unlink(missing_ok=True)
    else:
        keeper.remove(path)


def settle_landed(folder: Path) -> None:
    """See that new files of an account's folder are landed, and that those removed are gone: on a disk they are."""
    keeper = find_keeper(folder)
    if keeper is not None:
        keeper.settle(folder)


def read_document(path: Path) -> tuple[bytes | None, str | None]:
    """Return the content of a file that several writers change in turn, and its version; None for both without one.

    On a disk there is no version: the lock of the account has one holder at a time.
    """
    keeper = find_keeper(path)
    if keeper is not None:
        return keeper.read_document(path)
    try:
        return path.read_bytes(), None
    except FileNotFoundError:
        return None, None


def write_document(path: Path, content: bytes, version: str | None) -> bool:
    """Write such a file; return False, with nothing written, when another writer has changed it since that version."""
    keeper = find_keeper(path)
    if keeper is not None:
        return keeper.write_document(path, content, version)
    write_private_file(path, content, durable=True)
    return True


def set_document_aside(path: Path, aside: Path, content: bytes) -> None:
    """Move such a file, which holds this content, to another name. It is absent then."""
    keeper = find_keeper(path)
    if keeper is None:
        path.replace(aside)
    else:
        keeper.set_document_aside(path, aside, content)


async def run_aside(path: Path, work: Callable[[], T]) -> T:
    """Return the result of work on such a file. In an object store it is done in a thread: a request takes some 40 ms.

    When the caller is cancelled, the work is finished all the same.
    """
    return work() if find_keeper(path) is None else await asyncio.to_thread(work)
