"""A landing zone on an object store, which several machines read and write.

Its objects have the names that the files of a folder have; the folders hold copies (``extractors.landing.mirror``).
Landed is what the store has: an open segment is sealed and written there before a commit rests on it, and before the
fetch lock is free. What a killed run had only on its machine is lost, and is asked for again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Lock

from extractors.landing.account_log import AccountLog
from extractors.landing.copy_files import do_at_once
from extractors.landing.erasure import OpenEraser
from extractors.landing.fetch_locks import FetchLocks
from extractors.landing.forgotten import LIST_NAME
from extractors.landing.mirror import Mirror
from extractors.landing.zone import LandingZone

log = logging.getLogger("chatmart.landing")

_LOCKS_NAME = "locks"


class SharedLandingZone(LandingZone):
    """All batches below one address of an object store.

    Every method raises OSError when the store fails, also those that raise nothing on a disk.
    """

    def __init__(
        self,
        copies: Mirror,
        open_eraser: OpenEraser = lambda _provider, _account: None,
        shared_locks: FetchLocks | None = None,
        claim: Callable[[Path, bool], None] | None = None,
    ) -> None:
        super().__init__(copies.root, open_eraser, shared_locks)
        self._copies = copies
        self._claim = claim
        self._claim_turn = Lock()
        self._is_claimed = False

    @property
    def address(self) -> str:
        """The address of the object store."""
        return self._copies.store.address

    @property
    def is_shared(self) -> bool:
        """Whether other machines may read and write it too."""
        return True

    def account_folder(self, provider: str, account: str) -> Path:
        """Return the folder of all streams of an account.

        It has what the store had when this account was looked at first, or refreshed.
        """
        folder = super().account_folder(provider, account)
        self._copies.require_known(folder)
        return folder

    def claim(self, *, takes_over: bool = False) -> None:
        """Note, once, under whose locks the zone is written."""
        with self._claim_turn:
            if self._claim is not None and (takes_over or not self._is_claimed):
                self._claim(self._all_locks, takes_over)
                self._is_claimed = True

    @property
    def _all_locks(self) -> Path:
        return self.root.parent / _LOCKS_NAME

    def lock_folder(self, provider: str, account: str) -> Path:
        """Return the folder of an account's lock: all processes of this machine have the same one."""
        return self._all_locks / f"provider={provider}" / f"account={account}"

    @asynccontextmanager
    async def open_log_aside(self, provider: str, account: str, *, recall: bool = True) -> AsyncIterator[None]:
        """Open an account's log as ``open_log`` does; its requests are sent from another thread."""
        opened = self.open_log(provider, account, recall=recall)
        await asyncio.to_thread(opened.__enter__)
        try:
            yield
        except BaseException as error:
            await asyncio.to_thread(opened.__exit__, type(error), error, error.__traceback__)
            raise
        await asyncio.to_thread(opened.__exit__, None, None, None)

    def sync(self, accounts: Collection[tuple[str, str]]) -> None:
        """Write what this process has landed of some accounts to the store, open segments too, which are sealed."""
        do_at_once(self._sync_account, [*accounts])

    def _sync_account(self, names: tuple[str, str]) -> None:
        folder = self.account_folder(*names)
        account_log = self._logs.get(folder)
        if account_log is not None:
            account_log.seal()
        self._copies.settle(folder)

    def refresh(self, accounts: Collection[tuple[str, str]]) -> None:
        """See what other machines have landed of some accounts, or removed.

        An account whose log is open here has no other writer.
        """
        do_at_once(self._refresh_account, [*accounts])

    def _refresh_account(self, names: tuple[str, str]) -> None:
        folder = super().account_folder(*names)
        with self._copies.hold(folder):
            if folder not in self._logs:
                self._copies.pull(folder)

    def refresh_list(self, provider: str, account: str) -> Path:
        """See whether an account has forgotten somebody on another machine. Return its folder."""
        folder = self.account_folder(provider, account)
        self._copies.refresh_file(folder / LIST_NAME)
        return folder

    def read_list_stamp(self, provider: str, account: str, *, is_current: bool = True) -> object:
        """Return a value that is another one when an account has forgotten somebody since.

        It is that of now; with ``is_current=False`` it is that of the copy.
        """
        path = self.account_folder(provider, account) / LIST_NAME
        return self._copies.read_current_version(path) if is_current else self._copies.known_version(path)

    def save_index(self, provider: str, account: str) -> None:
        """Save the index of an account for other machines, after a merge."""
        self._copies.save_index(self.account_folder(provider, account), at_once=True)

    def drop_other_copies(self, provider: str, account: str) -> None:
        """Remove the copies of an account that ended processes of this machine have left."""
        self._copies.drop_elsewhere(super().account_folder(provider, account))

    def check_access(self) -> None:
        """Write an object, read it and delete it."""
        self._copies.check_access()

    def check_index(self, provider: str, account: str) -> None:
        """Make the copies of an account anew, with their index: damage of a copy is none of the landing zone."""
        self._copies.drop_copies(super().account_folder(provider, account))
        super().check_index(provider, account)

    def list_accounts(self) -> list[tuple[str, str]]:
        """Return provider and account of every account that ever landed a batch, configured or not."""
        return self._copies.list_accounts()

    def _start_log(self, provider: str, account: str) -> AccountLog:
        folder = super().account_folder(provider, account)
        with self._copies.hold(folder):
            self._copies.pull(folder)
            return super()._start_log(provider, account)

    def _end_log(self, folder: Path, account_log: AccountLog, earlier_error: BaseException | None) -> None:
        """Write what a log holds to the store, and close it."""
        try:
            account_log.seal()
            self._copies.settle(folder)
            self._copies.save_index(folder)
        except OSError as error:
            if earlier_error is None:
                raise
            log.warning("%s: what was fetched last is lost: %s", folder.name, error)  # the first error is reported
        finally:
            super()._end_log(folder, account_log, earlier_error)
