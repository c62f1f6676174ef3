"""The resources of one run: configuration, landing zone, warehouse, clock. They are only put together here."""

import uuid
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from extractors.account import Account
from extractors.clock import SYSTEM_CLOCK, Clock
from extractors.http.settings import HttpSettings
from pipelines.configuration.config import SHARED_WAREHOUSE, Config
from pipelines.loads.stop import StopSignal
from transforms.privacy import mark_privacy
from warehouse.records import AccountRow
from warehouse.store import LakeSettings, Store, open_store

if TYPE_CHECKING:
    from extractors.landing.erasure import Eraser
    from extractors.landing.zone import LandingZone
    from pipelines.loads.lock_owner import NotedOwner
    from pipelines.loads.lock_session import LockSession


def _new_run_id() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Workspace:
    """The resources of one run.

    ``run_id`` is written to the ledger with every slice that the run loads. ``command`` names the command or job that
    started the run. ``stop`` ends it early.
    """

    config: Config
    store: Store
    clock: Clock = SYSTEM_CLOCK
    http_settings: HttpSettings = field(default_factory=HttpSettings)
    run_id: str = field(default_factory=_new_run_id)
    command: str = "load"
    stop: StopSignal = field(default_factory=StopSignal)
    shared_locks: "LockSession | None" = None
    """The locks that several machines share; None where all locks are files of this machine."""

    @classmethod
    def open(cls, config: Config, run_id: str | None = None, command: str = "load") -> "Workspace":
        """Return the workspace of a configuration, without touching a file.

        Raises UnsupportedStore for an unknown form of ``warehouse``.
        """
        settings = config.settings
        session, owner = _find_locks(config, command)
        store = open_store(
            config.warehouse,
            config.folder,
            wait_seconds=settings.lock_wait_seconds,
            lake=LakeSettings(**dict(settings.delta)),
            shared_locks=session,
            lock_owner=owner,
        )
        return cls(config, store, run_id=run_id or _new_run_id(), command=command, shared_locks=session)

    @cached_property
    def landing(self) -> "LandingZone":
        """The landing zone. A query or the status never opens it."""
        from extractors.landing.zone import LandingZone  # imported late: readers of the warehouse do without

        return LandingZone(self.config.landing, self._open_eraser, self.shared_locks)

    def _open_eraser(self, provider: str, name: str) -> "Eraser | None":
        """Return the eraser of the people whom an account has forgotten; None where there are none."""
        from pipelines.loads.personal_data import open_eraser  # imported late: few accounts have forgotten anybody

        accounts = (account for account in self.config.accounts if (account.provider, account.name) == (provider, name))
        account = next(accounts, None)
        return None if account is None else open_eraser(self.landing, account)

    @property
    def staging(self) -> Path:
        """The folder of staged Parquet files between transform and commit."""
        return self.store.staging_folder


def _find_locks(config: Config, command: str) -> "tuple[LockSession | None, NotedOwner | None]":
    """Return the locks that machines share, and the owner of all locks; None for both where one machine does it all."""
    if config.settings.locks is None and not config.warehouse.startswith(SHARED_WAREHOUSE):
        return None, None
    # imported late: one machine does without
    from pipelines.configuration.lock_database import find_lock_database
    from pipelines.loads.lock_owner import NotedOwner
    from pipelines.loads.lock_session import open_session

    database = find_lock_database(config)
    session = open_session(database, command) if database is not None else None
    return session, NotedOwner(session, SYSTEM_CLOCK)


def build_account_row(account: Account) -> AccountRow:
    """Return an account as a row of ``dim_account``."""
    return AccountRow(
        account=account.name,
        provider=account.provider,
        external_id=account.external_id,
        timezone=account.timezone,
        start_date=account.start_date,
        lookback_days=account.lookback_days,
        privacy=mark_privacy(account),
    )
