"""The landing zone: its folders, and the batches in them. The meaning of a response is not known here.

``provider=P/account=A/`` holds the landing log of an account: segments of JSON Lines (``extractors.landing.segments``),
an index that can be rebuilt from them, ``bodies/`` with the bodies that are too large for a line, and ``rejected/``
with markers of batches that a transform refused. An answer is in the log as soon as it came; the line of its batch
follows when all answers are there, and makes it visible. The number in it counts the arrivals of an account: their
order does not rest on a clock that may have been set.

In an object store the same files are objects, and the folders hold copies: ``extractors.landing.shared_zone``.

Earlier releases wrote two files for each batch (``extractors.landing.batch_files``). These stay where they are, and are
read, replayed and pruned as ever. Every file is readable by its owner only.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from extractors.clock import SYSTEM_CLOCK, Clock
from extractors.landing.account_log import AccountLog
from extractors.landing.batch import Batch, BatchKey
from extractors.landing.batch_files import list_file_batches, read_last_file_number
from extractors.landing.erasure import OpenEraser
from extractors.landing.fetch_locks import FetchLocks
from extractors.landing.files import make_private_folder
from extractors.landing.forgotten import LIST_NAME, read_list_stamp
from extractors.landing.index import LandingIndex
from extractors.landing.log_batches import build_batch
from extractors.landing.segments import list_segments, scan_open, sync_open_segments
from extractors.landing.writer import BatchWriter
from extractors.windows import Window


class LandingZone:
    """All batches under one folder of this machine."""

    def __init__(
        self,
        root: Path,
        open_eraser: OpenEraser = lambda _provider, _account: None,
        shared_locks: FetchLocks | None = None,
    ) -> None:
        self.root = root
        self.shared_locks = shared_locks
        """Locks that processes of several machines have in common; None where all are on this one."""
        self.open_eraser = open_eraser
        """Returns what keeps forgotten people of an account out of its new batches."""
        self._logs: dict[Path, AccountLog] = {}
        self._users: Counter[Path] = Counter()

    @property
    def address(self) -> str:
        """The folder, or the address of an object store: what a person is shown, and what machines share."""
        return str(self.root)

    @property
    def is_shared(self) -> bool:
        """Whether other machines may read and write it too."""
        return False

    def account_folder(self, provider: str, account: str) -> Path:
        """Return the folder of all streams of an account. The names are validated slugs, never texts of a response."""
        return self.root / f"provider={provider}" / f"account={account}"

    def claim(self, *, takes_over: bool = False) -> None:
        """Note, where machines share the zone, under whose locks it is written. In a folder nothing is done.

        Raises PermissionError, with a sentence, where others guard it, unless it ``takes_over``; and ConnectionError.
        """

    def lock_folder(self, provider: str, account: str) -> Path:
        """Return the folder of an account's lock: all processes of this machine have the same one."""
        return self.account_folder(provider, account)

    def file_folder(self, provider: str, account: str, stream: str) -> Path:
        """Return the folder in which earlier releases kept a stream's batches."""
        return self.account_folder(provider, account) / f"stream={stream}"

    def make_folder(self, folder: Path) -> None:
        """Make a folder of the zone, and those above it in the zone, for their owner only."""
        make_private_folder(self.root, folder)

    @contextmanager
    def open_log(self, provider: str, account: str, *, recall: bool = True) -> Iterator[None]:
        """Open an account's log for writing, and seal it at the end. Only for the holder of its fetch lock.

        Without ``recall`` the answers of a killed run are not given out. Raises OSError when it cannot be written or
        does not read back.
        """
        with self._borrow_log(provider, account) as log:
            if not recall:
                log.forget_answers()
            yield
            log.seal()

    @asynccontextmanager
    async def open_log_aside(self, provider: str, account: str, *, recall: bool = True) -> AsyncIterator[None]:
        """Open an account's log as ``open_log`` does, without holding up other tasks of the event loop."""
        with self.open_log(provider, account, recall=recall):
            yield

    def sync(self, accounts: Collection[tuple[str, str]]) -> None:
        """Write what is landed of some accounts to disk: by this process, by another one, or by a killed run.

        Raises OSError.
        """
        for provider, account in accounts:
            folder = self.account_folder(provider, account)
            log = self._logs.get(folder)
            if log is not None:
                log.sync()
            else:
                sync_open_segments(folder)

    def refresh(self, accounts: Collection[tuple[str, str]]) -> None:
        """See what others have landed of some accounts, or removed. On a disk it is seen at once. Raises OSError."""

    def refresh_list(self, provider: str, account: str) -> Path:
        """See whether an account has forgotten somebody. Return its folder. Raises OSError."""
        return self.account_folder(provider, account)

    def read_list_stamp(self, provider: str, account: str, *, is_current: bool = True) -> object:
        """Return a value that is another one when an account has forgotten somebody since.

        It is that of now; with ``is_current=False`` it is that of what was read here. Raises OSError.
        """
        return read_list_stamp(self.account_folder(provider, account))

    def save_index(self, provider: str, account: str) -> None:
        """Save the index of an account for other machines, after a merge. Raises OSError."""

    def drop_other_copies(self, provider: str, account: str) -> None:
        """Remove the copies of an account that ended processes have left. On a disk there are none. Raises OSError."""

    def check_access(self) -> None:
        """See that an object store can be read and written. Raises OSError."""

    def list_accounts(self) -> list[tuple[str, str]]:
        """Return provider and account of every account that ever landed a batch, configured or not. Raises OSError."""
        folders = sorted(self.root.glob("provider=*/account=*"))
        return [(folder.parent.name.partition("=")[2], folder.name.partition("=")[2]) for folder in folders]

    @contextmanager
    def open_writer(self, key: BatchKey, clock: Clock = SYSTEM_CLOCK) -> Iterator[BatchWriter]:
        """Open a writer for one new batch, in the log of its account."""
        list_landed = partial(self.list_batches, key.provider, key.account, key.stream, key.window)
        eraser = self.open_eraser(key.provider, key.account) if self._has_forgotten(key) else None
        batch_eraser = eraser.open_batch(key.stream, key.window) if eraser is not None else None
        with (
            self._borrow_log(key.provider, key.account) as log,
            BatchWriter(log, key, list_landed, clock, batch_eraser) as writer,
        ):
            yield writer

    def _has_forgotten(self, key: BatchKey) -> bool:
        return (self.account_folder(key.provider, key.account) / LIST_NAME).exists()

    @contextmanager
    def _borrow_log(self, provider: str, account: str) -> Iterator[AccountLog]:
        """Open an account's log, or use it while another user has it open; the last one closes it."""
        folder = self.account_folder(provider, account)
        log = self._logs.get(folder) or self._start_log(provider, account)
        self._users[folder] += 1
        try:
            yield log
        except BaseException as error:
            self._end_use(folder, log, error)
            raise
        self._end_use(folder, log, None)

    def _end_use(self, folder: Path, log: AccountLog, error: BaseException | None) -> None:
        self._users[folder] -= 1
        if not self._users[folder]:
            self._end_log(folder, log, error)

    def _start_log(self, provider: str, account: str) -> AccountLog:
        folder = self.account_folder(provider, account)
        log = self._logs[folder] = AccountLog(self.root, folder, self.read_last_number(provider, account))
        return log

    def _end_log(self, folder: Path, log: AccountLog, _error: BaseException | None) -> None:
        log.close()
        del self._logs[folder], self._users[folder]

    def read_last_number(self, provider: str, account: str) -> int:
        """Return the highest arrival number of an account, over all its streams; 0 when no batch has one."""
        folder = self.account_folder(provider, account)
        log = self._logs.get(folder)
        if log is not None:
            return log.last_number
        earlier = (read_last_file_number(stream) for stream in folder.glob("stream=*"))
        open_numbers: Iterator[int] = (line["number"] for line in self._list_open_lines(folder))
        return max([LandingIndex(folder).read_last_number(), *earlier, *open_numbers])

    def check_index(self, provider: str, account: str) -> None:
        """Look through the index of an account's landed batches; one that is damaged is made anew. Raises OSError."""
        LandingIndex(self.account_folder(provider, account)).check()

    def list_streams(self, provider: str, account: str) -> list[str]:
        """Return the streams of an account that ever landed a batch, enabled today or not, in order of their names."""
        folder = self.account_folder(provider, account)
        earlier = (path.name.removeprefix("stream=") for path in folder.glob("stream=*"))
        open_streams = (line["stream"] for line in self._list_open_lines(folder))
        return sorted({*earlier, *open_streams, *LandingIndex(folder).list_streams()})

    def list_batches(self, provider: str, account: str, stream: str, within: Window | None = None) -> list[Batch]:
        """Return the batches of one stream in order of arrival; with ``within`` only those that touch its days."""
        folder = self.account_folder(provider, account)
        earlier = list_file_batches(self.file_folder(provider, account, stream), provider, account, stream, within)
        # the open segment first: when it is sealed meanwhile, the index has it too
        open_lines = [line for line in self._list_open_lines(folder) if _is_wanted(line, stream, within)]
        indexed = LandingIndex(folder).list_batch_lines(stream, within)
        # a segment of another account that was copied here has the same numbers, and may hide no batch
        own = [line for line in (*open_lines, *indexed) if (line["provider"], line["account"]) == (provider, account)]
        lines = {line["number"]: line for line in own}
        logged = [build_batch(folder, provider, account, line) for _number, line in sorted(lines.items())]
        return sorted([*earlier, *logged], key=lambda batch: batch.arrival)

    def _list_open_lines(self, folder: Path) -> Iterable[dict[str, Any]]:
        """Return the batch lines of an account's open segment, which this or another process is writing."""
        log = self._logs.get(folder)
        if log is not None:
            return list(log.batch_lines)
        segments = [segment for segment in list_segments(folder) if not segment.is_sealed]
        try:
            return [
                line
                for segment in segments
                for line in _read_open_lines(segment.path, segment.stem, segment.path.stat().st_size)
            ]
        except FileNotFoundError:  # sealed meanwhile
            return ()


@lru_cache(maxsize=4)
def _read_open_lines(path: Path, stem: str, _size: int) -> list[dict[str, Any]]:
    return [fields for _, fields in scan_open(path, stem)[1] if fields["kind"] == "batch"]


def _is_wanted(line: dict[str, Any], stream: str, within: Window | None) -> bool:
    if line["stream"] != stream:
        return False
    first, end = line["window"]
    return within is None or (first < within.end.isoformat() and end > within.start.isoformat())
