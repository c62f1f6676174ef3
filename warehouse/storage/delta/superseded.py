"""Readers of a version whose files were removed while they read it, as `forget` does at once: they open the newest one.

No lock holds up the removal for readers. What must not come in: what is read, the removal of files.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from warehouse.errors import UnreadableWarehouse
from warehouse.storage.delta.lake import Lake
from warehouse.storage.delta.log import LogSnapshot


@contextmanager
def open_newest(open_version: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """Open the newest version, which `open_version` looks up; once more when it cannot be opened.

    A file may be removed between the look at the log and the look at the file. A damaged lake fails the second time
    too: raises UnreadableWarehouse.
    """
    with ExitStack() as opened:
        try:
            opened.enter_context(open_version())
        except UnreadableWarehouse:
            opened.enter_context(open_version())
        yield


@contextmanager
def raise_if_moved_on(lake: Lake, seen: LogSnapshot) -> Iterator[None]:
    """Raise UnreadableWarehouse with the true cause when files of a version that is not the newest cannot be read."""
    try:
        yield
    except UnreadableWarehouse as error:
        if lake.log.snapshot().version == seen.version:
            raise
        raise UnreadableWarehouse(
            f"{lake.address} was changed while it was read, and files of its earlier version were removed at once, as "
            "`chatmart forget` does: run the same command again."
        ) from error
