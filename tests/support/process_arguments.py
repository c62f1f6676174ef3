"""The arguments of a process and of all that it starts, as every user of the machine can read them while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

SECONDS_BETWEEN = 0.1


@contextmanager
def collect_arguments(pid: int) -> Iterator[set[str]]:
    """Within the block, collect the arguments of a process and its descendants, each process as one text.

    A process that ends is no descendant any more; those that it started before are kept in sight.
    """
    seen: set[str] = set()
    family, stop = {pid}, Event()

    def watch() -> None:
        while not stop.wait(SECONDS_BETWEEN):
            _read_family(family, seen)

    watcher = Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        stop.set()
        watcher.join()


def _read_family(family: set[int], seen: set[str]) -> None:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            parent = int((folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
            if parent in family or int(folder.name) in family:
                family.add(int(folder.name))
                seen.add((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
