"""The resources of one run: configuration, landing zone, warehouse, clock. They are only put together here."""

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import ref

from extractors.account import Account
from extractors.clock import SYSTEM_CLOCK, Clock
from extractors.http.settings import HttpSettings
from pipelines.configuration.config import Config
from pipelines.configuration.settings import OperatingSettings
from pipelines.loads.stop import StopSignal
from transforms.privacy import mark_privacy
from warehouse.records import AccountRow
from warehouse.storage.object_store import require_library
from warehouse.store import LakeSettings, Store, open_store

if TYPE_CHECKING:
    from extractors.landing.erasure import Eraser, OpenEraser
    from extractors.landing.zone import LandingZone
    from pipelines.loads.lock_owner import NotedOwner
    from pipelines.loads.lock_session import LockSession


def _new_run_id() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True)
class RunPart:
    """The part of a run that this process does, where several do it.

    ``name`` is unique: a second attempt at a part has another one. ``run_started_at`` (UTC) is the start of the run.
    """

    name: str
    run_started_at: datetime


@dataclass(frozen=True)
class Workspace:
    """The resources of one run.

    ``run_id`` is written to the ledger with every slice that the run loads. ``command`` names the command or job that
    started the run. ``stop`` ends it early. ``part`` is None where this process does the whole run: it then describes
    the accounts, writes the run's rows and publishes, which no part does.
    """

    config: Config
    store: Store
    clock: Clock = SYSTEM_CLOCK
    http_settings: HttpSettings = field(default_factory=HttpSettings)
    run_id: str = field(default_factory=_new_run_id)
    command: str = "load"
    stop: StopSignal = field(default_factory=StopSignal)
    part: RunPart | None = None
    shared_locks: "LockSession | None" = None
    """The locks that several machines share; None where all locks are files of this machine."""
    lock_owner: "NotedOwner | None" = None
    """What guards the places that machines share; None where there are none."""

    @classmethod
    def open(
        cls, config: Config, run_id: str | None = None, command: str = "load", part: RunPart | None = None
    ) -> "Workspace":
        """Return the workspace of a configuration, without touching a file.

        Raises UnsupportedStore for an unknown form of ``warehouse``.
        """
        settings = config.settings
        session, owner = _find_locks(config, command)
        store = open_store(
            config.warehouse,
            config.folder,
            wait_seconds=settings.lock_wait_seconds,
            lake=build_lake_settings(settings),
            shared_locks=session,
            lock_owner=owner,
        )
        return cls(
            config,
            store,
            run_id=run_id or _new_run_id(),
            command=command,
            part=part,
            shared_locks=session,
            lock_owner=owner,
        )

    @cached_property
    def landing(self) -> "LandingZone":
        """The landing zone. A query or the status never opens it.

        Raises UnsupportedStore for an object store that cannot be used, and OSError.
        """
        config = self.config

        def open_account_eraser(provider: str, name: str) -> "Eraser | None":
            zone = weakly()  # a zone that held itself would keep its folder of copies from the next one
            return None if zone is None else _open_eraser(config, zone, provider, name)

        landing = _open_landing(config, open_account_eraser, self.shared_locks, self.lock_owner)
        weakly = ref(landing)
        return landing

    def take_over(self) -> list[str]:
        """Guard what machines share with the locks of this configuration, whoever guards it. Return the addresses.

        Raises StorageFailed, ConnectionError and OSError.
        """
        addresses = [self.store.address] if self.store.take_over() else []
        if self.landing.is_shared:
            self.landing.claim(takes_over=True)
            addresses.append(self.landing.address)
        return addresses

    @property
    def staging(self) -> Path:
        """The folder of staged Parquet files between transform and commit."""
        return self.store.staging_folder

    @property
    def run_staging(self) -> Path:
        """The folder of this run's staged files, or of those of this part of it."""
        return self.staging / (self.part.name if self.part else self.run_id)


def _find_locks(config: Config, command: str) -> "tuple[LockSession | None, NotedOwner | None]":
    """Return the locks that machines share, and the owner of all locks; None for both where one machine does it all."""
    if config.settings.locks is None and not config.is_shared:
        return None, None
    # imported late: one machine does without
    from pipelines.configuration.lock_database import find_lock_database
    from pipelines.loads.lock_owner import NotedOwner
    from pipelines.loads.lock_session import open_session

    database = find_lock_database(config)
    session = open_session(database, command) if database is not None else None
    return session, NotedOwner(session, SYSTEM_CLOCK)


def _open_landing(
    config: Config,
    open_account_eraser: "OpenEraser",
    shared_locks: "LockSession | None",
    lock_owner: "NotedOwner | None",
) -> "LandingZone":
    from extractors.landing.zone import LandingZone  # imported late: readers of the warehouse do without

    if isinstance(config.landing, Path):
        return LandingZone(config.landing, open_account_eraser, shared_locks)
    landing_url = config.landing
    require_library(landing_url)
    from extractors.landing.shared_zone import SharedLandingZone  # imported late: few landing zones are shared
    from pipelines.loads.landing_objects import LandingNotes, open_copies

    settings = config.settings
    most_bytes = int(settings.object_store.copies_gigabytes * 1e9)
    copies = open_copies(landing_url, config.folder / "data", build_lake_settings(settings), most_bytes)
    notes = LandingNotes(copies.store)

    def claim(folder: Path, takes_over: bool) -> None:
        if lock_owner is not None:
            act = lock_owner.take_over if takes_over else lock_owner.claim
            act(landing_url, notes, folder)

    return SharedLandingZone(copies, open_account_eraser, shared_locks, claim)


def _open_eraser(config: Config, landing: "LandingZone", provider: str, name: str) -> "Eraser | None":
    """Return the eraser of the people whom an account has forgotten; None where there are none."""
    from pipelines.loads.personal_data import open_eraser  # imported late: few accounts have forgotten anybody

    accounts = (account for account in config.accounts if (account.provider, account.name) == (provider, name))
    account = next(accounts, None)
    return None if account is None else open_eraser(landing, account)


def build_lake_settings(settings: OperatingSettings) -> LakeSettings:
    """Return the settings of a configuration about its object store and its Delta lake."""
    way = settings.object_store
    return LakeSettings(way.endpoint, way.region, way.allow_http, settings.delta.shards)


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
        labels=json.dumps(dict(sorted(account.labels.items())), ensure_ascii=False) if account.labels else None,
    )
