"""The watch over the lists of forgotten people while a commit is prepared. Nothing is written here."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from extractors.account import Account
from extractors.landing.zone import LandingZone

_CHAIN_SECONDS = 0.01
"""The time between two questions of one commit. Between those of two commits the first one is written."""

_AT_ONCE = 16


class ForgottenWatch:
    """Tells whether accounts of a group have forgotten nobody since they were added.

    A commit asks for all of its accounts, one right after the other, when it holds the lock of the warehouse. The first
    question reads the lists of all accounts of the group from an object store, at once.
    """

    def __init__(self, landing: LandingZone) -> None:
        self._landing = landing
        self._stamps: dict[tuple[str, str], object] = {}
        self._current: dict[tuple[str, str], object] = {}
        self._last_question = float("-inf")

    def watch(self, account: Account) -> Callable[[], bool]:
        """Return a function that tells whether an account has forgotten nobody since now."""
        names = (account.provider, account.name)
        stamp = self._landing.read_list_stamp(*names, is_current=False)
        self._stamps.setdefault(names, stamp)
        return partial(self._is_current, names, stamp)

    def _is_current(self, names: tuple[str, str], stamp: object) -> bool:
        if not self._landing.is_shared:
            return self._landing.read_list_stamp(*names) == stamp
        if names not in self._current or time.monotonic() - self._last_question > _CHAIN_SECONDS:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                stamps = pool.map(lambda pair: self._landing.read_list_stamp(*pair), self._stamps)
                self._current = dict(zip(self._stamps, stamps, strict=True))
        self._last_question = time.monotonic()
        return self._current[names] == stamp
